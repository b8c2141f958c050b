"""`lectotype fsck` holds the rows of targets to the documents of their annotations; on SQLite and PostgreSQL."""

from typing import Any

import pytest
from sqlalchemy import delete, event, select, update

from annotations import service
from annotations.tables import AnnotationRow, AnnotationTargetRow
from app import fsck
from app.fsck import Check, TargetFault
from app.runtime.outbox import OutboxRow
from app.runtime.principal import Principal
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media, OwnRegion, Specimen
from tests.databases import on_both
from tests.drain import drain
from tests.sheets import Hub, add_sheet, comment

BY = Principal.of_system()
ROW = AnnotationTargetRow
settings = on_both


@pytest.fixture
def sheet(hub: Hub) -> tuple[Specimen, Media]:
    specimen, (media,) = add_sheet(hub.runtime, "A 1", sizes=((1000, 1000),))
    return specimen, media


def said(hub: Hub, target: Any) -> str:
    answer = hub.post(comment(target))
    assert answer.status_code == 201, answer.json
    return str(answer.json["id"])


def key_of(iri: str) -> str:
    return iri.rpartition("/")[2]


def faults(hub: Hub, **how: Any) -> list[TargetFault]:
    return list(Check(hub.runtime, **how).wrong_targets())


def rows(hub: Hub) -> list[Any]:
    with hub.runtime.reads.begin() as session:
        columns = list(ROW.__table__.columns)
        order = (ROW.annotation_key, ROW.position, ROW.place)
        fronts = select(*(getattr(AnnotationRow, name) for name in ("key", "media_key", "specimen_key", "x0", "y1")))
        return [*session.execute(select(*columns).order_by(*order)), *session.execute(fronts.order_by(AnnotationRow.key))]


def many_kinds(hub: Hub, specimen: Specimen, media: Media) -> list[str]:
    """Annotations on everything that can be a target, some of them deleted."""
    addresses, (_, (other,)) = hub.addresses, add_sheet(hub.runtime, "A 2", sizes=((800, 600),))
    guest, _ = add_sheet(hub.runtime, "A 3", sizes=())
    canvas = addresses.canvas(specimen.key, media.key)
    with hub.runtime.db.begin() as session:
        catalogue.depict(session, guest.key, media.key, region=OwnRegion(0, 0, 300, 300), by=BY, at=hub.runtime.clock())
    svg = {"type": "SvgSelector", "value": '<svg><path d="M1.3,2.7 L200,40 L77,310 Z"/></svg>'}
    picture = f"{addresses.image(other.key)}/10,20,300,200/150,/0/default.jpg"
    found = [
        said(hub, f"{canvas}#xywh=10,20,30.5,40"),
        said(hub, [f"{canvas}#xywh=500,500,30,40", addresses.pid(guest.key), "https://elsewhere.example/thing"]),
        said(hub, {"source": canvas, "selector": svg}),
        said(hub, f"{addresses.image(other.key)}:100,100,200,200"),
        said(hub, f"{picture}#xywh=1,2,30,40"),
        said(hub, addresses.canvas(guest.key, media.key)),
    ]
    found += [said(hub, found[1]), said(hub, [found[0], f"{canvas}#xywh=1,1,5,5"])]
    found += [said(hub, found[-1])]
    with hub.runtime.db.begin() as session:
        service.delete(session, key_of(found[2]), by=BY, at=hub.runtime.clock())
        service.delete(session, key_of(found[6]), by=BY, at=hub.runtime.clock())
        catalogue.end_depiction(session, guest.key, media.key, by=BY, at=hub.runtime.clock())
        catalogue.media_failed(session, other.key, "The file ends too soon.", at=hub.runtime.clock())
    drain(hub.runtime)
    return [key_of(iri) for iri in found]


def test_rows_that_agree_with_the_documents_are_no_fault_whatever_they_name(
    hub: Hub, sheet: tuple[Specimen, Media], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fsck, "PAGE", 2)
    kept = many_kinds(hub, *sheet)
    check = Check(hub.runtime, repair=True)
    before = rows(hub)
    assert list(check.wrong_targets()) == []
    assert (check.account.annotations, check.account.unread) == (len(kept), 0)
    assert rows(hub) == before


