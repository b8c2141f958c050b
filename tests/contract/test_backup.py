"""A hub as one file and back, and copies before migrations; with real servers, on SQLite and PostgreSQL."""

import io
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine, MetaData, text

from annotations.search import consistency
from app import compose, migrate
from app.backup import before_migration, manifest, sqlite
from app.backup.manifest import BadBackup
from app.backup.restore import NotEmpty, restore
from app.backup.write import write
from app.cli import main
from app.runtime import context, disk, tokens
from app.runtime.context import Runtime
from app.runtime.principal import Principal
from app.runtime.settings import Settings
from app.web import create_app
from iiif.catalogue import service as catalogue
from tests import live, sheets
from tests.live import ROOT
from tests.sheets import add_sheet, comment, make_hub
from tests.unit.iiif.image.pictures import derived, drawn, file_of
from tests.upgrade import release as releases
from tests.upgrade.recording import Hub, differences

BASE = "https://hub.backup.example"


class Place(NamedTuple):
    """Where a hub may be: a data folder, and the address of a database (empty: SQLite in the folder)."""

    folder: Path
    database_url: str

    def settings(self, **more: Any) -> Settings:
        return Settings(data_dir=self.folder / "data", database_url=self.database_url, base_url=BASE, **more)


@pytest.fixture(params=["sqlite", "postgresql"])
def new_place(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Place]:
    """Makes one empty place after the other, all on the same kind of database."""
    numbers = iter(range(100))

    def make() -> Place:
        number = next(numbers)
        if request.param == "sqlite":
            return Place(tmp_path / f"hub{number}", "")
        url = request.getfixturevalue("postgresql_url")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {url.rsplit('/', 1)[1]}_{number}".encode())
        return Place(tmp_path / f"hub{number}", f"{url}_{number}")

    return make


@contextmanager
def at(place: Place, **more: Any) -> Iterator[Runtime]:
    """The runtime of that place, whatever is there; it is not prepared."""
    runtime = compose.build(place.settings(**more))
    try:
        yield runtime
    finally:
        runtime.search.close()
        runtime.database.engine.dispose()


def fill(runtime: Runtime) -> None:
    """Images with files, annotations in versions, tokens, work that waits."""
    compose.prepare(runtime)
    for number in range(4):
        derived(runtime, file_of(drawn(600 + number, 420)), f"{number}.jpg")
    add_sheet(runtime, "BR 0001 \\ 'tab\tquote\"", {"scientificName": "Élise \\N \u2028 ü"}, sizes=())
    hub = make_hub(runtime)
    made = hub.post(comment(a_canvas(runtime)), Slug="first-note")
    assert made.status_code == 201
    changed = comment(f"{a_canvas(runtime)}#xywh=1,2,3,4")
    assert hub.write("PUT", made.headers["Location"], changed).status_code == 200
    with runtime.reads.begin() as session:
        consistency.rebuild(session, runtime.search, runtime.addresses, lambda _: None)


def rows(runtime: Runtime) -> dict[str, list[str]]:
    """Everything in the database."""
    with runtime.database.engine.begin() as connection:
        metadata = MetaData()
        metadata.reflect(connection)
        return {
            table.name: sorted(str([str(value) for value in row]) for row in connection.execute(table.select()))
            for table in metadata.tables.values()
        }


def blobs(runtime: Runtime) -> list[str]:
    return sorted(entry.sha256 for entry in runtime.blobs.entries())


