"""What rests on a corrected ruler or outline is stale until a run of its own has measured it anew; then all readers agree."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from analytics import service as runs
from analytics.model import Run
from annotations import manifest_extras
from annotations import service as annotations
from annotations.search import consistency
from annotations.tables import AnnotationRow
from app.export import documents
from app.export.documents import StaticAddresses
from app.export.folder import opened
from app.runtime.principal import NOBODY, Principal
from iiif.catalogue.model import Media
from tests.contract.test_verdicts import hub, media, person, ruler, say, scale, settings, stands
from tests.databases import on_both
from tests.drain import drain
from tests.people import Person
from tests.sheets import Hub, comment

__all__ = ["hub", "media", "on_both", "settings"]  # fixtures
SIDE = 1000


def outline(hub: Hub, media: Media, box: str = "100,100,300,400") -> str:
    return region(hub, media, "Outline of the specimen", "outline", box)


def region(hub: Hub, media: Media, text: str, kind: str, box: str, **more: Any) -> str:
    body: list[Any] = [{"type": "TextualBody", "value": text}, *more.pop("bodies", [])]
    document = {**comment(f"{hub.addresses.image(media.key)}#xywh={box}", motivation="measuring"), "body": body}
    with hub.runtime.db.begin() as session:
        at = hub.runtime.clock()
        how: dict[str, Any] = {"media": media, "run_key": "x1", "kind": kind, "addresses": hub.addresses, "at": at, **more}
        return annotations.create_machine(session, document, **how).key


def size(hub: Hub, media: Media, kind: str, value: float, unit: str, *bases: str) -> str:
    named = [hub.addresses.annotation(key) for key in bases]
    rests = {"type": "dwc:Assertion", "id": "urn:b", "wasDerivedFrom": named if len(named) > 1 else named[0]}
    return region(hub, media, f"{kind} as it was", kind, "100,100,300,400", value=value, unit=unit, bodies=[rests])


def correct(hub: Hub, who: Person, media: Media, key: str, **body: Any) -> str:
    own = comment(f"{hub.addresses.image(media.key)}#xywh={body.pop('box', '10,10,50,50')}", motivation="supplementing", **body)
    answer = say(hub, who, key, "rejected", correction=own)
    assert answer.status_code == 201, answer.text
    return str(answer.json["key"])


def sizes(hub: Hub, media: Media) -> dict[str, Any]:
    """What is told of the image now, by kind."""
    with hub.runtime.reads.begin() as session:
        found = annotations.of_media(session, media.key, by=NOBODY)
    return {one.kind: one for one in found if one.kind in ("length", "width", "area")}


def runs_of(hub: Hub) -> tuple[Run, ...]:
    with hub.runtime.reads.begin() as session:
        return runs.page(session, pipeline="remeasure", limit=10)


def test_a_corrected_ruler_has_the_sizes_measured_anew_and_every_reader_tells_the_same(
    hub: Hub, media: Media, tmp_path: Path
) -> None:
    ana, measure, shape = person(hub, "ana", "reviewer"), ruler(hub, media, 20.0), outline(hub, media)
    length = size(hub, media, "length", 25.0, "mm", measure, shape)
    width, area = size(hub, media, "width", 15.0, "mm", measure, shape), size(hub, media, "area", 300.0, "mm²", measure, shape)
    correct(hub, ana, media, measure, body=scale("10"))
    assert [stands(hub, key) for key in (length, width, area)] == ["stale"] * 3, "until the run is done"
    drain(hub.runtime)
    assert [stands(hub, key) for key in (length, width, area)] == ["superseded"] * 3
    now = sizes(hub, media)
    assert now["length"].value == pytest.approx(math.hypot(300, 400) / 10, rel=0.01)
    assert now["width"].value == pytest.approx(30, rel=0.01)
    assert now["area"].value == pytest.approx(300 * 400 / 100, rel=0.01)
    (run,) = runs_of(hub)
    assert (run.state, run.asked_by, now["length"].run_key) == ("completed", "system", run.key)
    document = now["length"].document
    assert document["wasRevisionOf"] == f"{hub.addresses.annotation(length)}/versions/1"
    with hub.runtime.reads.begin() as session:
        counts = annotations.scale_of(session, [media.key], by=NOBODY)[media.key]
    (rests,) = [body["wasDerivedFrom"] for body in document["body"] if "wasDerivedFrom" in body]
    assert rests == [hub.addresses.annotation(counts.key), hub.addresses.annotation(shape)]
    _all_tell_it(hub, media, tmp_path)


def _all_tell_it(hub: Hub, media: Media, folder: Path) -> None:
    """Page, manifest, annotation page, physdim service, search and export: the new sizes, and none of the old ones."""
    canvas = hub.get(hub.addresses.manifest(media.specimen_key)).json["items"][0]
    assert next(one for one in canvas["service"] if "physicalScale" in one)["physicalScale"] == 0.1
    pages = [json.dumps(hub.get(one["id"]).json) for one in canvas["annotations"]]
    page = hub.client.get(f"/specimens/{media.specimen_key}", headers={"Accept": "text/html"}).text
    fallen = hub.client.get(f"/specimens/{media.specimen_key}?state=superseded", headers={"Accept": "text/html"}).text
    assert "length as it was" in fallen, "the page keeps it, where its state is switched on"
    assert "superseded" in fallen
    for told in ("".join(pages), page):
        assert "length as it was" not in told
        assert "Length of the specimen" in told
    assert hub.get("/api/search?length=49..51").json["total"] == 1
    assert hub.get("/api/search?length=24..26").json["total"] == 0
    assert hub.get("/api/search?pxPerMm=10").json["total"] == 1
    with hub.runtime.reads.begin() as session:
        assert list(consistency.differences(session, hub.runtime.search)) == []
    exported = _export(hub, media, folder)
    assert "length as it was" not in exported
    assert "Length of the specimen" in exported
    assert '"physicalScale": 0.1' in exported.replace('":0.1', '": 0.1')


def _export(hub: Hub, media: Media, folder: Path) -> str:
    """The manifest and the annotation pages as the export writes them."""
    addresses = StaticAddresses("https://static.example", hub.runtime.settings.naan)
    with opened(folder / "out", "https://static.example") as written, hub.runtime.reads.begin() as session:
        extras = manifest_extras.of_images(session, [media], addresses, NOBODY, media.specimen_key)
        documents.write_annotations(session, written, extras, media, media.specimen_key, addresses, NOBODY)
        told = json.dumps(extras.canvas_services[media.key])
    return told + "".join(path.read_text() for path in (folder / "out").rglob("*.json"))


def test_a_corrected_outline_has_its_sizes_measured_anew(hub: Hub, media: Media) -> None:
    ana, measure, shape = person(hub, "ana", "reviewer"), ruler(hub, media, 20.0), outline(hub, media)
    length = size(hub, media, "length", 25.0, "mm", measure, shape)
    bare = size(hub, media, "width", 300.0, "px", shape)
    correct(hub, ana, media, shape, box="100,100,600,800")
    drain(hub.runtime)
    assert [stands(hub, key) for key in (length, bare)] == ["superseded"] * 2
    assert sizes(hub, media)["length"].value == pytest.approx(1000 / 20, rel=0.01)
    assert sizes(hub, media)["width"].value == pytest.approx(600 / 20, rel=0.01), "in mm, as there is a scale"


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_a_correction_that_is_taken_back_brings_the_first_sizes_back(hub: Hub, media: Media) -> None:
    ana, measure, shape = person(hub, "ana", "reviewer"), ruler(hub, media, 20.0), outline(hub, media)
    length = size(hub, media, "length", 25.0, "mm", measure, shape)
    verdict = correct(hub, ana, media, measure, body=scale("10"))
    drain(hub.runtime)
    anew = sizes(hub, media)["length"].key
    assert hub.client.delete(f"/api/verdicts/{verdict}", headers=ana.bearer).status_code == 200
    drain(hub.runtime)
    assert (stands(hub, length), stands(hub, anew)) == ("unreviewed", "superseded")
    assert sizes(hub, media)["length"].key == length
    assert len(runs_of(hub)) == 1, "nothing had to be measured"
    correct(hub, ana, media, measure, body=scale("40"))
    drain(hub.runtime)
    assert sizes(hub, media)["length"].value == pytest.approx(500 / 40, rel=0.01)


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_nothing_is_measured_while_people_disagree_and_a_retracted_run_leaves_it_stale(hub: Hub, media: Media) -> None:
    ana, ben, measure, shape = (
        person(hub, "ana", "reviewer"),
        person(hub, "ben", "reviewer"),
        ruler(hub, media, 20.0),
        outline(hub, media),
    )
    length = size(hub, media, "length", 25.0, "mm", measure, shape)
    correct(hub, ana, media, measure, body=scale("10"))
    correct(hub, ben, media, measure, body=scale("5"))
    drain(hub.runtime)
    assert stands(hub, length) == "stale"
    listed = hub.get(f"/api/annotations/{measure}/history").json["verdicts"]
    of_ben = next(one["correction"].rpartition("/")[2] for one in listed if one["by"] == ben.key)
    assert say(hub, ana, of_ben, "approved").json["state"] == "accepted"
    drain(hub.runtime)
    assert sizes(hub, media)["length"].value == pytest.approx(500 / 5, rel=0.01)
    (run,) = runs_of(hub)
    with hub.runtime.db.begin() as session:
        runs.retract(session, run.key, "wrong", by=Principal.of_system(), at=hub.runtime.clock())
    drain(hub.runtime)
    assert stands(hub, length) == "stale"
    assert len(runs_of(hub)) == 1, "what was retracted is not made again by itself"
    with hub.runtime.db.begin() as session:
        runs.restore(session, run.key, by=Principal.of_system(), at=hub.runtime.clock())
    drain(hub.runtime)
    assert stands(hub, length) == "superseded"
    with hub.runtime.reads.begin() as session:
        row = session.get(AnnotationRow, length)
        assert row is not None
        assert row.state_reason["rule"] == "a run has made it anew"
