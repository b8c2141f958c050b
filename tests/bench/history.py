"""How long histories take: `make bench-history`, or `python -m tests.bench.history --records 1000000`.

Records with two versions, each by a proposal with two versions that was accepted, are made by a few statements of SQL out of one
that the hub itself took in; one record and one statement among them have 500 versions. Then pages of history, differences,
Memento's lists and the export of an institution's changes are asked for in memory. Each question is told with how the database
answers it where it does so without an index.
"""

import re
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Connection, Table, event, text

from annotations.tables import AnnotationRow, AnnotationTargetRow, AnnotationVersionRow, ProposalRow, VerdictRow
from app import compose
from app.runtime import context
from app.runtime.settings import Settings
from iiif.catalogue.tables import RecordChangeRow, RecordVersionRow, SpecimenRow
from tests.people import Person, add_person
from tests.services import database
from tests.sheets import Hub, add_sheet, make_hub

ROUNDS, WARM = 30, 3
LONG = 500  # versions of one thing
SCANS = re.compile(r"SCAN (?!CONSTANT)(\w+)\b(?! USING)|Seq Scan on (\w+)")
FEW = ("accounts", "account_roles", "sessions", "tokens", "media", "image")  # tables that are small here
Asked = Callable[[], Any]


@click.command()
@click.option("--records", default=1_000_000, show_default=True)
@click.option("--database", "kind", type=click.Choice(["sqlite", "postgresql"]), default="sqlite", show_default=True)
def main(records: int, kind: str) -> None:
    """Print a table of milliseconds, for docs/performance.md."""
    with tempfile.TemporaryDirectory(prefix="lectotype-history-") as folder, database(kind) as url, ExitStack() as left:
        settings = Settings(data_dir=Path(folder), base_url="http://bench.test", **({"database_url": url} if url else {}))
        runtime = compose.build(settings)
        compose.prepare(runtime)
        context.use(runtime)
        left.callback(runtime.database.engine.dispose)
        left.callback(runtime.search.close)
        hub = make_hub(runtime)
        began = time.monotonic()
        ana = fill(hub, records)
        sys.stderr.write(f"{records:,} records made in {time.monotonic() - began:.0f} s\n")
        click.echo(f"{records:,} records on {kind}\n\n| what | median | p95 | CPU, median |\n|---|---|---|---|")
        for name, ask in questions(hub, ana):
            tell(hub, name, ask)
        export(hub)


def fill(hub: Hub, number: int) -> Person:
    """One record by the hub's own hand, and its copies."""
    terms = {"scientificName": "Quercus robur L.", "recordedBy": "Smyth", "institutionCode": "BR"}
    specimen, _ = add_sheet(hub.runtime, "BENCH", terms=terms)
    ana, ben = add_person(hub.runtime, "ana", "curator", "BR"), add_person(hub.runtime, "ben", "annotator")
    said = {"specimen": specimen.key, "term": "recordedBy", "value": "H. Smith"}
    key = hub.client.post("/api/proposals", json=said, headers=ben.bearer).get_json()["key"]
    document = dict(hub.get(f"/annotations/{key}").get_json())
    document["body"] = {**document["body"], "value": "Henry Smith"}
    assert hub.client.put(f"/annotations/{key}", json=document, headers=ben.bearer).status_code == 200
    verdict = {"annotation": key, "version": 2, "verdict": "approved"}
    assert hub.client.post("/api/verdicts", json=verdict, headers=ana.bearer).get_json()["state"] == "accepted"
    with hub.runtime.database.engine.begin() as connection:
        copy(connection, specimen.key, key, number)
        lengthen(connection, "s1h000000001", "n1h000000001")
        if connection.dialect.name == "postgresql":  # which does so by itself, and SQLite does not
            connection.execute(text("ANALYZE"))
    return ana