def test_a_restored_hub_answers_the_same(new_place: Callable[[], Place], tmp_path: Path) -> None:
    """Backed up while a real server answers and annotations are written; served from the backup elsewhere."""
    place, other, file = new_place(), new_place(), tmp_path / "hub.tar"
    with at(place) as runtime:
        fill(runtime)
    with live.web(place.folder, base_url=BASE, database_url=place.database_url) as server, at(place) as runtime:
        hub = make_hub_again(runtime)
        recorder = Hub(server.runtime.settings.port, BASE, hub.token)
        seeds = ["/annotations/", "/api/specimens", "/api/media", "/iiif/presentation/3/collection/all.json", "/api/search"]
        before = recorder.record(seeds)
        assert len(before) > 50
        stop, written = threading.Event(), []
        busy = bare_specimen(runtime)

        def keep_writing() -> None:
            while not stop.is_set():
                written.append(hub.post(comment(runtime.addresses.pid(busy), "written meanwhile")).status_code)

        writer = threading.Thread(target=keep_writing)
        writer.start()
        done = in_a_process(place, "backup", str(file), "--json")
        stop.set()
        writer.join()
    assert done.returncode == 0, done.stderr
    assert set(written) == {201}
    assert file.stat().st_mode & 0o077 == 0, "it holds what is closed"
    done = in_a_process(other, "restore", str(file), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["faults"] == {}
    with live.web(other.folder, base_url=BASE, database_url=other.database_url) as server:
        recorder = Hub(server.runtime.settings.port, BASE, hub.token)
        kept_out = ("/annotations/?", "/api/search")
        lasting = [old for old in before if busy not in json.dumps(old) and not old["path"].startswith(kept_out)]
        assert len(lasting) > 30
        for old in lasting:
            if old["path"] != "/annotations/":
                assert differences(old, recorder.ask(old["path"], token=old["token"])) == []
        assert recorder.ask("/annotations/")["json"]["total"] >= before[0]["json"]["total"]
        with at(other) as runtime:
            said = {"Authorization": f"Bearer {hub.token}", "Content-Type": "application/ld+json"}
            data = json.dumps(comment(a_canvas(runtime))).encode()
        request = urllib.request.Request(f"{server.url}/annotations/", data, said)
        with urllib.request.urlopen(request) as response:
            assert response.status == 201, "tokens are restored, too"


def make_hub_again(runtime: Runtime) -> sheets.Hub:
    """A client with a token of another name."""
    with runtime.db.begin() as session:
        token = tokens.create(session, "writer", runtime.clock(), by=Principal.of_system())
    return sheets.Hub(runtime, create_app(runtime).test_client(), token)


def bare_specimen(runtime: Runtime) -> str:
    """The key of the specimen without images."""
    with runtime.reads.begin() as session:
        return next(one.key for one in catalogue.list_specimens(session, limit=50) if "BR 0001" in one.catalog_number)


def a_canvas(runtime: Runtime) -> str:
    with runtime.reads.begin() as session:
        media = next(one for one in catalogue.list_media(session, limit=50) if one.state == "ready")
    return runtime.addresses.canvas(media.specimen_key, media.key)


def lectotype(place: Place, *words: str) -> Result:
    settings = place.settings()
    environment = {"LECTOTYPE_DATA_DIR": str(settings.data_dir), "LECTOTYPE_DATABASE_URL": place.database_url,
                   "LECTOTYPE_BASE_URL": BASE}  # fmt: skip
    done = CliRunner().invoke(main, words, env=environment)
    context.current().search.close()
    context.current().database.engine.dispose()
    return done


def in_a_process(place: Place, *words: str) -> "subprocess.CompletedProcess[str]":
    command, environment = [sys.executable, "-m", "app.cli", *words], place.settings(port=0).environment()
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120)


def test_every_row_and_blob_comes_back_and_new_rows_get_new_numbers(new_place: Callable[[], Place], tmp_path: Path) -> None:
    place, other, file = new_place(), new_place(), tmp_path / "hub.tar"
    with at(place) as runtime:
        fill(runtime)
        made = write(runtime, file)
        expected, names = rows(runtime), blobs(runtime)
    assert (made.blobs, made.left_out) == (8, "nothing")
    with at(other) as runtime:
        restore(runtime, file)
        assert rows(runtime) == expected
        assert blobs(runtime) == names
        for name in names:
            with runtime.blobs.open(name) as stream:
                assert len(stream.read()) == runtime.blobs.size(name)
        add_sheet(runtime, "BR 0002")  # it adds to the outbox
        assert len(rows(runtime)["outbox"]) > len(expected["outbox"])


