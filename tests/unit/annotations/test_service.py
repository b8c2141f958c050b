"""What is accepted, what follows from it, and what a change keeps."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import func, select

from annotations import manifest_extras, service
from annotations.errors import (
    AnnotationTooBig,
    BadSelector,
    DeletedAnnotation,
    EtagMismatch,
    MalformedAnnotation,
    SelectorOutsideCanvas,
    UnknownTarget,
)
from annotations.tables import AnnotationRow, AnnotationVersionRow
from app.runtime.addresses import Addresses
from app.runtime.context import Runtime
from app.runtime.errors import DomainError
from app.runtime.outbox import OutboxRow
from app.runtime.principal import NOBODY, Grant, Principal
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media, Specimen
from tests.sheets import add_sheet, comment

ANN, BEA = (Principal(name, (Grant("annotator"),)) for name in ("ann", "bea"))
AT = datetime(2026, 11, 21, 10, 15, tzinfo=UTC)
LATER = datetime(2026, 11, 22, 10, 15, tzinfo=UTC)
LEAF = "<svg xmlns='http://www.w3.org/2000/svg'><polygon points='820,1500 2010,1700 1800,3690 900,3500'/></svg>"


@pytest.fixture
def addresses(runtime: Runtime) -> Addresses:
    return runtime.addresses


@pytest.fixture
def sheet(runtime: Runtime) -> tuple[Specimen, Media]:
    specimen, (media,) = add_sheet(runtime)
    with runtime.db.begin() as session:
        session.query(OutboxRow).delete()
    return specimen, media


@pytest.fixture
def canvas(sheet: tuple[Specimen, Media], addresses: Addresses) -> str:
    return addresses.canvas(sheet[0].key, sheet[1].key)


def create(runtime: Runtime, document: Any, **more: Any) -> Any:
    with runtime.db.begin() as session:
        return service.create(session, document, by=ANN, addresses=runtime.addresses, at=AT, **more)


def rows(runtime: Runtime) -> tuple[int, int, int]:
    """How many annotations, versions and outbox rows there are."""
    with runtime.reads.begin() as session:
        tables = (AnnotationRow, AnnotationVersionRow, OutboxRow)
        found = [session.scalar(select(func.count()).select_from(table)) or 0 for table in tables]
    return found[0], found[1], found[2]


def outline(canvas: str, manifest: str) -> dict[str, Any]:
    """A machine's target as the ontology has it: a source that is part of a manifest, a box and a polygon."""
    return {
        "type": ["SpecificResource", "ac:RegionOfInterest"],
        "source": {"id": canvas, "type": "iiif:Canvas", "partOf": {"id": manifest, "type": "iiif:Manifest"}},
        "selector": [
            {"type": "FragmentSelector", "value": "xywh=pixel:820,1500,1190,2190"},
            {"type": "SvgSelector", "value": LEAF},
        ],
    }


def test_the_document_is_stored_as_accepted_with_id_created_and_modified(runtime: Runtime, canvas: str) -> None:
    document = comment(f"{canvas}#xywh=10,20,30,40", unknown={"kept": [1, 2.5, None, True]})
    annotation = create(runtime, document)
    times = {"created": "2026-11-21T10:15:00Z", "modified": "2026-11-21T10:15:00Z"}
    assert annotation.document == {**document, "id": f"http://lectotype.test/annotations/{annotation.key}", **times}
    with runtime.reads.begin() as session:
        assert service.get(session, annotation.key, by=NOBODY) == annotation


def test_a_new_annotation_touches_itself_and_its_specimen_in_the_index(runtime: Runtime, sheet: Any, canvas: str) -> None:
    annotation = create(runtime, comment(canvas))
    with runtime.reads.begin() as session:
        touched = {(row.name, row.payload["key"]) for row in session.scalars(select(OutboxRow)) if row.kind == "index"}
    assert touched == {("annotation", annotation.key), ("specimen", sheet[0].key)}