DAMAGE = {
    "lies on specimen": (update(ROW).where(ROW.position == 0).values(specimen_key="s1other00000"), "by the rows on image"),
    "box": (update(ROW).where(ROW.position == 0).values(x0=11.0), "in the box 10,20 to 40.5,60, by the rows"),
    "whole": (update(ROW).where(ROW.position == 0).values(whole=True), "as a whole."),
    "kind": (update(ROW).where(ROW.position == 0).values(kind="image"), "target 1 is canvas"),
    "lost": (delete(ROW).where(ROW.position == 1), "There is no row of target 2, specimen"),
    "all lost": (delete(ROW), "There is no row of target 1, canvas"),
    "too many": (update(ROW).where(ROW.position == 1).values(position=7), "rows of target 8, which the document has not"),
    "columns": (update(AnnotationRow).values(y1=9.0), "it lies on image"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_difference_is_said_in_a_sentence_and_laid_again(hub: Hub, sheet: tuple[Specimen, Media], damage: str) -> None:
    specimen, media = sheet
    canvas = hub.addresses.canvas(specimen.key, media.key)
    key = key_of(said(hub, [f"{canvas}#xywh=10,20,30.5,40", hub.addresses.pid(specimen.key)]))
    sound = rows(hub)
    etag = hub.get(hub.addresses.annotation(key)).headers["ETag"]
    statement, sentence = DAMAGE[damage]
    with hub.runtime.db.begin() as session:
        session.query(OutboxRow).delete()
        session.execute(statement)
    damaged = rows(hub)
    assert damaged != sound
    found = faults(hub)
    assert {(one.annotation, one.repaired) for one in found} == {(key, False)}
    assert any(sentence in one.sentence for one in found), found
    assert rows(hub) == damaged, "nothing is changed without --repair"
    assert [one.sentence for one in faults(hub, repair=True) if one.repaired] == [one.sentence for one in found]
    assert rows(hub) == sound
    assert faults(hub) == []
    assert hub.get(hub.addresses.annotation(key)).headers["ETag"] == etag
    with hub.runtime.reads.begin() as session:
        waiting = {(one.name, one.payload["key"]) for one in session.scalars(select(OutboxRow).where(OutboxRow.kind == "index"))}
    assert {("annotation", key), ("specimen", specimen.key)} <= waiting


def test_what_is_said_about_an_annotation_is_laid_along(hub: Hub, sheet: tuple[Specimen, Media]) -> None:
    first = said(hub, hub.addresses.canvas(sheet[0].key, sheet[1].key) + "#xywh=10,20,30,40")
    said(hub, said(hub, first))
    sound = rows(hub)
    with hub.runtime.db.begin() as session:
        session.execute(update(ROW).values(x0=12.0))
        session.execute(update(AnnotationRow).values(x0=12.0))
    assert {one.annotation for one in faults(hub)} == {key_of(first)}, "the others lie where their targets lie"
    assert all(one.repaired for one in faults(hub, repair=True))
    assert rows(hub) == sound


def test_what_cannot_be_resolved_keeps_its_rows_and_says_what_is_missing(hub: Hub, sheet: tuple[Specimen, Media]) -> None:
    canvas = hub.addresses.canvas(sheet[0].key, sheet[1].key)
    moved, lost = key_of(said(hub, f"{canvas}#xywh=10,20,30,40")), key_of(said(hub, [canvas, f"{canvas}#xywh=1,2,3,4"]))
    with hub.runtime.db.begin() as session:
        for key in (moved, lost):
            row = session.get_one(AnnotationRow, key)
            row.document = {**row.document, "id": f"https://before.example/annotations/{key}"}
        session.execute(delete(ROW).where(ROW.annotation_key == lost, ROW.position == 1))
    before = rows(hub)
    (fault,) = faults(hub, repair=True)
    assert (fault.annotation, fault.repaired) == (lost, False)
    assert fault.sentence.startswith("There is no row of target 2, and none can be made: The document was stored under another")
    assert rows(hub) == before


def test_what_the_workers_are_still_to_lay_is_no_fault(hub: Hub, sheet: tuple[Specimen, Media]) -> None:
    specimen, media = sheet
    said(hub, hub.addresses.canvas(specimen.key, media.key) + "#xywh=10,20,30,40")
    guest, _ = add_sheet(hub.runtime, "A 3", sizes=())
    with hub.runtime.db.begin() as session:
        catalogue.depict(session, guest.key, media.key, region=OwnRegion(0, 0, 300, 300), by=BY, at=hub.runtime.clock())
    assert faults(hub) == []
    with hub.runtime.db.begin() as session:
        session.execute(delete(OutboxRow))
    (fault,) = faults(hub)
    assert f"specimen {guest.key}" in fault.sentence


def test_a_page_of_annotations_is_read_by_an_index_and_held_alone(
    hub: Hub, sheet: tuple[Specimen, Media], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fsck, "PAGE", 2)
    for _ in range(5):
        said(hub, hub.addresses.canvas(sheet[0].key, sheet[1].key))
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement.replace("\n", " ").replace('"', ""))

    event.listen(hub.runtime.database.engine, "before_cursor_execute", note)
    assert faults(hub) == []
    pages = [one for one in asked if "FROM annotations " in one]
    assert len(pages) == 3
    assert all("LIMIT" in one and "annotations.key >" in one for one in pages), pages