@pytest.mark.parametrize(("option", "count"), [("--without-derivatives", 4), ("--without-blobs", 0)])
def test_blobs_may_be_left_out(new_place: Callable[[], Place], tmp_path: Path, option: str, count: int) -> None:
    place, other, file = new_place(), new_place(), tmp_path / "hub.tar"
    with at(place) as runtime:
        compose.prepare(runtime)
        media = [derived(runtime, file_of(drawn(300 + number, 200)), f"{number}.jpg") for number in range(4)]
    assert json.loads(lectotype(place, "backup", str(file), option, "--json").output)["blobs"] == count
    if option == "--without-blobs":  # they are kept by other means
        shutil.copytree(place.folder / "data" / "blobs", other.folder / "data" / "blobs")
    done = lectotype(other, "restore", str(file))
    assert done.exit_code == 0, done.output
    assert ("lost derivative: 4" in done.output) == (option == "--without-derivatives")
    assert lectotype(other, "derive", "--missing").exit_code == 0
    assert lectotype(other, "fsck", "--deep").exit_code == 0
    with at(other) as runtime:
        assert all(runtime.blobs.has(one.pyramid_sha256) for one in media)


def test_a_hub_that_is_not_empty_is_left_as_it_is(new_place: Callable[[], Place], tmp_path: Path) -> None:
    place, with_blobs, file = new_place(), new_place(), tmp_path / "hub.tar"
    with at(place) as runtime:
        fill(runtime)
        write(runtime, file)
        before = rows(runtime), blobs(runtime)
        with pytest.raises(NotEmpty, match="database already"):
            restore(runtime, file)
        assert (rows(runtime), blobs(runtime)) == before
    with at(with_blobs) as runtime:
        runtime.blobs.prepare(used=False)
        kept, _ = runtime.blobs.put(io.BytesIO(b"somebody's"))
        with pytest.raises(NotEmpty, match="blobs already"):
            restore(runtime, file)
        assert blobs(runtime) == [kept]
        assert_nothing_but_blobs(runtime, with_blobs)


def test_a_backup_is_not_written_over_a_file(new_place: Callable[[], Place], tmp_path: Path) -> None:
    place, file = new_place(), tmp_path / "hub.tar"
    file.write_text("mine")
    with at(place) as runtime:
        compose.prepare(runtime)
        with pytest.raises(BadBackup, match="already"):
            write(runtime, file)
        with pytest.raises(BadBackup, match="Nothing can be written"):
            write(runtime, file / "below" / "hub.tar")
    assert file.read_text() == "mine"
    assert list(tmp_path.glob(".*unfinished*")) == []


def assert_nothing_but_blobs(runtime: Runtime, place: Place) -> None:
    if place.database_url:
        with runtime.database.engine.connect() as connection:
            assert connection.scalar(text("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")) == 0
    else:
        assert not (place.folder / "data" / "lectotype.db").exists()
    assert not list((place.folder / "data").glob(".restoring*"))


def altered(file: Path, out: Path, change: Callable[[str, bytes], tuple[str, bytes] | None]) -> Path:
    """The archive with other members."""
    with tarfile.open(file) as old, tarfile.open(out, "w") as new:
        for member in old.getmembers():
            stream = old.extractfile(member)
            assert stream is not None
            changed = change(member.name, stream.read())
            if changed is not None:
                info = tarfile.TarInfo(changed[0])
                info.size = len(changed[1])
                new.addfile(info, io.BytesIO(changed[1]))
    return out


def flipped(body: bytes) -> bytes:
    return body[:-1] + bytes([body[-1] ^ 1])


