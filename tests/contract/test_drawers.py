"""What is said about images of many specimens, and stays when they show others; on SQLite and PostgreSQL."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, select

from annotations import placing, service, store
from annotations.model import CanvasBox, Target
from annotations.search import consistency
from annotations.tables import AnnotationTargetRow
from app.runtime.principal import NOBODY, Principal
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Depiction, Media, OwnRegion, Specimen
from tests.databases import on_both
from tests.drain import drain
from tests.sheets import Hub, add_sheet, comment

BY = Principal.of_system()
SIDE = 1000
RULER = {"type": "TextualBody", "value": "ruler", "purpose": "tagging"}
settings = on_both


def drawer(hub: Hub, others: int, name: str = "D") -> tuple[Specimen, tuple[Specimen, ...], Media]:
    """The home specimen of an image, other specimens that it shows, of which no region is known, and the image."""
    home, (image,) = add_sheet(hub.runtime, f"{name} home", sizes=((SIDE, SIDE),))
    found = tuple(add_sheet(hub.runtime, f"{name} {number}", sizes=())[0] for number in range(others))
    for specimen in found:
        depict(hub, specimen, image)
    return home, found, image


def depict(hub: Hub, specimen: Specimen, image: Media, region: OwnRegion | None = None) -> None:
    with hub.runtime.db.begin() as session:
        catalogue.depict(session, specimen.key, image.key, region=region, by=BY, at=hub.runtime.clock())


def said(hub: Hub, target: Any) -> str:
    answer = hub.post(comment(target, "A galled leaf"))
    assert answer.status_code == 201, answer.json
    return str(answer.json["id"])


def lies_on(hub: Hub, image: Media) -> set[str]:
    """The specimens that what is said about the image lies on."""
    with hub.runtime.reads.begin() as session:
        return placing.of_annotations(session, store.keys_on(session, image.key, after="", limit=99))


def rows(hub: Hub, image: Media) -> list[AnnotationTargetRow]:
    with hub.runtime.reads.begin() as session:
        return list(session.scalars(select(AnnotationTargetRow).where(AnnotationTargetRow.media_key == image.key)))


def statements(hub: Hub, act: Callable[[], Any]) -> int:
    """How many the act sends to the database."""
    asked: list[str] = []

    def note(*given: Any) -> None:
        asked.append(given[2])

    event.listen(hub.runtime.database.engine, "before_cursor_execute", note)
    act()
    event.remove(hub.runtime.database.engine, "before_cursor_execute", note)
    return len(asked)


@pytest.mark.parametrize("profile", ["", "?profile=annotorious"])
def test_what_was_said_on_a_canvas_that_has_gone_since_may_still_be_changed(hub: Hub, profile: str) -> None:
    _, (second,), image = drawer(hub, 1)
    selector = {"type": "FragmentSelector", "value": "xywh=pixel:10,20,30,40"}
    iri = said(hub, {"source": hub.addresses.canvas(second.key, image.key), "selector": selector})
    with hub.runtime.db.begin() as session:
        catalogue.end_depiction(session, second.key, image.key, by=BY, at=hub.runtime.clock())
    drain(hub.runtime)
    shown = hub.get(iri + profile).json
    answer = hub.write("PUT", iri + profile, {**shown, "body": {"type": "TextualBody", "value": "Two galled leaves"}})
    assert answer.status_code == 200, answer.json
    assert lies_on(hub, image) == {image.specimen_key}
    new = hub.post(comment(hub.addresses.canvas(second.key, image.key), "Nothing new is said there"))
    assert new.status_code == 400, new.json


def test_saying_something_about_a_drawer_takes_no_more_statements_than_about_a_tray(hub: Hub) -> None:
    small, large = (drawer(hub, others, str(others))[2] for others in (2, 40))
    few, many = (statements(hub, lambda image=image: said(hub, hub.addresses.image(image.key))) for image in (small, large))
    assert len(lies_on(hub, large)) == 41
    assert len(rows(hub, large)) == 1
    assert many <= few + 2, (few, many)


def test_a_ruler_of_a_drawer_is_read_once(hub: Hub) -> None:
    _, _, image = drawer(hub, 9)
    document = {**comment(hub.addresses.image(image.key), "ruler"), "body": [RULER]}
    with hub.runtime.db.begin() as session:
        service.create_machine(
            session, document, media=image, run_key="j1", kind="ruler", value=20.0, unit="px/mm",
            addresses=hub.addresses, at=hub.runtime.clock(),
        )  # fmt: skip
    with hub.runtime.reads.begin() as session:
        assert len(store.newest_of_kind(session, [image.key], "ruler", NOBODY)) == 1
        assert service.scale_of(session, [image.key], by=NOBODY)[image.key].value == 20.0


def test_search_inside_a_specimen_shows_the_target_that_lies_on_it(hub: Hub) -> None:
    home, (image,) = add_sheet(hub.runtime, "S 1", sizes=((SIDE, SIDE),))
    second, (detail,) = add_sheet(hub.runtime, "S 2", sizes=((SIDE, SIDE),))
    depict(hub, home, image, OwnRegion(0, 0, 400, 400))
    depict(hub, second, image, OwnRegion(600, 600, 900, 900))
    said(hub, [f"{hub.addresses.image(image.key)}#xywh=1,1,9,9", hub.addresses.image(detail.key)])
    drain(hub.runtime)
    for specimen, shown in ((home, image), (second, detail)):
        (found,) = hub.get(f"{hub.addresses.search(2, specimen.key)}?q=galled").json["items"]
        target = found["target"]
        canvas = target if isinstance(target, str) else target["source"]["id"]
        assert canvas == hub.addresses.canvas(specimen.key, shown.key)


def test_what_was_said_of_an_image_that_failed_while_it_came_to_show_another_specimen_lies_on_that_once_it_is_ready(
    hub: Hub,
) -> None:
    _, _, image = drawer(hub, 0)
    other, _ = add_sheet(hub.runtime, "D 1", sizes=())
    said(hub, f"{hub.addresses.image(image.key)}#xywh=10,10,20,20")
    at = hub.runtime.clock()
    with hub.runtime.db.begin() as session:
        catalogue.media_failed(session, image.key, "The file was lost.", at=at)
    with hub.runtime.db.begin() as session:
        region = OwnRegion(0, 0, 100, 100)
        catalogue.depict(session, other.key, image.key, region=region, by=BY, at=at, size_px=(SIDE, SIDE))
        catalogue.media_ready(session, image.key, catalogue.Derivative(SIDE, SIDE, 1, "", image.sha256, 1), at=at)
    drain(hub.runtime)
    assert lies_on(hub, image) == {image.specimen_key, other.key}


def test_every_specimen_of_a_drawer_shows_what_is_said_there_which_has_one_row(hub: Hub) -> None:
    home, others, image = drawer(hub, 3)
    near, far = add_sheet(hub.runtime, "near", sizes=())[0], add_sheet(hub.runtime, "far", sizes=())[0]
    depict(hub, near, image, OwnRegion(0, 0, 100, 100))
    depict(hub, far, image, OwnRegion(500, 500, 600, 600))
    texts = {"Whole drawer": "", "Near leaf": "#xywh=10,10,20,20", "Loose beetle": "#xywh=800,800,20,20"}
    iris = {}
    for text, where in texts.items():
        answer = hub.post(comment(f"{hub.addresses.image(image.key)}{where}", text))
        iris[text] = answer.json["id"]
        assert hub.post(comment(iris[text], f"{text} indeed")).status_code == 201
    drain(hub.runtime)
    named = sorted((row.specimen_key, row.whole) for row in rows(hub, image))
    assert named == sorted([*[(home.key, True)] * 2, *[(home.key, False)] * 4, *[(near.key, False)] * 2])
    for specimen in (home, *others, near, far):
        own = (
            set(texts) - ({"Loose beetle"} if specimen in (near, far) else set()) - ({"Near leaf"} if specimen == far else set())
        )
        meant = own | {f"{text} indeed" for text in own}
        target = hub.addresses.manifest(specimen.key)
        listed = hub.get(f"/annotations/?target={target}&page=first&iris=0").json
        assert {one["body"]["value"] for one in listed["items"]} == meant, specimen.catalog_number
        assert hub.get(f"/annotations/?target={target}").json["total"] == len(meant)
        page = hub.client.get(f"/specimens/{specimen.key}", headers={"Accept": "text/html"}).text
        assert {text for text in texts if text in page} == own
        for text in texts:
            found = hub.get(f"{hub.addresses.search(2, specimen.key)}?q={text.split()[0]}").json["items"]
            assert len(found) == (2 if text in own else 0)
            assert all(text in str(one["body"]) for one in found)
            assert all(hub.addresses.canvas(specimen.key, image.key) in str(one["target"]) for one in found)
        hits = hub.get(f"/api/search?q=beetle&specimen={specimen.key}").json["items"]
        assert bool(hits) == ("Loose beetle" in meant)
    with hub.runtime.reads.begin() as session:
        assert list(consistency.differences(session, hub.runtime.search)) == []


def test_what_lay_beside_all_regions_lies_on_all_until_one_has_none(hub: Hub) -> None:
    home, (second,), image = drawer(hub, 1)
    depict(hub, home, image, OwnRegion(0, 0, 100, 100))
    depict(hub, second, image, OwnRegion(200, 200, 300, 300))
    said(hub, f"{hub.addresses.image(image.key)}#xywh=800,800,20,20")
    assert [(row.specimen_key, row.whole) for row in rows(hub, image)] == [(home.key, True)]
    assert lies_on(hub, image) == {home.key, second.key}
    depict(hub, second, image)
    drain(hub.runtime)
    assert [(row.specimen_key, row.whole) for row in rows(hub, image)] == [(second.key, False)]
    assert lies_on(hub, image) == {second.key}


corners = st.tuples(*[st.integers(0, 90)] * 2).map(lambda corner: OwnRegion(*corner, corner[0] + 10, corner[1] + 10))


@given(
    regions=st.lists(st.none() | corners, min_size=1, max_size=5),
    box=st.none() | corners.map(lambda region: CanvasBox(region.x0, region.y0, region.x1, region.y1)),
)
def test_what_is_written_and_read_of_places_is_the_rule(regions: list[OwnRegion | None], box: CanvasBox | None) -> None:
    shown = [Depiction(f"s{number}", "m1", 1, "", region, number == 0) for number, region in enumerate(regions)]
    places = placing.on_image("m1", shown, box)
    rows = [Target(0, "canvas", "m1", 0, place.media_key, place.specimen_key, place.box, place.whole) for place in places]
    touched = [one for one in shown if box is None or one.region is None or placing.meet(box, one.region)]
    assert {one.specimen_key for one in touched or shown} == {
        one.specimen_key for one in shown if any(placing.lies_on(row, one) for row in rows)
    }
    assert len(rows) <= 1 + sum(one.region is not None and one in touched for one in shown)
