"""What people write on our pages, through `/api/annotations`; alike on SQLite and PostgreSQL."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import func, select
from werkzeug.test import Client

from annotations import service as annotations
from annotations.tables import AnnotationRow
from app.runtime.context import Runtime
from iiif.catalogue.model import Media
from tests.databases import on_both
from tests.people import OUR_PAGE, Person, add_person
from tests.sheets import Hub, add_sheet, comment, make_hub

SIDE = 1000
RING = "M10 10 L400 10 L400 400 L10 400 Z M100 100 L200 100 L200 200 L100 200 Z"
settings = on_both


@pytest.fixture
def hub(prepared: Runtime) -> Hub:
    return make_hub(prepared)


@pytest.fixture
def media(hub: Hub) -> Media:
    _, (media,) = add_sheet(hub.runtime, "E 1", sizes=((SIDE, SIDE),))
    return media


def send(hub: Hub, method: str, path: str, who: dict[str, str], document: Any = None, **headers: str) -> Any:
    said = {"Content-Type": "application/ld+json", **who, **{name.replace("_", "-"): value for name, value in headers.items()}}
    client = Client(hub.client.application, use_cookies=False)  # those that are sent stand in each request
    return client.open(path, method=method, data=json.dumps(document) if document is not None else None, headers=said)


def as_page(person: Person) -> dict[str, str]:
    return {**person.cookie, **OUR_PAGE}


def svg(path: str) -> dict[str, str]:
    return {
        "type": "SvgSelector",
        "value": f'<svg xmlns="http://www.w3.org/2000/svg"><path fill-rule="evenodd" d="{path}"/></svg>',
    }


def drawn(hub: Hub, media: Media, path: str = RING, **more: Any) -> dict[str, Any]:
    """As it comes from the page where people draw: a shape with a hole, and a text."""
    target = {"source": hub.addresses.canvas(media.specimen_key, media.key), "selector": svg(path)}
    return comment(target, "a leaf with a hole", **more)


def count(hub: Hub) -> int:
    with hub.runtime.reads.begin() as session:
        return session.scalar(select(func.count()).select_from(AnnotationRow)) or 0


def machine(hub: Hub, media: Media) -> str:
    document = comment(f"{hub.addresses.image(media.key)}#xywh=10,10,50,50", "Carex rubra")
    with hub.runtime.db.begin() as session:
        how: Any = {"addresses": hub.addresses, "at": hub.runtime.clock()}
        return annotations.create_machine(session, document, media=media, run_key="x1", kind="label", **how).key


def test_a_page_writes_changes_and_deletes_in_the_name_of_the_account_alone(hub: Hub, media: Media) -> None:
    ana = add_person(hub.runtime, "ana", "annotator")
    made = send(hub, "POST", "/api/annotations?profile=annotorious", as_page(ana), drawn(hub, media))
    assert made.status_code == 201
    assert made.json["creator"] == {"id": hub.addresses.pid(ana.key), "type": "Person"}
    assert made.headers["Cache-Control"] == "private, no-store"
    assert hub.get(made.headers["Location"]).json == made.json, "it is the container's own"
    path = made.headers["Location"].replace("/annotations/", "/api/annotations/").removeprefix(hub.addresses.base)
    shown = send(hub, "GET", f"{path}?profile=annotorious", as_page(ana))
    told = {**shown.json, "body": [{**shown.json["body"][0], "value": "Carex"}]}
    changed = send(hub, "PUT", f"{path}?profile=annotorious", as_page(ana), told, If_Match=shown.headers["ETag"])
    assert (changed.status_code, changed.json["body"]["value"]) == (200, "Carex")
    for name in ("target", "creator", "created", "motivation"):
        assert changed.json[name] == made.json[name], "a change of the text alone loses neither shape nor provenance"
    whole = {name: value for name, value in changed.json.items() if name != "creator"}
    again = send(hub, "PUT", path, as_page(ana), whole, If_Match=changed.headers["ETag"])
    assert again.json["creator"] == made.json["creator"], "it is left out, and stays"
    assert send(hub, "DELETE", path, as_page(ana), If_Match=again.headers["ETag"]).status_code == 204
    assert send(hub, "GET", path, as_page(ana)).status_code == 410


def test_nothing_is_written_by_a_foreign_page_nor_in_the_name_of_another(hub: Hub, media: Media) -> None:
    ana, ben = add_person(hub.runtime, "ana", "annotator"), add_person(hub.runtime, "ben", "curator")
    document = drawn(hub, media)
    for who, status in (
        ({}, 401), (ana.cookie, 403), ({**ana.cookie, "Sec-Fetch-Site": "cross-site"}, 403),
        ({**ana.cookie, "Origin": "http://evil.example"}, 403), (as_page(add_person(hub.runtime, "eve", "reader")), 403),
        (as_page(add_person(hub.runtime, "fay", "curator", "P")), 403),
    ):  # fmt: skip
        assert send(hub, "POST", "/api/annotations", who, document).status_code == status, who
    for claimed in (hub.addresses.pid(ben.key), {"id": hub.addresses.pid(ben.key), "type": "Person"}):
        refused = send(hub, "POST", "/api/annotations", as_page(ana), {**document, "creator": claimed})
        assert (refused.status_code, refused.json["parameter"]) == (403, "creator")
    assert count(hub) == 0
    client = send(hub, "POST", "/api/annotations", {"Authorization": f"Bearer {hub.token}"}, document)
    assert client.json["creator"] == {"type": "Software", "name": "test"}
    assert send(hub, "POST", "/api/annotations", ana.bearer, document).json["creator"]["id"] == hub.addresses.pid(ana.key)
    for broken, status in (("x", 400), ({}, 400), ({**document, "target": "http://elsewhere.example/x"}, 400)):
        assert send(hub, "POST", "/api/annotations", as_page(ana), broken).status_code == status
    assert count(hub) == 2


def test_of_two_who_change_the_same_the_second_is_told_what_happened(hub: Hub, media: Media) -> None:
    ana, ben = add_person(hub.runtime, "ana", "annotator"), add_person(hub.runtime, "ben", "curator", name="Ben Bos")
    made = send(hub, "POST", "/api/annotations", as_page(ana), drawn(hub, media))
    path, etag = f"/api/annotations/{made.json['id'].rpartition('/')[2]}", made.headers["ETag"]
    assert send(hub, "PUT", path, as_page(ben), made.json).status_code == 428
    assert send(hub, "DELETE", path, as_page(ben)).status_code == 428
    theirs = send(hub, "PUT", path, as_page(ben), {**made.json, "body": []}, If_Match=etag)
    assert (theirs.status_code, theirs.json["creator"]) == (200, made.json["creator"]), "a curator's hand changes no author"
    for method, document in (("PUT", made.json), ("DELETE", None)):
        passed = send(hub, method, path, as_page(ana), document, If_Match=etag)
        assert passed.status_code == 412
        assert (passed.json["version"], passed.json["by"], passed.json["byName"]) == (2, ben.key, "Ben Bos")
        assert f'"{passed.json["etag"]}"' == theirs.headers["ETag"]
        assert "Ben Bos changed this" in passed.json["detail"]
    assert hub.get(made.json["id"]).json == theirs.json


def test_of_two_in_the_same_instant_one_is_stored_and_the_other_told(hub: Hub, media: Media) -> None:
    ana = add_person(hub.runtime, "ana", "annotator")
    made = send(hub, "POST", "/api/annotations", as_page(ana), drawn(hub, media))
    path, etag = f"/api/annotations/{made.json['id'].rpartition('/')[2]}", made.headers["ETag"]
    together = threading.Barrier(2)

    def change(words: str) -> Any:
        body = {**made.json["body"], "value": words}
        together.wait(10)
        return send(hub, "PUT", path, as_page(ana), {**made.json, "body": body}, If_Match=etag)

    with ThreadPoolExecutor(2) as pool:
        answers = [one.result(30) for one in [pool.submit(change, words) for words in ("one", "two")]]
    assert sorted(one.status_code for one in answers) == [200, 412]
    (stored,) = (one.json for one in answers if one.status_code == 200)
    assert hub.get(made.json["id"]).json == stored
    assert hub.get(f"{made.json['id']}/versions/3").status_code == 404


def test_a_machines_statement_is_corrected_and_not_changed(hub: Hub, media: Media) -> None:
    key, ana = machine(hub, media), add_person(hub.runtime, "ana", "annotator")
    stands = send(hub, "GET", f"/api/annotations/{key}?profile=annotorious", as_page(ana))
    for path in (f"/api/annotations/{key}", f"/annotations/{key}"):
        refused = send(hub, "PUT", path, {**as_page(ana), **ana.bearer}, stands.json, If_Match=stands.headers["ETag"])
        assert (refused.status_code, refused.json["title"]) == (409, "NotReplaced")
        assert f"{hub.addresses.base}/api/verdicts" in refused.json["detail"]
    eve = add_person(hub.runtime, "eve", "annotator", "P")
    assert send(hub, "PUT", f"/api/annotations/{key}", as_page(eve), stands.json, If_Match="*").status_code == 403


def test_what_is_said_on_an_image_comes_in_pages_in_the_form_that_is_drawn(hub: Hub, media: Media) -> None:
    ana = add_person(hub.runtime, "ana", "annotator")
    keys = {machine(hub, media)} | {
        send(hub, "POST", "/api/annotations", as_page(ana), drawn(hub, media)).json["id"].rpartition("/")[2] for _ in range(4)
    }
    about = comment(hub.addresses.annotation(min(keys)), "a reply, which has no shape of its own")
    assert send(hub, "POST", "/api/annotations", as_page(ana), about).status_code == 201
    seen, after = [], ""
    while after is not None:
        page = send(hub, "GET", f"/api/annotations?image={media.key}&limit=2&after={after}", as_page(ana)).json
        assert (page["width"], page["height"]) == (SIDE, SIDE)
        seen, after = [*seen, *page["items"]], page["next"]
    assert [one["key"] for one in seen] == sorted(keys)
    for one in seen:
        alone = send(hub, "GET", f"/api/annotations/{one['key']}?profile=annotorious", as_page(ana))
        assert (one["annotation"], f'"{one["etag"]}-annotorious"') == (alone.json, alone.headers["ETag"])
    assert {one["layer"] for one in seen} == {"machine", "people"}
    for path, status in (("", 400), ("?image=m1nothing", 404), (f"?image={media.key}&limit=1001", 400)):
        assert send(hub, "GET", f"/api/annotations{path}", {}).status_code == status


SHAPES = {
    "box": {"type": "FragmentSelector", "value": "xywh=pixel:10.5,20.25,300,200"},
    "polygon": {"type": "SvgSelector", "value": '<svg><polygon points="10,10 400.5,20 300,333.125"/></svg>'},
    "ellipse": {"type": "SvgSelector", "value": '<svg><ellipse cx="200" cy="300" rx="100" ry="50"/></svg>'},
    "hole": svg(RING),
    "parts": svg("M10 10 L50 10 L50 50 Z M100 100 L200 100 L200 200 Z"),
    "turned": {
        "type": "SvgSelector",
        "value": '<svg><rect x="100" y="100" width="200" height="80" transform="rotate(30 200 140)"/></svg>',
    },
    "line": {"type": "SvgSelector", "value": '<svg><line x1="10" y1="20" x2="300" y2="400"/></svg>'},
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_that_comes_back_as_it_was_handed_out_stores_the_same_region(hub: Hub, media: Media, shape: str) -> None:
    ana = add_person(hub.runtime, "ana", "annotator")
    canvas = hub.addresses.canvas(media.specimen_key, media.key)
    made = send(hub, "POST", "/api/annotations", as_page(ana), comment({"source": canvas, "selector": SHAPES[shape]}))
    assert made.status_code == 201, made.json
    path = f"/api/annotations/{made.json['id'].rpartition('/')[2]}"
    shown = send(hub, "GET", f"{path}?profile=annotorious", as_page(ana))
    back = send(hub, "PUT", f"{path}?profile=annotorious", as_page(ana), shown.json, If_Match=shown.headers["ETag"])
    assert (back.status_code, back.json["target"]) == (200, made.json["target"]), "what did not move stays to the letter"
    copied = send(hub, "POST", "/api/annotations?profile=annotorious", as_page(ana), shown.json)
    twin = f"/api/annotations/{copied.json['id'].rpartition('/')[2]}?profile=annotorious"
    assert send(hub, "GET", twin, as_page(ana)).json["target"] == shown.json["target"], "as a shape of its own it is the same"