def test_a_damaged_backup_is_refused_and_leaves_nothing(new_place: Callable[[], Place], tmp_path: Path) -> None:
    place, other, file = new_place(), new_place(), tmp_path / "hub.tar"
    with at(place) as runtime:
        fill(runtime)
        write(runtime, file)
    a_blob, is_database = f"blobs/{'0' * 2}/{'0' * 64}", lambda name: name == manifest.SQLITE_MEMBER or name == "tables/media"

    def newer(name: str, body: bytes) -> tuple[str, bytes]:
        return name, json.dumps(json.loads(body) | {"revision": "9999"}).encode() if name == manifest.NAME else body

    changes: dict[str, tuple[Callable[[str, bytes], Any], str]] = {
        "blob": (lambda name, body: (name, flipped(body) if name.startswith("blobs/") else body), "other bytes than its name"),
        "database": (lambda name, body: (name, flipped(body) if is_database(name) else body), "database is not what"),
        "no database": (lambda name, body: None if is_database(name) else (name, body), "database is not what"),
        "one more": (lambda name, body: (a_blob if name == manifest.NAME else name, body), "other bytes"),
        "fewer": (lambda name, body: None if name.startswith("blobs/") else (name, body), "0 blobs and says 8"),
        "end": (lambda name, body: None if name == manifest.NAME else (name, body), "not complete"),
        "stranger": (lambda name, body: ("../etc/passwd" if name == manifest.NAME else name, body), "no backup of ours"),
        "newer": (newer, "newer version"),
    }
    damaged = {name: (altered(file, tmp_path / f"{name}.tar", change), says) for name, (change, says) in changes.items()}
    cut = tmp_path / "cut.tar"
    cut.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    (tmp_path / "text.tar").write_bytes(b"no archive at all" * 100)
    damaged |= {"cut": (cut, "cut off"), "text": (tmp_path / "text.tar", "no backup of ours")}
    with at(other) as runtime:
        for path, says in damaged.values():
            with pytest.raises(BadBackup, match=says):
                restore(runtime, path)
            assert blobs(runtime) == []
            assert_nothing_but_blobs(runtime, other)
        restore(runtime, file)
        assert len(blobs(runtime)) == 8


def test_a_backup_of_another_kind_of_database_is_refused(tmp_path: Path, postgresql_url: str) -> None:
    file, empty = tmp_path / "hub.tar", Place(tmp_path / "other", postgresql_url)
    with at(Place(tmp_path / "hub", "")) as runtime:
        compose.prepare(runtime)
        write(runtime, file)
    with at(empty) as runtime, pytest.raises(BadBackup, match="of a hub on sqlite; this one is on postgresql"):
        restore(runtime, file)


def test_a_backup_of_an_older_version_is_restored_and_migrated(new_place: Callable[[], Place], tmp_path: Path) -> None:
    place, other, file = new_place(), new_place(), tmp_path / "hub.tar"
    release = releases.unpack(tmp_path / "release")
    if place.database_url:
        releases.load(release.database, place.database_url)
        shutil.copytree(release.folder / "data" / "blobs", place.folder / "data" / "blobs")
    else:
        shutil.copytree(release.folder / "data", place.folder / "data")
    with at(place) as runtime:
        assert write(runtime, file).revision == "0002"
    with at(other) as runtime:
        restore(runtime, file)
        with runtime.database.engine.connect() as connection:
            assert migrate.current(connection) == migrate.newest()
            assert migrate.drift(connection) == []
        assert not (other.folder / "data" / "backups").exists()


# Before a migration


@pytest.fixture
def older(tmp_path: Path) -> Place:
    """The release's data folder, on SQLite."""
    releases.unpack(tmp_path)
    return Place(tmp_path, "")