def numbered(connection: Connection, prefix: str, of: str = "i") -> str:
    """The expression of a key with that prefix and a number of nine digits."""
    if connection.dialect.name == "sqlite":
        return f"printf('{prefix}%09d', {of})"
    return f"'{prefix}' || lpad(({of})::text, 9, '0')"


def copies(connection: Connection, table: Any, where: str, number: int, changed: Mapping[str, str]) -> None:
    """Copy every row of which `where` holds `number` times; `changed` are expressions of its columns (t) and of i, from 1."""
    assert isinstance(table, Table)
    names = [column.name for column in table.columns]
    values = ", ".join(changed.get(name, f't."{name}"') for name in names)
    listed = ", ".join(f'"{name}"' for name in names)
    connection.execute(
        text(
            f"WITH RECURSIVE seq(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM seq WHERE i < {number}) "
            f"INSERT INTO {table.name} ({listed}) SELECT {values} FROM seq, (SELECT * FROM {table.name} WHERE {where}) t"
        )
    )


def copy(connection: Connection, specimen: str, key: str, number: int) -> None:
    own, said = numbered(connection, "s1h"), numbered(connection, "n1h")
    json_of = "{}" if connection.dialect.name == "sqlite" else "({})::jsonb"
    as_text = 't."{}"' if connection.dialect.name == "sqlite" else 't."{}"::text'

    def named(column: str) -> str:
        return json_of.format(f"replace(replace({as_text.format(column)}, '{key}', {said}), '{specimen}', {own})")

    of_specimen = {"key": own, "identity": numbered(connection, "bench "), "catalog_number": numbered(connection, "B ")}
    copies(connection, SpecimenRow.__table__, f"key = '{specimen}'", number, of_specimen | {"accepted": named("accepted")})
    version = {"specimen_key": own, "statement_key": f"CASE WHEN t.statement_key = '' THEN '' ELSE {said} END"}
    copies(
        connection, RecordVersionRow.__table__, f"specimen_key = '{specimen}'", number, version | {"accepted": named("accepted")}
    )
    change = {"statement_key": said, "specimen_key": own}
    copies(connection, RecordChangeRow.__table__, f"statement_key = '{key}'", number, change)
    statement = {"key": said, "specimen_key": own, "document": named("document"), "etag": numbered(connection, "e")}
    copies(connection, AnnotationRow.__table__, f"key = '{key}'", number, statement)
    stored = {"key": said, "document": named("document")}
    copies(connection, AnnotationVersionRow.__table__, f"key = '{key}'", number, stored)
    target = {"annotation_key": said, "key": own, "specimen_key": own}
    copies(connection, AnnotationTargetRow.__table__, f"annotation_key = '{key}'", number, target)
    judged = {"key": numbered(connection, "n1v"), "etag": numbered(connection, "v")}
    verdict = f"key IN (SELECT key FROM verdicts WHERE annotation_key = '{key}')"
    copies(connection, AnnotationRow.__table__, verdict, number, judged)
    given = {"key": numbered(connection, "n1v"), "annotation_key": said, "client_key": numbered(connection, "c")}
    copies(connection, VerdictRow.__table__, f"annotation_key = '{key}'", number, given)
    copies(connection, ProposalRow.__table__, f"key = '{key}'", number, {"key": said, "specimen_key": own})


def lengthen(connection: Connection, specimen: str, key: str) -> None:
    """One record and one statement with many versions."""
    more = {"version": "t.version + i"}
    copies(connection, RecordVersionRow.__table__, f"specimen_key = '{specimen}' AND version = 2", LONG - 2, more)
    copies(connection, AnnotationVersionRow.__table__, f"key = '{key}' AND version = 2", LONG - 2, more)
    connection.execute(text(f"UPDATE specimens SET record_version = {LONG} WHERE key = '{specimen}'"))
    connection.execute(text(f"UPDATE annotations SET version = {LONG} WHERE key = '{key}'"))


