"""No query that a request makes walks through a table that grows: the plan of every statement, on SQLite and on PostgreSQL.

The walk asks every address of the hub that `test_visibility` and `test_permissions` know, by nobody, a curator and an
administrator, reading and writing; what the database was asked meanwhile is then explained. A new address is walked by its row
there, which the first test of `test_visibility` asks for.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, text
from werkzeug.test import Client

from app.runtime import context
from app.runtime.db import Base
from app.runtime.settings import Settings
from tests.contract.test_permissions import NEEDS, PROPOSAL, filled
from tests.contract.test_visibility import TABLE, Hub, opened
from tests.databases import own_database
from tests.people import OUR_PAGE, Person, add_person
from tests.sheets import comment

Asked = dict[str, tuple[Any, str]]  # statement to parameters, and the address that asked first
# What has no more rows than a hub has people, processes, collections or kinds of things, or than are in work at a moment.
SMALL = {
    "account_identities", "account_links", "account_roles", "accounts", "tokens", "sessions", "login_attempts", "webhooks",
    "queue_counts", "queue_lines", "queue_gold", "withdrawals", "alembic_version",
}  # fmt: skip


# Totals that pages tell, by one pass over the keys of an index: 10 ms among a million rows.
COUNTED = [
    one.split()
    for one in (
        "SELECT media.state, count(*) AS count_1 FROM media GROUP BY media.state",
        "SELECT runs.state, count(*) AS count_1 FROM runs GROUP BY runs.state",
        "SELECT ingests.state, count(*) AS count_1 FROM ingests GROUP BY ingests.state",
        "SELECT count(*) AS count_1 FROM specimens",
        "SELECT count(*) AS count_1 FROM runs",
    )
]
PARTIAL = ("ix_verdicts_of_gold", "ix_annotations_veiled")  # indexes of few rows, which may be walked through


@pytest.fixture(scope="module")
def url_of_the_module(postgresql_server: str, migrated_postgresql: str) -> Iterator[str]:
    with own_database(postgresql_server, migrated_postgresql) as url:
        yield url


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def walked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Hub, Asked]]:
    settings = Settings(data_dir=tmp_path_factory.mktemp("plans"), base_url="http://hub.test", reduced_width=100)
    if request.param == "postgresql":
        settings = settings.with_(database_url=request.getfixturevalue("url_of_the_module"))
    with opened(settings) as hub:
        context.use(hub.runtime)
        admin = add_person(hub.runtime, "admin", "administrator", "all")
        asked: Asked = {}
        here = [""]

        def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
            shape = re.sub(r"IN \([^()]*\)", "IN (…)", statement)
            asked.setdefault(shape, (statement, parameters, here[0]))

        event.listen(Engine, "before_cursor_execute", note)
        try:
            for here[0], ask in _requests(hub, admin):
                ask()
        finally:
            event.remove(Engine, "before_cursor_execute", note)
        yield hub, asked


def _requests(hub: Hub, admin: Person) -> Iterator[tuple[str, Any]]:
    sheet = hub.sheets["open"]
    bearer = {"Authorization": f"Bearer {hub.tokens['curator']}"}
    client = Client(hub.client.application, use_cookies=False)
    for (method, rule), rows in TABLE.items():
        for row in rows if method == "GET" and rule != "/api/events" else ():
            for headers in ({}, bearer, admin.cookie):
                for accept in ("text/html", "application/json"):
                    said = {**headers, "Accept": accept}
                    yield f"{method} {rule}", lambda row=row, said=said: client.get(row.path(hub, sheet), headers=said).data
    for (method, rule), change in NEEDS.items():
        if rule in ("/logout", "/account/remove"):
            continue
        body = change.body
        if body == "comment":
            body = comment(hub.runtime.addresses.canvas(sheet.specimen.key, sheet.media.key))
        data = filled(body, sheet, login="admin") if isinstance(body, str) else json.dumps(body)
        if body is PROPOSAL:
            data = json.dumps({**PROPOSAL, "specimen": sheet.specimen.key})
        path = filled(change.path, sheet, verdict="n1nothing")
        said = {**admin.cookie, **OUR_PAGE, "Content-Type": change.content_type}
        yield (
            f"{method} {rule}",
            lambda method=method, path=path, said=said, data=data: client.open(path, method=method, headers=said, data=data).data,
        )


def test_every_statement_of_a_request_goes_by_an_index(walked: tuple[Hub, Asked]) -> None:
    hub, asked = walked
    assert len(asked) > 100
    faults = []
    with hub.runtime.database.engine.connect() as connection:
        explain = _of_sqlite if connection.dialect.name == "sqlite" else _of_postgresql
        for walk in ("SELECT * FROM media WHERE file_name = 'x'", "SELECT * FROM media ORDER BY file_name LIMIT 1"):
            assert list(explain(connection, walk, ())), "what walks is not told"
        for statement, parameters, rule in asked.values():
            if statement.split() in COUNTED or "WHERE 0 = 1" in statement:  # nothing is walked through for the latter
                continue
            if re.match(r"\s*(SELECT|UPDATE|DELETE|WITH|INSERT)", statement) and not isinstance(parameters, list):
                faults += [f"{rule}\n  {fault}\n  {statement}" for fault in explain(connection, statement, parameters)]
    assert not faults, f"{len(faults)}\n" + "\n\n".join(faults)


def _of_sqlite(connection: Connection, statement: str, parameters: Any) -> Iterator[str]:
    """Walks through a whole table or index, but for those in the order of the index that end at a limit."""
    steps = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
    sorts = any("TEMP B-TREE FOR ORDER BY" in step for step in steps)
    for step in steps:
        match = re.match(r"SCAN (\w+)(.*)", step)
        if match is None:
            continue
        table = _table(match[1], statement)
        paged = "LIMIT" in statement and not sorts
        if table in _growing() and not paged and not step.endswith(PARTIAL):
            yield step


def _of_postgresql(connection: Connection, statement: str, parameters: Any) -> Iterator[str]:
    """The same where the planner would rather do anything else than walk, so that small tables do not hide it: with sorting, and
    where it would rather not sort."""
    for way in ("seqscan", "hashjoin", "mergejoin"):
        connection.execute(text(f"SET LOCAL enable_{way} = off"))
    found: list[str] = []
    for sorting in ("on", "off"):
        connection.execute(text(f"SET LOCAL enable_sort = {sorting}"))
        (plan,) = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters).scalar_one()
        found = list(_walks(plan["Plan"], limited=False))
        if not found:
            return
    yield from found


def _walks(node: Mapping[str, Any], *, limited: bool) -> Iterator[str]:
    kind, table = node["Node Type"], node.get("Relation Name")
    whole = kind == "Seq Scan" or (kind.startswith(("Index", "Bitmap Index")) and "Index Cond" not in node and not limited)
    if table in _growing() and whole and node.get("Index Name") not in PARTIAL:
        yield f"{kind} on {table} {node.get('Filter', '')}"
    limited = kind == "Limit" or (limited and kind not in ("Sort", "Aggregate", "Hash", "HashAggregate"))
    for inner in node.get("Plans", ()):
        yield from _walks(inner, limited=limited)


def _growing() -> set[str]:
    return set(Base.metadata.tables) - SMALL


def _table(name: str, statement: str) -> str:
    """The table behind an alias."""
    match = re.search(rf'\b(\w+) AS "?{re.escape(name)}"?\b', statement)
    return match[1] if match else name