def test_on_sqlite_a_copy_is_kept_before_a_migration_and_only_then(older: Place) -> None:
    before = older.folder / "data" / "lectotype.db"
    with closing(sqlite3.connect(before)) as connection:
        expected = list(connection.iterdump())
    for _ in range(2):
        with at(older) as runtime:
            compose.prepare(runtime)
    (copy,) = (older.folder / "data" / "backups").iterdir()
    assert copy.name.startswith(f"before-{migrate.newest()}-from-0002-")
    assert copy.name.endswith(".db")
    assert sqlite.revision_of(copy) == "0002"
    with closing(sqlite3.connect(copy)) as connection:
        assert sorted(connection.iterdump()) == sorted(expected)


def test_a_fresh_database_is_migrated_without_a_copy(new_place: Callable[[], Place]) -> None:
    place = new_place()
    with at(place) as runtime:
        compose.prepare(runtime)
        compose.prepare(runtime)
    assert not (place.folder / "data" / "backups").exists()


def test_several_processes_keep_one_copy(older: Place) -> None:
    environment = older.settings().environment()
    processes = [
        subprocess.Popen([sys.executable, "-m", "app.cli", "migrate"], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
        for _ in range(3)
    ]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert len(list((older.folder / "data" / "backups").iterdir())) == 1


def test_a_full_disk_forbids_the_migration_in_a_clear_sentence(older: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(older.folder)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=disk.LEAST_BYTES))
    done = lectotype(older, "migrate")
    assert done.exit_code == 1
    assert "Make room, or run `lectotype migrate --without-backup`" in done.output
    assert sqlite.revision_of(older.folder / "data" / "lectotype.db") == "0002"
    assert lectotype(older, "migrate", "--without-backup").exit_code == 0
    assert sqlite.revision_of(older.folder / "data" / "lectotype.db") == migrate.newest()


def test_a_copy_that_was_broken_off_is_no_copy(older: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = older.folder / "data" / "backups"
    kept.mkdir()
    (kept / "before-0003-from-0002-20260101T000000.unfinished").write_bytes(b"half")

    def fail(_engine: Engine, target: Path) -> None:
        target.write_bytes(b"half")
        raise OSError("the disk is gone")

    with at(older) as runtime:
        with monkeypatch.context() as patch:
            patch.setattr(sqlite, "copy", fail)
            with pytest.raises(OSError, match="gone"):
                compose.prepare(runtime)
        assert sqlite.revision_of(older.folder / "data" / "lectotype.db") == "0002"
        compose.prepare(runtime)
    assert [path.suffix for path in kept.iterdir()] == [".db"]


def test_on_postgresql_a_backup_is_asked_for(tmp_path: Path, postgresql_url: str) -> None:
    release = releases.unpack(tmp_path)
    releases.load(release.database, postgresql_url)
    place, file = Place(tmp_path, postgresql_url), tmp_path / "before.tar"
    release.database.unlink()
    for words in (("migrate",), ("token", "list"), ("serve",)):
        done = in_a_process(place, *words)
        assert done.returncode == 1
        assert "run `lectotype migrate --backup FILE`" in done.stderr
    with at(place) as runtime, runtime.database.engine.connect() as connection:
        assert migrate.current(connection) == "0002"
    assert lectotype(place, "migrate", "--backup", str(file), "--without-backup").exit_code == 2
    done = lectotype(place, "migrate", "--backup", str(file))
    assert done.exit_code == 0, done.output
    assert lectotype(place, "token", "list").exit_code == 0
    with tarfile.open(file) as archive:
        stream = archive.extractfile(manifest.NAME)
        assert stream is not None
        assert json.load(stream)["revision"] == "0002"


def test_a_setting_lets_an_orchestrated_hub_migrate(tmp_path: Path, postgresql_url: str) -> None:
    release = releases.unpack(tmp_path)
    releases.load(release.database, postgresql_url)
    with at(Place(tmp_path, postgresql_url), migrate_without_backup=True) as runtime:
        assert before_migration.usual(runtime) is before_migration.nothing
        compose.prepare(runtime)
        with runtime.database.engine.connect() as connection:
            assert migrate.current(connection) == migrate.newest()
    assert os.environ.get("LECTOTYPE_MIGRATE_WITHOUT_BACKUP") is None
