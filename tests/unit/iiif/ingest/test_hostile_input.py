# ruff: noqa: SIM905 - lists of words read better as words
"""Nothing ends an ingest with a traceback, whatever the input; a bad file costs only itself, and every row is accounted for."""

import os
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import DataError

from app import compose
from app.runtime.context import Runtime
from app.runtime.db import Base
from app.runtime.settings import Settings
from iiif.catalogue import service
from iiif.ingest.report import IngestReport
from iiif.ingest.run import ingest
from tests.unit.iiif.ingest.conftest import Ingest, all_of, picture, reasons

GIF = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
ARCHIVE = (
    '<archive xmlns="http://rs.tdwg.org/dwc/text/"><core rowType="http://rs.tdwg.org/dwc/terms/Occurrence" '
    'fieldsTerminatedBy="," ignoreHeaderLines="1"><files><location>list.csv</location></files><id index="0"/>'
    '<field index="0" term="http://rs.tdwg.org/dwc/terms/catalogNumber"/>'
    '<field index="1" term="http://rs.tdwg.org/dwc/terms/associatedMedia"/></core></archive>'
)
ONE_ROW = b"catalogNumber\nGOOD-1\n"
HOSTILE = settings(max_examples=40, suppress_health_check=list(HealthCheck))
TEXT = st.text(st.sampled_from("aB1,;\t\"'\\\n\r <>/&=é\u0000\ufeff|"), max_size=80)
BYTES = st.one_of(TEXT.map(lambda text: text.encode("utf-8")), st.binary(max_size=80))


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    """One hub for all examples."""
    runtime = compose.build(Settings(data_dir=tmp_path_factory.mktemp("hub") / "data", base_url="http://lectotype.test"))
    Base.metadata.create_all(runtime.database.engine)
    runtime.blobs.prepare(used=False)
    yield runtime
    runtime.search.close()
    runtime.database.engine.dispose()


def taken_in(hub: Runtime, *paths: Path) -> IngestReport:
    """The report of an ingest that must not raise; its rows add up, and what follows the bad input is in."""
    report = ingest(hub, paths, on_media=lambda session, media: None, progress=lambda done, total: None)
    assert report.records == report.specimens_added + report.already_here + report.merged + report.refused
    assert report.rejected + report.warnings == len(report.entries)
    assert "internal-error" not in report.codes, report.readable()
    report.to_json()
    return report


def with_good_one(hub: Runtime, path: Path, folder: Path) -> IngestReport:
    good = folder / "good.csv"
    good.write_bytes(ONE_ROW)
    report = taken_in(hub, path, good)
    with hub.reads.begin() as session:
        assert service.count_specimens_by_number(session, "GOOD-1") == 1
    return report


@HOSTILE
@given(table=BYTES, name=st.sampled_from(["t.csv", "t.tsv", "t.txt", "t.xlsx", "t.ods", "t.xls", "t.zip", "t.jpg", "meta.xml"]))
def test_any_file(hub: Runtime, table: bytes, name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "in", name)
        path.parent.mkdir()
        path.write_bytes(table)
        with_good_one(hub, path, Path(folder))
        with_good_one(hub, path.parent, Path(folder))


COLUMNS = st.sampled_from(
    ["catalogNumber", "file", "associatedMedia", "eventDate", "year", "license", "decimalLatitude", "x", ""]
)


