"""What differs between versions of a statement: words, numbers, shapes; and restoring. Alike on SQLite and PostgreSQL."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import Client

from annotations import differences
from app.runtime.context import Runtime
from tests.databases import on_both
from tests.people import OUR_PAGE, add_person
from tests.sheets import Hub, add_sheet, comment, make_hub

settings = on_both
WORDS = st.text(alphabet="ab .,é", max_size=30)


@pytest.fixture
def hub(prepared: Runtime) -> Hub:
    return make_hub(prepared)


@given(WORDS, WORDS)
def test_the_pieces_of_a_difference_give_back_both_texts(before: str, after: str) -> None:
    pieces = differences.words(before, after)
    assert "".join(piece.before for piece in pieces) == before
    assert "".join(piece.after for piece in pieces) == after
    assert all(piece.before == piece.after for piece in pieces if piece.how == "equal")


def test_a_text_that_is_too_long_differs_as_a_whole() -> None:
    long = "a " * differences.MOST_WORDS
    assert [piece.how for piece in differences.words(long, "a")] == ["replace"]


def assertion(value: str, text: str) -> list[dict[str, Any]]:
    stated = {"dwc:assertionType": "length", "dwc:assertionValue": value, "dwc:assertionUnit": "mm"}
    return [
        {"type": "TextualBody", "value": text, "language": "en"},
        {"type": "dwc:Assertion", "id": "urn:a", **stated},
    ]


def test_words_numbers_and_shapes_are_told_drawn_and_restored(hub: Hub) -> None:
    _, (media,) = add_sheet(hub.runtime, sizes=((1000, 1000),))
    ana = add_person(hub.runtime, "ana", "curator")
    browser = Client(hub.client.application, use_cookies=False)
    image = hub.addresses.image(media.key)
    polygon = '<svg xmlns="http://www.w3.org/2000/svg"><polygon points="100,100 200,100 200,200 100,200"/></svg>'
    first = comment(f"{image}#xywh=100,100,100,100", **{"body": assertion("12.5", "A leaf <b> of the oak")})
    second = {
        **first,
        "body": assertion("13", "A leaf <b> of the beech"),
        "target": f"{image}#xywh=150,100,100,100",
        "rights": "https://creativecommons.org/publicdomain/zero/1.0/",
    }
    third = {**second, "target": {"source": image, "selector": {"type": "SvgSelector", "value": polygon}}}
    iri = hub.post(first).headers["Location"]
    key = iri.rpartition("/")[2]
    for document in (second, third):
        assert hub.write("PUT", iri, document).status_code == 200
    told = hub.get(f"/api/annotations/{key}/diff?from=1&to=2").json
    assert [(one["how"], one["from"], one["to"]) for one in told["text"]] == [
        ("equal", "A leaf <b> of the ", "A leaf <b> of the "),
        ("replace", "oak", "beech"),
    ]
    (number,) = told["numbers"]
    assert (number["name"], number["from"], number["to"], number["difference"]) == ("length", 12.5, 13.0, 0.5)
    (shape,) = told["shapes"]
    assert shape["iou"] == pytest.approx(1 / 3, abs=1e-6)
    assert shape["to"] == "M150,100 L250,100 L250,200 L150,200 Z"
    assert [one["name"] for one in told["fields"]] == ["rights"]
    of_polygon = hub.get(f"/api/annotations/{key}/diff?from=1&to=3").json["shapes"][0]
    assert of_polygon["iou"] == 1.0
    assert hub.get(f"/api/annotations/{key}/diff?from=2&to=2").json["shapes"] == []
    history = hub.get(f"/api/annotations/{key}/history").json["versions"]
    assert [one["differs"] for one in history] == [["target"], ["text", "numbers", "target", "fields"], []]
    for query in ("", "?from=1", "?from=0&to=1", "?from=x&to=1"):
        assert hub.get(f"/api/annotations/{key}/diff{query}").status_code == 400
    assert hub.get(f"/api/annotations/{key}/diff?from=1&to=9").status_code == 404

    page = browser.get(f"/statements/{key}/history", headers=ana.cookie)
    assert page.status_code == 200
    for said in ("<del>oak</del><ins>beech</ins>", "33% of both in common", 'stroke-dasharray="7 5"', "&lt;b&gt;", "12.5 mm"):
        assert said in page.text, said
    assert "Let version 1 stand again" in page.text
    assert "stand again" not in browser.get(f"/statements/{key}/history").text
    etag = hub.get(iri).headers["ETag"].strip('"')
    form = {"version": "1", "etag": etag}
    restored = browser.post(f"/statements/{key}/restore", data=form, headers={**ana.cookie, **OUR_PAGE})
    assert (restored.status_code, restored.headers["Location"]) == (303, f"/statements/{key}/history")
    assert hub.get(iri).json["body"][0]["value"] == "A leaf <b> of the oak"
    again = browser.post(f"/statements/{key}/restore", data=form, headers={**ana.cookie, **OUR_PAGE})
    assert again.status_code == 412, "somebody has changed it since"
    assert hub.get(f"/api/annotations/{key}/diff?from=1&to=4").json["text"] == []
    assert browser.get("/statements/n1nothing/history").status_code == 404
    part = browser.get(f"/statements/{key}/history?before=2").text
    assert "Version 1" in part
    assert "Version 2<" not in part