@pytest.mark.parametrize("selector", ["xywh=4000,0,200,20", "xywh=0,6000,10,200", "xywh=percent:100,0,1,1"])
def test_a_selector_off_the_canvas_leaves_nothing_behind(runtime: Runtime, canvas: str, selector: str) -> None:
    target = {"source": canvas, "selector": {"type": "FragmentSelector", "value": selector}}
    for document in (comment(target), comment(f"{canvas}#{selector}"), comment([canvas, target])):
        with pytest.raises(SelectorOutsideCanvas):
            create(runtime, document)
    assert rows(runtime) == (0, 0, 0)


def test_targets_may_be_canvas_image_manifest_specimen_and_annotation(runtime: Runtime, sheet: Any, addresses: Addresses) -> None:
    specimen, media = sheet
    canvas = addresses.canvas(specimen.key, media.key)
    first = create(runtime, comment(canvas))
    about_image = [canvas, {"id": canvas}, {"source": canvas}, addresses.pid(media.key), addresses.image(media.key)]
    about_image.append(addresses.annotation(first.key))
    about_specimen = [addresses.pid(specimen.key), addresses.manifest(specimen.key), f"ark:99999/{specimen.key}"]
    for target in about_image:
        assert create(runtime, comment(target)).media_key == media.key
    for target in about_specimen:
        annotation = create(runtime, comment(target))
        assert (annotation.specimen_key, annotation.media_key, annotation.box) == (specimen.key, "", None)


def test_unknown_targets_are_refused(runtime: Runtime, sheet: Any, addresses: Addresses) -> None:
    specimen, media = sheet
    other, _ = add_sheet(runtime, "BR 0002")
    before = rows(runtime)
    for target in (
        "http://elsewhere.example/canvas",
        addresses.canvas(specimen.key, "m1zzzzzzzzzz"),
        addresses.canvas(other.key, media.key),
        addresses.pid("s1zzzzzzzzzz"),
        addresses.annotation("n1nothing"),
        addresses.base,
        f"{addresses.pid(specimen.key)}#xywh=1,1,1,1",
        f"{addresses.base}/iiif/presentation/3/{specimen.key}/canvas/../{media.key}",
        [addresses.canvas(specimen.key, media.key), f"{addresses.base}/iiif/presentation/3/nothing"],
        ["http://elsewhere.example/canvas", "urn:uuid:1"],
        f"{addresses.base}/api/runs/x1zzzzzzzzzz",
        f"{addresses.base}/datasets/galls",
    ):
        with pytest.raises(UnknownTarget):
            create(runtime, comment(target))
    assert rows(runtime) == before