@HOSTILE
@given(columns=st.lists(COLUMNS, min_size=1, max_size=4), cells=st.lists(st.lists(TEXT, min_size=1, max_size=5), max_size=5))
def test_any_table(hub: Runtime, columns: list[str], cells: list[list[str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "t.csv")
        rows = [",".join(columns), *(",".join(row) for row in cells)]
        path.write_text("\n".join(rows), encoding="utf-8", newline="")
        with_good_one(hub, path, Path(folder))


ATTRIBUTES = st.dictionaries(
    st.sampled_from(
        "encoding fieldsTerminatedBy linesTerminatedBy fieldsEnclosedBy ignoreHeaderLines rowType index term default".split()
    ),
    st.sampled_from(
        """
        0 1 -1 99999999999999999999 x , \\t &quot; UTF-8 utf-16 rot13 zip \\u0000 core.txt ../../etc/passwd
        http://rs.tdwg.org/dwc/terms/Occurrence http://rs.tdwg.org/dwc/terms/catalogNumber
        """.split()
    )
    | st.just(""),
    max_size=5,
)
ELEMENT = st.tuples(st.sampled_from(["id", "coreid", "field", "files", "location", "other"]), ATTRIBUTES)


def xml(name: str, attributes: dict[str, str], inside: str = "") -> str:
    given = "".join(f' {key}="{value}"' for key, value in attributes.items())
    return f"<{name}{given}>{inside}</{name}>"


@HOSTILE
@given(
    core=ATTRIBUTES,
    parts=st.lists(ELEMENT, max_size=5),
    location=st.sampled_from(["core.txt", "", "/etc/hostname", "../x", "gone.txt", "."]),
    extension=st.none() | ATTRIBUTES,
    data=BYTES,
)
def test_any_descriptor(
    hub: Runtime,
    core: dict[str, str],
    parts: list[tuple[str, dict[str, str]]],
    location: str,
    extension: dict[str, str] | None,
    data: bytes,
) -> None:
    files = f"<files><location>{location}</location></files>"
    inside = files + "".join(xml(name, attributes) for name, attributes in parts)
    text = xml("archive", {}, xml("core", core, inside) + (xml("extension", extension, inside) if extension is not None else ""))
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "a")
        root.mkdir()
        (root / "meta.xml").write_text(text, encoding="utf-8")
        (root / "core.txt").write_bytes(data)
        with_good_one(hub, root, Path(folder))


NAMES = st.sampled_from(
    """
    a.jpg x/a.jpg ../a.jpg /a.jpg C:\\a.jpg x/../../a . .. a\\b.csv t.csv meta.xml é.csv datapackage.json x/ t.csv/t.csv CON t.zip
    """.split()
) | st.sampled_from(["", "a\nb.csv", "n" * 300])


@HOSTILE
@given(members=st.lists(st.tuples(NAMES, BYTES), max_size=5), cut=st.integers(0, 60))
def test_any_zip(hub: Runtime, members: list[tuple[str, bytes]], cut: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.zip")
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
            for name in dict(members):
                packed.writestr(zipfile.ZipInfo(name), dict(members)[name])
        path.write_bytes(path.read_bytes()[: len(path.read_bytes()) - cut])
        with_good_one(hub, path, Path(folder))


ODD = NAMES | st.sampled_from(
    ["e\u0301.jpg", "\u00e9.jpg", "IMG.JPG", "img.jpg", "-rf.jpg", " x.jpg ", "\udcff.jpg", "x.jpg/y", "'.csv"]
)
KINDS = st.sampled_from(["file", "image", "loop", "dangling", "up", "pair", "chain", "outside", "pipe", "shut", "folder", "deep"])
LINKS = {"dangling": "nowhere", "up": "..", "outside": "/etc/hostname"}


@HOSTILE
@given(things=st.lists(st.tuples(KINDS, ODD), max_size=6), is_archive=st.booleans())
def test_any_tree(hub: Runtime, things: list[tuple[str, str]], is_archive: bool) -> None:
    """Files, pictures, pipes, links of all kinds, and a table or archive that names every one of them."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "root")
        root.mkdir()
        named = []
        for number, (kind, name) in enumerate(things):
            path = root / f"{number}{name.replace('/', '_')[:100]}"
            named.append(path.name)
            _put(path, kind, root)
        rows = "".join(f"T{number},{name}\n" for number, name in enumerate(named))
        (root / "list.csv").write_text(f"catalogNumber,file\n{rows}", encoding="utf-8", errors="surrogateescape")
        if is_archive:
            (root / "meta.xml").write_text(ARCHIVE)
        with_good_one(hub, root, Path(folder))


def _put(path: Path, kind: str, root: Path) -> None:
    if kind in ("file", "shut"):
        path.write_bytes(ONE_ROW)
        path.chmod(0o000 if kind == "shut" else 0o600)
    elif kind == "image":
        path.write_bytes(GIF + path.name.encode("utf-8", "surrogateescape"))
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "deep":
        path.joinpath(*"abcdefgh").mkdir(parents=True)
        path.joinpath(*"abcdefgh", "t.csv").write_bytes(ONE_ROW)
    elif kind == "pair":
        for one, other in (("p", "q"), ("q", "p")):
            (root / f"{path.name[:80]}-{one}").symlink_to(f"{path.name[:80]}-{other}")
    elif kind == "chain":
        path.symlink_to("list.csv")
    else:
        path.symlink_to(LINKS.get(kind, path.name))


def test_links_round_in_a_circle_pipes_and_odd_names_are_named(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    (folder / "loop.jpg").symlink_to("loop.jpg"), (folder / "here").symlink_to("."), (folder / "gone.jpg").symlink_to("nowhere")
    os.mkfifo(folder / "pipe.jpg"), os.mkfifo(folder / "pipe.zip")
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff\xfe.csv")).write_text("catalogNumber\nodd\n")
    picture(folder / "a\nb.jpg")
    report = take_in(folder)
    assert set(all_of(runtime)[0]) == {"odd", "a\nb"}
    assert {place for _, place in reasons(report)} == {"gone.jpg", "loop.jpg", "pipe.jpg", "pipe.zip"}
    assert report.refused == 3


def test_a_folder_that_may_not_be_read_is_named(
    runtime: Runtime, take_in: Ingest, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "shut").mkdir()
    picture(folder / "a.jpg")
    scandir = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("shut"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    report = take_in(folder)
    assert reasons(report) == [("unreadable", "shut")]
    assert report.media_added == 1


def test_an_entity_that_unfolds_without_end_is_refused(take_in: Ingest, folder: Path) -> None:
    entities = "".join(f'<!ENTITY e{level} "{f"&e{level - 1};" * 10}">' for level in range(1, 10))
    (folder / "meta.xml").write_text(f'<!DOCTYPE archive [<!ENTITY e0 "ha">{entities}]><archive>&e9;</archive>')
    assert reasons(take_in(folder)) == [("bad-archive", "images")]


def test_a_row_that_the_database_refuses_costs_only_itself(
    runtime: Runtime, take_in: Ingest, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_one, add_many = service.add_specimen, service.add_new

    def one(session, draft, **options):  # type: ignore[no-untyped-def] # as the service's
        if draft.catalog_number == "2":
            raise DataError("INSERT", {}, ValueError("bad"))
        return add_one(session, draft, **options)

    def many(session, drafts, **options):  # type: ignore[no-untyped-def] # as the service's
        if any(draft.catalog_number == "2" for draft, _ in drafts):
            raise DataError("INSERT", {}, ValueError("bad"))
        return add_many(session, drafts, **options)

    monkeypatch.setattr(service, "add_specimen", one)
    monkeypatch.setattr(service, "add_new", many)
    (folder / "t.csv").write_text("catalogNumber\n1\n2\n3\n")
    report = take_in(folder)
    assert set(all_of(runtime)[0]) == {"1", "3"}
    assert reasons(report) == [("internal-error", "t.csv, line 3")]
    assert (report.records, report.specimens_added, report.refused) == (3, 2, 1)


def test_what_was_accepted_is_in_when_the_ingest_is_killed(runtime: Runtime, folder: Path) -> None:
    (folder / "t.csv").write_text("catalogNumber\n" + "".join(f"{number}\n" for number in range(2500)))
    report = IngestReport()

    def die(done: int, total: int) -> None:
        if done >= 2000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ingest(runtime, [folder], on_media=lambda session, media: None, progress=die, report=report)
    with runtime.reads.begin() as session:
        assert service.count_specimens(session) == report.specimens_added == 2000
    again = ingest(runtime, [folder], on_media=lambda session, media: None, progress=lambda done, total: None)
    assert (again.already_here, again.specimens_added) == (2000, 500)
