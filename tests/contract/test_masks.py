"""Masks that annotations name: taken in, read back exactly, shown to who may see, and kept while any version names them."""

import json
from typing import Any

import numpy as np
import pytest

from annotations import frames, mask_png, masks, service
from annotations.model import Canvas
from annotations.region_masks import Mask
from annotations.regions import of_mask
from app.fsck import Check
from app.runtime import tokens
from app.runtime.principal import Principal
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media
from tests.databases import on_both
from tests.sheets import Hub, add_sheet, comment

MASK = Mask.of_pixels(np.random.default_rng(7).random((60, 90)) < 0.5, 100, 200)
FILE = mask_png.encoded(MASK)
SHAPE = {"type": "SvgSelector", "value": '<svg><polygon points="100,200 190,200 190,260 100,260"/></svg>', "hub:tolerance": "9"}
BOX = {"type": "FragmentSelector", "value": "xywh=100,200,90,60"}
settings = on_both


@pytest.fixture
def media(hub: Hub) -> Media:
    _, (media,) = add_sheet(hub.runtime, "A 1", sizes=((1101, 1403),))
    return media


def send(hub: Hub, data: bytes = FILE, **headers: str) -> Any:
    return hub.write("POST", "/masks/", data, **{"Content_Type": "image/png", **headers})


def selector(hub: Hub, **change: Any) -> dict[str, Any]:
    answer = send(hub)
    assert answer.status_code == 201, answer.json
    return {**SHAPE, "hub:mask": {**answer.json, "hub:x": 100, "hub:y": 200, **change}}


def in_earlier_form(named: dict[str, Any]) -> list[dict[str, Any]]:
    """The same as statements of an earlier form say it: the mask as a selector of its own beside the shape."""
    mask = named["hub:mask"]
    place = {name: value for name, value in mask.items() if name != "id"}
    return [SHAPE, {"type": "hub:MaskSelector", "hub:mask": {"id": mask["id"]}, **place}]


def about(hub: Hub, media: Media, selected: Any) -> dict[str, Any]:
    canvas = hub.addresses.canvas(media.specimen_key, media.key)
    return comment({"type": "SpecificResource", "source": canvas, "selector": selected}, "A leaf")


def said(hub: Hub, media: Media, selected: Any) -> str:
    answer = hub.post(about(hub, media, selected))
    assert answer.status_code == 201, answer.json
    return str(answer.json["id"])


def close(hub: Hub, media: Media) -> None:
    with hub.runtime.db.begin() as session:
        catalogue.set_access(session, media.key, "closed", by=Principal.of_system(), at=hub.runtime.clock())


def faults(hub: Hub, **how: Any) -> list[str]:
    return [finding.fault for finding in Check(hub.runtime, **how).findings() if not finding.media]


def test_a_mask_is_taken_in_named_and_read_back_exactly(hub: Hub, media: Media) -> None:
    named = selector(hub)
    address = named["hub:mask"]["id"]
    assert hub.get(address).status_code == 404  # nobody has said what it is about
    iri = said(hub, media, [BOX, named])
    assert hub.get(iri).json["target"]["selector"] == [BOX, named]
    picture = hub.get(address)
    assert (picture.status_code, picture.content_type, picture.data) == (200, "image/png", FILE)
    assert hub.get(address, If_None_Match=picture.headers["ETag"]).status_code == 304
    with hub.runtime.reads.begin() as session:
        annotation = service.find(session, iri.rpartition("/")[2])
    assert annotation is not None
    region = frames.shown_region(annotation, Canvas(1101, 1403), lambda asked: masks.load(hub.runtime.blobs, asked))
    assert region == of_mask(MASK)