def test_an_image_that_is_not_ready_takes_no_annotations(runtime: Runtime, sheet: Any, addresses: Addresses) -> None:
    with runtime.db.begin() as session:
        draft = catalogue.MediaDraft(sheet[0].key, "c" * 64, 1, "image/jpeg", "late.jpg")
        pending = catalogue.add_media(session, draft, naan=addresses.naan, at=AT)
    with pytest.raises(UnknownTarget, match="pending"):
        create(runtime, comment(addresses.canvas(sheet[0].key, pending.key)))


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"@context": "http://iiif.io/api/presentation/2/context.json"}, MalformedAnnotation),
        ({"type": "Note"}, MalformedAnnotation),
        ({"target": []}, MalformedAnnotation),
        ({"target": 5}, MalformedAnnotation),
        ({"target": {"selector": {"type": "FragmentSelector", "value": "xywh=1,1,1,1"}}}, MalformedAnnotation),
        ({"bodyValue": "both"}, MalformedAnnotation),
        ({"body": "no iri"}, MalformedAnnotation),
        ({"body": 5}, MalformedAnnotation),
        ({"body": {}}, MalformedAnnotation),
        ({"body": {"type": "TextualBody", "value": 5}}, MalformedAnnotation),
        ({"body": {"type": "TextualBody", "value": "a", "source": "http://b.example/"}}, MalformedAnnotation),
        ({"body": {"type": "Choice", "items": []}}, MalformedAnnotation),
        ({"body": {"type": "TextualBody", "value": "a", "textDirection": "up"}}, MalformedAnnotation),
        ({"body": {"type": "TextualBody", "value": "nul \x00"}}, MalformedAnnotation),
        ({"body": {"type": "TextualBody", "value": "half \ud800"}}, MalformedAnnotation),
        ({"motivation": {"id": "x"}}, MalformedAnnotation),
        ({"created": "yesterday"}, MalformedAnnotation),
        ({"created": "2026-11-21T10:15:00"}, MalformedAnnotation),
        ({"rights": "all mine"}, MalformedAnnotation),
        ({"canonical": ["urn:a", "urn:b"]}, MalformedAnnotation),
        ({"number": float("inf")}, MalformedAnnotation),
        ({"number": 10**30}, MalformedAnnotation),
        ({"nul\x00": 1}, MalformedAnnotation),
        ({"body": [{"type": "TextualBody", "value": "a"}] * 201}, AnnotationTooBig),
        ({"body": {"type": "TextualBody", "value": "a" * 200_001}}, AnnotationTooBig),
        ({"many": list(range(20_001))}, AnnotationTooBig),
    ],
)
def test_a_malformed_annotation_leaves_nothing_behind(
    runtime: Runtime, canvas: str, change: dict[str, Any], error: type[DomainError]
) -> None:
    with pytest.raises(error):
        create(runtime, comment(canvas) | change)
    assert rows(runtime) == (0, 0, 0)


def test_a_document_nested_too_deep_is_refused(runtime: Runtime, canvas: str) -> None:
    deep: Any = "end"
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(AnnotationTooBig):
        create(runtime, comment(canvas, more=deep))


def test_an_unreadable_selector_is_refused(runtime: Runtime, canvas: str) -> None:
    for selector in (
        {"type": "PointSelector", "x": 1},
        {"type": "FragmentSelector", "value": "xywh=1,2"},
        "xywh=1,2,3,4",
    ):
        with pytest.raises(BadSelector):
            create(runtime, comment({"source": canvas, "selector": selector}))


def test_the_clients_id_becomes_via_and_canonical_stays(runtime: Runtime, canvas: str) -> None:
    annotation = create(runtime, comment(canvas, id="urn:uuid:1", canonical="urn:uuid:2"))
    assert annotation.document["via"] == "urn:uuid:1"
    assert annotation.document["canonical"] == "urn:uuid:2"


def test_a_replaced_annotation_keeps_its_past(runtime: Runtime, canvas: str, addresses: Addresses) -> None:
    first = create(runtime, comment(canvas, "first"))
    with runtime.db.begin() as session:
        second = service.replace(
            session,
            first.key,
            comment(f"{canvas}#xywh=1,1,5,5", "second"),
            by=BEA,
            addresses=addresses,
            at=LATER,
            if_match=frozenset({first.etag}),
        )
    assert (second.version, second.text, second.document["created"]) == (2, "second", first.document["created"])
    assert second.etag != first.etag
    with runtime.reads.begin() as session:
        assert service.get_version(session, first.key, 1, by=NOBODY, addresses=addresses) == first.document
        assert service.get_version(session, first.key, 2, by=NOBODY, addresses=addresses) == second.document
        assert session.scalars(select(AnnotationVersionRow.stored_by).order_by(AnnotationVersionRow.version)).all() == [
            "ann",
            "bea",
        ]


def test_whoever_saw_an_old_version_changes_nothing(runtime: Runtime, canvas: str, addresses: Addresses) -> None:
    first = create(runtime, comment(canvas, "first"))
    old = frozenset({first.etag})
    with runtime.db.begin() as session:
        service.replace(session, first.key, comment(canvas, "second"), by=ANN, addresses=addresses, at=LATER, if_match=old)
    before = rows(runtime)
    with pytest.raises(EtagMismatch), runtime.db.begin() as session:
        service.replace(session, first.key, comment(canvas, "third"), by=BEA, addresses=addresses, at=LATER, if_match=old)
    with pytest.raises(EtagMismatch), runtime.db.begin() as session:
        service.delete(session, first.key, by=ANN, at=LATER, if_match=old)
    assert rows(runtime) == before
    with runtime.reads.begin() as session:
        assert service.get(session, first.key, by=NOBODY).text == "second"


