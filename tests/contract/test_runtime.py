"""The runtime suite: database, migrations, outbox, relay and tokens, alike on SQLite and PostgreSQL."""

import threading
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import func, inspect, select, text
from sqlalchemy.exc import OperationalError, StatementError
from structlog.testing import capture_logs

from app import compose, migrate, relay
from app.runtime import clock, outbox, principal, tokens
from app.runtime.broker import DatabaseBroker
from app.runtime.context import Runtime
from app.runtime.db import connect
from app.runtime.errors import Conflict, Invalid, NotFound
from app.runtime.outbox import OutboxRow
from app.runtime.principal import Grant, Principal
from app.runtime.search.port import Document, Everything, SearchDown, SearchEngine
from app.runtime.settings import Settings
from app.runtime.tokens_table import TokenRow
from app.schema import METADATA
from iiif.catalogue.jobs import DeriveImage
from tests.services import wait_until

DATABASES = ("sqlite", "postgresql")


@pytest.fixture(params=DATABASES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgresql_url"))
    return f"sqlite:///{tmp_path / 'test.db'}"


@pytest.fixture
def hub(url: str, tmp_path: Path) -> Iterator[Runtime]:
    runtime = compose.build(Settings(data_dir=tmp_path / "data", database_url=url))
    compose.prepare(runtime)
    yield runtime
    runtime.search.close()
    runtime.database.engine.dispose()


@pytest.fixture
def broker(hub: Runtime) -> Iterator[DatabaseBroker]:
    broker = DatabaseBroker(hub.database)
    yield broker
    broker.close()


def test_the_migrations_lead_to_the_tables_in_code(url: str) -> None:
    database = connect(url)
    migrate.upgrade(database)
    with database.engine.connect() as connection:
        assert migrate.drift(connection) == []
        assert migrate.current(connection) == migrate.newest() != ""
        look = inspect(connection)
        keys = [(table, key) for table in METADATA.tables for key in look.get_foreign_keys(table)]
        assert {key["name"] for _, key in keys} == {
            f"fk_{table}_{'_'.join(key['constrained_columns'])}" for table, key in keys
        }  # which migrations to come will ask for by name
    database.engine.dispose()


def test_migrating_again_and_at_once_from_several_processes_does_no_harm(url: str) -> None:
    databases = [connect(url) for _ in range(4)]
    threads = [threading.Thread(target=migrate.upgrade, args=(database,)) for database in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    migrate.upgrade(databases[0])
    assert "specimens" in inspect(databases[0].engine).get_table_names()
    for database in databases:
        database.engine.dispose()


def test_many_may_open_a_new_database_at_once(tmp_path: Path) -> None:
    """Turning SQLite's write-ahead log on is refused, not queued, while another connection does the same."""
    failures: list[Exception] = []

    def open_it(url: str) -> None:
        database = connect(url)
        try:
            with database.engine.begin() as connection:
                connection.execute(text("SELECT 1"))
        except OperationalError as error:
            failures.append(error)
        finally:
            database.engine.dispose()

    for number in range(50):
        threads = [threading.Thread(target=open_it, args=(f"sqlite:///{tmp_path / f'{number}.db'}",)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failures == []


def test_times_come_back_aware_and_in_utc(hub: Runtime) -> None:
    noon = datetime(2024, 2, 29, 12, 0, 0, 123456, tzinfo=timezone(timedelta(hours=2)))
    with hub.db.begin() as session:
        session.add(TokenRow(name="x", digest="x", created_at=noon))
    with hub.reads.begin() as session:
        found = session.scalars(select(TokenRow)).one().created_at
    assert (found, found.tzinfo) == (noon, UTC)


def test_a_time_without_a_zone_is_refused(hub: Runtime) -> None:
    with pytest.raises(StatementError, match="without a zone"), hub.db.begin() as session:
        session.add(TokenRow(name="x", digest="x", created_at=datetime(2024, 1, 1)))  # noqa: DTZ001 - that is the point


def test_writers_wait_for_one_another(hub: Runtime) -> None:
    """Eight threads that read, wait and then write lose nothing and fail nowhere."""
    with hub.db.begin() as session:
        session.add(TokenRow(name="count", digest="0", created_at=clock.now()))

    def add_ten() -> None:
        for _ in range(10):
            with hub.db.begin() as session:
                row = session.scalars(select(TokenRow).with_for_update()).one()
                row.digest = str(int(row.digest) + 1)

    threads = [threading.Thread(target=add_ten) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with hub.reads.begin() as session:
        assert session.scalars(select(TokenRow)).one().digest == "80"


def test_a_reader_does_not_wait_for_a_writer(hub: Runtime) -> None:
    with hub.db.begin() as writing:
        tokens.create(writing, "unseen", clock.now(), by=Principal.of_system())
        writing.flush()
        begun = time.monotonic()
        with hub.reads.begin() as reading:
            assert reading.scalar(select(func.count()).select_from(TokenRow)) == 0
        assert time.monotonic() - begun < 5


def test_a_token_opens_until_it_is_revoked(hub: Runtime) -> None:
    with hub.db.begin() as session:
        secret = tokens.create(session, "loader", clock.now(), by=Principal.of_system())
        assert principal.of_secret(session, secret, clock.now()) == Principal("loader", (Grant("annotator"),))
        assert not principal.of_secret(session, secret + "x", clock.now()).name
        assert secret not in session.scalars(select(TokenRow.digest)).all()
        tokens.revoke(session, "loader", clock.now(), by=Principal.of_system())
        assert "revoked" in principal.of_secret(session, secret, clock.now()).refused
    with pytest.raises(Conflict), hub.db.begin() as session:
        tokens.create(session, "loader", clock.now(), by=Principal.of_system())
    with pytest.raises(NotFound), hub.db.begin() as session:
        tokens.revoke(session, "nobody", clock.now(), by=Principal.of_system())


def test_a_token_has_a_role_over_collections_until_it_ends(hub: Runtime) -> None:
    at = clock.now()
    with hub.db.begin() as session:
        secret = tokens.create(
            session,
            "guest",
            at,
            by=Principal.of_system(),
            role="reader",
            collections=("BR", "P/VASC%2FOLD"),
            expires_at=at + timedelta(days=1),
        )
        guest = principal.of_secret(session, secret, at)
        assert guest.grants == (Grant("reader", "BR"), Grant("reader", "P", "VASC/OLD"))
        assert "expired" in principal.of_secret(session, secret, at + timedelta(days=1)).refused
    for wrong in ({"role": "king"}, {"collections": ("BR/",)}, {"collections": ()}, {"expires_at": at}):
        with pytest.raises(Invalid), hub.db.begin() as session:
            tokens.create(session, "other", at, by=Principal.of_system(), **wrong)  # type: ignore[arg-type]
    for name in ("", "system", "operator", "operator:ann", "x1bcdfghjkmn", "two\nlines", "x" * 101):
        with pytest.raises(Invalid), hub.db.begin() as session:
            tokens.create(session, name, at, by=Principal.of_system())


def test_the_outbox_commits_with_the_change_or_not_at_all(hub: Runtime, broker: DatabaseBroker) -> None:
    with hub.db() as session:
        outbox.add(session, DeriveImage("m1xxxxxxxxxxx"))
        session.flush()
        session.rollback()
    assert relay.relay_once(hub, broker) == 0
    with hub.db.begin() as session:
        outbox.add(session, DeriveImage("m1xxxxxxxxxxx"))
    assert relay.relay_once(hub, broker) == 1


def test_what_changed_can_soon_be_found(hub: Runtime, broker: DatabaseBroker) -> None:
    """An object that is not there (any more) leaves the index."""
    hub.search.write([Document("specimen/s1gone", 1, {"sort": "specimen"})])
    with relaying(hub, broker):
        with hub.db.begin() as session:
            outbox.touch(session, "specimen", "s1gone")
        committed = time.monotonic()
        wait_until(lambda: hub.search.find(Everything()).total == 0, "the tombstone in the index", 5)
        assert time.monotonic() - committed < 5  # under load; on an idle machine it is well below a second
    assert rows_left(hub) == 0


class Falling:
    """An engine that can be down."""

    def __init__(self, engine: SearchEngine) -> None:
        self.engine = engine
        self.down = True
        self.asked = 0
        self.standing, self.tend = engine.standing, engine.tend

    def write(self, documents: Iterable[Document], *, begin: bool = True) -> None:
        self.asked += 1
        if self.down:
            raise SearchDown("The search engine does not answer.")
        self.engine.write(documents, begin=begin)


def test_a_search_engine_that_is_down_stops_no_job_and_catches_up(hub: Runtime, broker: DatabaseBroker) -> None:
    engine = Falling(hub.search)
    hub.search.write([Document("specimen/s1gone", 1, {"sort": "specimen"})])
    falling = Runtime(hub.settings, hub.database, hub.blobs, engine)  # type: ignore[arg-type]  # it is only written and tended
    with hub.db.begin() as session:
        outbox.touch(session, "specimen", "s1gone")
        outbox.add(session, DeriveImage("m1xxxxxxxxxxx"))
    with capture_logs() as logs, relaying(falling, broker):
        wait_until(lambda: rows_left(hub, "job") == 0, "the job handed over")
        wait_until(lambda: engine.asked >= 2, "a second try")
        assert rows_left(hub, "index") == 1
        engine.down = False
        wait_until(lambda: rows_left(hub) == 0, "the index caught up")
    assert [entry["event"] for entry in logs if entry.get("side")] == ["the relay waits", "the relay goes on"]
    assert hub.search.find(Everything()).total == 0


def test_a_second_relay_waits_until_the_first_ends(hub: Runtime, broker: DatabaseBroker) -> None:
    with capture_logs() as logs, relaying(hub, broker) as first, relaying(hub, broker):
        wait_until(lambda: any("another relay" in entry["event"] for entry in logs), "the second to wait")
        first.set()
        with hub.db.begin() as session:
            outbox.add(session, DeriveImage("m1xxxxxxxxxxx"))
        wait_until(lambda: rows_left(hub) == 0, "the second to take over")


class relaying:  # noqa: N801 - used like a function
    """A relay in a thread of its own; gives the event that stops it."""

    def __init__(self, runtime: Runtime, broker: DatabaseBroker) -> None:
        self.stop = threading.Event()
        self.thread = threading.Thread(target=relay.run, args=(runtime, broker, self.stop))

    def __enter__(self) -> threading.Event:
        self.thread.start()
        return self.stop

    def __exit__(self, *_error: object) -> None:
        self.stop.set()
        self.thread.join()


def rows_left(runtime: Runtime, kind: str = "") -> int:
    with runtime.reads.begin() as session:
        count = session.scalar(
            select(func.count()).select_from(OutboxRow).where(OutboxRow.kind == kind if kind else OutboxRow.id > 0)
        )
    return count or 0