def test_a_statement_of_the_earlier_form_is_answered_as_stored_and_read_alike(hub: Hub, media: Media) -> None:
    named = selector(hub)
    earlier = [BOX, *in_earlier_form(named)]
    iri = said(hub, media, earlier)
    assert hub.get(iri).json["target"]["selector"] == earlier
    assert hub.get(named["hub:mask"]["id"]).data == FILE
    with hub.runtime.reads.begin() as session:
        annotation = service.find(session, iri.rpartition("/")[2])
    assert annotation is not None
    assert frames.shown_region(annotation, Canvas(1101, 1403), lambda asked: masks.load(hub.runtime.blobs, asked)) == of_mask(
        MASK
    )
    for profile in ("iiif3", "annotorious", "w3c"):
        shown = hub.get(f"{iri}?profile={profile}").json
        answer = hub.write("PUT", f"{iri}?profile={profile}", shown)
        assert (answer.status_code, answer.json["target"]["selector"]) == (200, earlier)


def test_viewers_get_what_stands_beside_it_and_cannot_lose_the_mask(hub: Hub, media: Media) -> None:
    named = selector(hub)
    iri = said(hub, media, [BOX, named])
    shown = hub.get(f"{iri}?profile=iiif3").json["target"]["selector"]
    assert [one["type"] for one in shown] == ["FragmentSelector", "SvgSelector"]
    drawn = hub.get(f"{iri}?profile=annotorious")
    changed = {**drawn.json, "body": [{"type": "TextualBody", "value": "A galled leaf"}]}
    answer = hub.write("PUT", f"{iri}?profile=annotorious", changed)
    assert answer.status_code == 200, answer.json
    assert answer.json["target"]["selector"] == [BOX, named]


@pytest.mark.parametrize(
    "change",
    [
        {"hub:width": 91},
        {"hub:height": 59},
        {"hub:x": 1012},
        {"id": "http://lectotype.test/masks/" + "0" * 64 + ".png"},
        {"id": "http://elsewhere.test/masks/" + masks.KeptMask("0" * 64, 1, 1, 1).sha256 + ".png"},
    ],
)
def test_a_mask_that_is_not_here_or_does_not_fit_is_refused_and_nothing_stays(
    hub: Hub, media: Media, change: dict[str, Any]
) -> None:
    named = selector(hub, **change)
    answer = hub.post(about(hub, media, named))
    assert (answer.status_code, answer.json["title"]) in ((400, "BadSelector"), (400, "SelectorOutsideCanvas"))
    assert hub.get(hub.addresses.mask(send(hub).json["id"][-68:-4])).status_code == 404
    assert hub.get("/annotations/").json["total"] == 0


def test_only_a_token_may_send_one_and_only_a_mask_is_taken(hub: Hub) -> None:
    assert hub.client.post("/masks/", data=FILE, content_type="image/png").status_code == 401
    assert send(hub, b"GIF89a").status_code == 400
    assert send(hub, FILE[:-9]).status_code == 400
    assert send(hub, Content_Type="image/jpeg").status_code == 415
    black = mask_png.encoded(Mask(0, 0, 8, 1, b"\0"))
    assert "no pixel" in send(hub, black).json["detail"]


def test_a_mask_is_as_closed_as_its_image(hub: Hub, media: Media) -> None:
    named = selector(hub)
    said(hub, media, named)
    close(hub, media)
    address = named["hub:mask"]["id"]
    refused = hub.get(address)
    assert refused.status_code == 401
    assert FILE not in refused.data
    opened = hub.get(address, Authorization=f"Bearer {hub.token}")
    assert (opened.status_code, opened.data) == (200, FILE)
    assert opened.cache_control.private
    assert "Authorization" in opened.vary