def test_a_failed_replacement_leaves_the_annotation_as_it_was(runtime: Runtime, canvas: str, addresses: Addresses) -> None:
    first = create(runtime, comment(canvas))
    before = rows(runtime)
    with pytest.raises(SelectorOutsideCanvas), runtime.db.begin() as session:
        service.replace(session, first.key, comment(f"{canvas}#xywh=9999,0,1,1"), by=BEA, addresses=addresses, at=LATER)
    with runtime.reads.begin() as session:
        assert service.get(session, first.key, by=NOBODY) == first
    assert rows(runtime) == before


def test_a_deleted_annotation_leaves_a_tombstone_and_its_name_is_not_used_again(
    runtime: Runtime, sheet: Any, canvas: str
) -> None:
    first = create(runtime, comment(canvas), slug="mine")
    with runtime.db.begin() as session:
        service.delete(session, "mine", by=ANN, at=LATER)
    with runtime.reads.begin() as session:
        with pytest.raises(DeletedAnnotation):
            service.get(session, "mine", by=NOBODY)
        assert service.get_version(session, "mine", 1, by=NOBODY, addresses=runtime.addresses) == first.document
        assert service.of_media(session, sheet[1].key, by=NOBODY) == ()
        assert service.of_specimen(session, sheet[0].key, by=NOBODY) == ()
        tombstone = service.find(session, "mine")
        assert tombstone is not None
        assert (tombstone.version, tombstone.deleted_at) == (2, LATER)
    assert first.key == "mine"
    assert create(runtime, comment(canvas), slug="mine").key != "mine"


def test_what_a_machine_found_names_its_run_and_lies_in_its_layer(
    runtime: Runtime, sheet: Any, canvas: str, addresses: Addresses
) -> None:
    with runtime.db.begin() as session:
        found = service.create_machine(
            session,
            comment(outline(canvas, addresses.manifest(sheet[0].key))),
            media=sheet[1],
            run_key="x1run",
            kind="length",
            value=84.3,
            unit="mm",
            confidence=0.9,
            addresses=addresses,
            at=AT,
        )
    create(runtime, comment(canvas))
    assert (found.layer, found.kind, found.value, found.unit, found.confidence, found.run_key) == (
        "machine",
        "length",
        84.3,
        "mm",
        0.9,
        "x1run",
    )
    with runtime.reads.begin() as session:
        assert service.of_media(session, sheet[1].key, "machine", by=NOBODY) == (found,)
        assert len(service.of_media(session, sheet[1].key, by=NOBODY)) == 2


def test_a_tag_that_repeats_the_kind_is_no_text(runtime: Runtime, sheet: Any, canvas: str, addresses: Addresses) -> None:
    tag = {"type": "TextualBody", "value": "text", "purpose": "tagging"}
    document = comment(canvas) | {"body": [{"type": "TextualBody", "value": "Leg. A. Example"}, tag]}
    with runtime.db.begin() as session:
        found = service.create_machine(session, document, media=sheet[1], run_key="x1", kind="text", addresses=addresses, at=AT)
        said = service.create_machine(
            session, document, media=sheet[1], run_key="x1", kind="text", text="Leg.", addresses=addresses, at=AT
        )
    assert (found.text, said.text) == ("Leg. A. Example", "Leg.")
    assert create(runtime, document).text == "Leg. A. Example\ntext"