def questions(hub: Hub, ana: Person) -> Iterator[tuple[str, Asked]]:
    def get(path: str) -> Asked:
        def ask() -> Any:
            answer = hub.client.get(path, headers=ana.bearer)
            assert answer.status_code == 200, (path, answer.text[:300])
            return answer.data

        return ask

    for kind, thing, statement in (
        ("two versions", "s1h000000777", "n1h000000777"),
        (f"{LONG} versions", "s1h000000001", "n1h000000001"),
    ):
        yield f"history of a record of {kind}", get(f"/api/specimens/{thing}/history")
        yield f"what differs in a record of {kind}", get(f"/api/specimens/{thing}/diff?from=1&to=2")
        yield f"TimeMap of a record of {kind}", get(f"/api/specimens/{thing}/timemap")
        yield f"history of a statement of {kind}", get(f"/api/annotations/{statement}/history")
        yield f"what differs in a statement of {kind}", get(f"/api/annotations/{statement}/diff?from=1&to=2")
        yield f"TimeMap of a statement of {kind}", get(f"/annotations/{statement}/timemap")
        yield f"page of the history of a statement of {kind}", get(f"/statements/{statement}/history")
    yield "page of 50 accepted proposals", get("/api/proposals?state=accepted&kind=proposal&limit=50")
    yield (
        "the same of a collection, from the middle",
        get("/api/proposals?state=accepted&collection=BR&limit=50&after=n1h0000005"),
    )
    yield "page of a specimen with a proposal", get("/specimens/s1h000000777")


def tell(hub: Hub, name: str, ask: Asked) -> None:
    scanned = looked_through(hub, ask)
    times, of_cpu = [], []
    for place in range(ROUNDS + WARM):
        began, used = time.perf_counter(), time.process_time()
        ask()
        if place >= WARM:
            times.append(1000 * (time.perf_counter() - began))
            of_cpu.append(1000 * (time.process_time() - used))
    p95, cpu = statistics.quantiles(times, n=20)[-1], statistics.median(of_cpu)
    click.echo(f"| {name} | {statistics.median(times):.1f} ms | {p95:.1f} ms | {cpu:.1f} ms |")
    for table in sorted(scanned):
        click.echo(f"  without an index: {table}", err=True)


def looked_through(hub: Hub, ask: Asked) -> set[str]:
    """The tables that are read from end to end for the question."""
    engine, said = hub.runtime.database.engine, {}

    def note(_connection: Any, _cursor: Any, statement: str, given: Any, *_: Any) -> None:
        said[statement] = given

    event.listen(engine, "before_cursor_execute", note)
    ask()
    event.remove(engine, "before_cursor_execute", note)
    how = "EXPLAIN QUERY PLAN" if engine.dialect.name == "sqlite" else "EXPLAIN"
    found: set[str] = set()
    with engine.connect() as connection:
        for statement, given in said.items():
            if not statement.lstrip().startswith(("SELECT", "WITH")):
                continue
            plan = "\n".join(str(row[-1]) for row in connection.exec_driver_sql(f"{how} {statement}", given))
            found |= {one or other for one, other in SCANS.findall(plan)}
    return {table for table in found if table not in FEW}


def export(hub: Hub) -> None:
    """All changes of the institution as CSV and as JSON Lines: seconds, lines a second, and how far memory grew."""
    for form in ("csv", "jsonl"):
        before, began, lines, size = peak_mb(), time.monotonic(), 0, 0
        answer = hub.client.get(f"/api/changes/BR.{form}", buffered=False)
        for part in answer.response:
            lines, size = lines + 1, size + len(part)
        took = time.monotonic() - began
        grown = peak_mb() - before
        told = f"all changes as {form}: {lines:,} lines, {size / 1e6:.0f} MB"
        click.echo(f"| {told} | {took:.0f} s, {lines / took:,.0f} a second | memory + {grown:.0f} MB | |")
        answer.close()


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