def test_a_mask_of_a_closed_image_is_named_on_an_open_one_only_by_who_may_see_it_or_has_its_file(hub: Hub, media: Media) -> None:
    _, (other,) = add_sheet(hub.runtime, "A 2", {"institutionCode": "B"}, sizes=((1101, 1403),))
    named = selector(hub)
    iri = said(hub, media, named)
    close(hub, media)
    with hub.runtime.db.begin() as session:
        secret = tokens.create(session, "ana", hub.runtime.clock(), by=Principal.of_system(), collections=["B"])
    ana = Hub(hub.runtime, hub.client, secret)
    plain = ana.post(about(hub, other, BOX))
    for refused in (ana.post(about(hub, other, named)), ana.write("PUT", plain.json["id"], about(hub, other, named))):
        assert (refused.status_code, refused.json["title"]) == (400, "BadSelector")
    assert hub.get(named["hub:mask"]["id"]).status_code == 401
    assert hub.write("PUT", iri, {**hub.write("GET", iri).json, "motivation": "tagging"}).status_code == 200
    assert send(ana).status_code == 201  # who has the bytes learns nothing by naming them
    assert ana.post(about(hub, other, named)).status_code == 201
    assert faults(hub, collect=True, older_than_s=-60) == []


def test_a_mask_of_two_images_is_shown_as_long_as_one_of_them_is_open(hub: Hub, media: Media) -> None:
    _, (other,) = add_sheet(hub.runtime, "A 2", sizes=((800, 600),))
    named = selector(hub)
    for image in (media, other):
        said(hub, image, named)
    close(hub, media)
    assert hub.get(named["hub:mask"]["id"]).status_code == 200
    close(hub, other)
    assert hub.get(named["hub:mask"]["id"]).status_code == 401


def test_a_mask_stays_while_any_version_names_it_and_one_that_nothing_named_goes(hub: Hub, media: Media) -> None:
    blobs = hub.runtime.blobs
    named = selector(hub)
    digest = named["hub:mask"]["id"][-68:-4]
    iri = said(hub, media, named)
    assert hub.write("PUT", iri, about(hub, media, BOX)).status_code == 200
    assert hub.write("DELETE", iri).status_code == 204
    lonely = send(hub, mask_png.encoded(Mask(0, 0, 8, 1, b"\xff"))).json["id"][-68:-4]
    assert faults(hub, collect=True) == []
    assert (blobs.has(digest), blobs.has(lonely)) == (True, True)  # it came in just now
    assert faults(hub, collect=True, older_than_s=-60) == []
    assert (blobs.has(digest), blobs.has(lonely)) == (True, False)
    assert hub.get(named["hub:mask"]["id"]).data == FILE
    assert (
        hub.post(about(hub, media, {**named, "hub:mask": {**named["hub:mask"], "id": hub.addresses.mask(lonely)}})).status_code
        == 400
    )


def test_fsck_names_lost_and_damaged_masks(hub: Hub, media: Media) -> None:
    named = selector(hub)
    said(hub, media, named)
    assert faults(hub, deep=True) == []
    path = hub.runtime.blobs.path(named["hub:mask"]["id"][-68:-4])  # type: ignore[attr-defined]  # blobs of tests lie in a folder
    path.write_bytes(FILE[:-1] + b"!")
    assert (faults(hub), faults(hub, deep=True)) == ([], ["damaged mask"])
    path.unlink()
    assert faults(hub) == ["lost mask"]
    assert hub.get(named["hub:mask"]["id"]).status_code == 404


def test_lines_and_points_are_taken_found_and_shown(hub: Hub, media: Media) -> None:
    line = {"type": "SvgSelector", "value": '<svg><line x1="10" y1="20" x2="300" y2="20"/></svg>'}
    point = {"type": "PointSelector", "x": 500, "y": 500}
    shown = {}
    for name, selected in (("line", line), ("point", point)):
        iri = said(hub, media, selected)
        assert hub.get(iri).json["target"]["selector"] == selected
        shown[name] = hub.get(f"{iri}?profile=iiif3").json["target"]["selector"]
        assert "#xywh=" in json.dumps(hub.get(f"{iri}?profile=iiif2").json["on"])
    assert [one.get("value", one) for one in shown["line"]] == [
        "xywh=10,20,290,1",
        '<svg xmlns="http://www.w3.org/2000/svg"><path fill="none" d="M10,20 L300,20"/></svg>',
    ]
    assert shown["point"][0]["value"] == "xywh=500,500,1,1"
    assert shown["point"][1] == {"type": "PointSelector", "x": 500.0, "y": 500.0}