def annotorious_put(runtime: Runtime, key: str, addresses: Addresses) -> Any:
    """What Annotorious sends back when only the text was changed."""
    from annotations import annotation_pages, projections

    with runtime.db.begin() as session:
        annotation = service.get(session, key, by=NOBODY)
        sent = projections.project(annotation, "annotorious", annotation_pages.canvas_of(session, annotation), addresses)
        sent["body"] = [{"type": "TextualBody", "value": "changed"}]
        sent.pop("motivation")
        return service.replace(session, key, sent, by=ANN, addresses=addresses, at=LATER, profile="annotorious")


def test_a_drawing_client_that_moves_nothing_loses_nothing(
    runtime: Runtime, sheet: Any, canvas: str, addresses: Addresses
) -> None:
    target = outline(canvas, addresses.manifest(sheet[0].key))
    first = create(runtime, comment(target, wasGeneratedBy="http://lectotype.test/api/runs/x1", confidence="0.9"))
    changed = annotorious_put(runtime, first.key, addresses)
    assert changed.text == "changed"
    assert changed.document["target"] == target
    assert changed.document["wasGeneratedBy"] == "http://lectotype.test/api/runs/x1"
    assert (changed.confidence, changed.motivations, changed.box) == (0.9, ("commenting",), first.box)


def test_a_drawing_client_that_moves_a_shape_moves_it(runtime: Runtime, sheet: Any, canvas: str, addresses: Addresses) -> None:
    manifest = addresses.manifest(sheet[0].key)
    first = create(runtime, comment(outline(canvas, manifest), confidence="0.9"))
    box = {"type": "FragmentSelector", "value": "xywh=pixel:100,100,50.5,50"}
    with runtime.db.begin() as session:
        moved = service.replace(
            session,
            first.key,
            comment({"source": canvas, "selector": box}),
            by=ANN,
            addresses=addresses,
            at=LATER,
            profile="annotorious",
        )
    assert moved.document["target"]["selector"] == box
    assert moved.document["target"]["source"] == outline(canvas, manifest)["source"]
    assert moved.document["confidence"] == "0.9"
    assert moved.box is not None
    assert moved.box.x1 == 150.5


def test_a_client_that_speaks_w3c_is_taken_at_its_word(runtime: Runtime, sheet: Any, canvas: str, addresses: Addresses) -> None:
    first = create(runtime, comment(outline(canvas, addresses.manifest(sheet[0].key)), confidence="0.9"))
    plain = comment({"source": canvas, "selector": {"type": "FragmentSelector", "value": "xywh=820,1500,1190,2190"}})
    with runtime.db.begin() as session:
        changed = service.replace(session, first.key, plain, by=ANN, addresses=addresses, at=LATER)
    assert changed.document["target"] == plain["target"]
    assert "confidence" not in changed.document


def ruler(canvas: str, px_per_mm: str) -> dict[str, Any]:
    assertion = {"id": "urn:x:t1", "type": "dwc:Assertion", "dwc:assertionValue": px_per_mm, "dwc:assertionUnit": "px/mm"}
    return {**comment(canvas), "motivation": "calibrating", "body": [{"type": "TextualBody", "value": "ruler"}, assertion]}


def test_a_persons_ruler_counts_before_a_machines_and_the_newest_of_each(
    runtime: Runtime, sheet: Any, canvas: str, addresses: Addresses
) -> None:
    specimen, media = sheet

    def scale() -> float | None:
        with runtime.reads.begin() as session:
            found = manifest_extras.of_specimen(session, specimen, (media,), NOBODY).canvas_services.get(media.key)
        return found[0]["physicalScale"] if found else None

    def machine(value: float, at: datetime) -> None:
        with runtime.db.begin() as session:
            document = comment(canvas)
            service.create_machine(
                session, document, media=media, run_key="x1", kind="ruler", value=value, unit="px/mm", addresses=addresses, at=at
            )

    assert scale() is None
    machine(10, AT)
    assert scale() == 0.1
    machine(20, LATER)
    assert scale() == 0.05
    person = create(runtime, ruler(canvas, "8"))
    assert scale() == 0.125
    with runtime.db.begin() as session:
        service.delete(session, person.key, by=ANN, at=LATER)
    assert scale() == 0.05
