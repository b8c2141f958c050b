"""Paging by cursor, and downloads to the last hit: columns, counts, formulas, what is withheld."""

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.runtime.context import Runtime
from iiif.catalogue.model import Media, Specimen
from tests.sheets import add_sheet
from tests.unit.annotations.search.test_search import OAK, ask, client, index, machine

__all__ = ["client"]


@pytest.fixture
def sheets(runtime: Runtime) -> list[tuple[Specimen, Media]]:
    """Thirty of three genera, with year, numbers of labels that say silva, and one that a spreadsheet would calculate."""
    made = []
    for number in range(30):
        genus = ("Quercus", "Betula", "Fagus")[number % 3]
        terms = {"scientificName": genus, "genus": genus, "year": str(1850 + number % 7), "locality": "=SUM(A1)"}
        specimen, (media,) = add_sheet(runtime, f"BR {number:03}", terms if number % 5 else {"scientificName": genus})
        for _ in range(number % 4):
            machine(runtime, media, "text", f"in silva {number}")
        made.append((specimen, media))
    index(runtime)
    return made


def pages(client: FlaskClient, **asked: Any) -> list[str]:
    """The keys of all pages, each asked by the `next` of the one before."""
    seen, found = [], ask(client, **asked)
    while True:
        seen += [item["key"] for item in found["items"]]
        if found["next"] is None:
            return seen
        found = client.get(found["next"].removeprefix("http://lectotype.test")).json


def test_following_next_shows_each_hit_once(client: FlaskClient, sheets: Sequence[tuple[Specimen, Media]]) -> None:
    for q in ("", "silva"):
        expected = {specimen.key for number, (specimen, _) in enumerate(sheets) if not q or number % 4}
        for sort in ("", "year", "-year", "label", "-label", "created", "hasRuler", "eventDate"):
            seen = pages(client, q=q, sort=sort, limit=7, facets="")
            assert len(seen) == len(set(seen)), (q, sort)
            assert set(seen) == expected, (q, sort)


def test_a_page_goes_on_behind_the_last_though_others_write(
    client: FlaskClient, runtime: Runtime, sheets: Sequence[tuple[Specimen, Media]]
) -> None:
    first = ask(client, sort="label", limit=4)
    add_sheet(runtime, "A 1", {"scientificName": "Aaa"})
    index(runtime)
    second = client.get(first["next"].removeprefix("http://lectotype.test")).json
    assert first["items"][-1]["label"] < second["items"][0]["label"] or first["items"][-1]["key"] < second["items"][0]["key"]
    assert not {item["key"] for item in first["items"]} & {item["key"] for item in second["items"]}
    assert second["total"] == 31


def test_a_cursor_that_is_none_is_refused(client: FlaskClient) -> None:
    for cursor in ("x", "bm9uc2Vuc2U", "W10", "WyJhIiwiYiIsMSwyXQ", "ä", "A" * 5000):
        response = client.get("/api/search", query_string={"cursor": cursor, "sort": "year"})
        assert (response.status_code, response.json["parameter"]) == (400, "cursor"), cursor


def test_a_cursor_of_another_question_is_refused(client: FlaskClient, sheets: Sequence[tuple[Specimen, Media]]) -> None:
    cursor = ask(client, sort="year", limit=4)["cursor"]
    assert client.get("/api/search", query_string={"cursor": cursor, "sort": "-year"}).status_code == 400
    assert client.get("/api/search", query_string={"cursor": cursor, "sort": "year", "limit": 9}).status_code == 200


def table(client: FlaskClient, **asked: Any) -> list[dict[str, str]]:
    response = client.get("/api/search.csv", query_string=asked)
    assert response.status_code == 200, response.text
    rows = list(csv.DictReader(io.StringIO(response.text, newline="")))
    assert int(response.headers["X-Total-Count"]) == len(rows)
    return rows


def test_a_table_reaches_the_last_hit_and_counts_the_statements_that_answer(
    client: FlaskClient, sheets: Sequence[tuple[Specimen, Media]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("annotations.search.downloads.BATCH", 7)
    rows = table(client, q="silva")
    assert {row["catalogNumber"]: int(row["hits"]) for row in rows} == {f"BR {n:03}": n % 4 for n in range(30) if n % 4}
    for row in rows[:5]:
        key = row["id"].rpartition("/")[2]
        assert int(row["hits"]) == ask(client, q="silva", type="annotation", specimen=key)["total"]
        assert row["match"].startswith("in silva")
    keys = [row["id"] for row in rows]
    assert keys == sorted(keys)


def test_a_table_has_the_columns_asked_for_and_nothing_that_a_spreadsheet_calculates(
    client: FlaskClient, sheets: Sequence[tuple[Specimen, Media]]
) -> None:
    rows = table(client, columns="catalogNumber,locality,year", sort="-year", genus="Betula")
    assert list(rows[0]) == ["catalogNumber", "locality", "year"]
    assert {row["locality"] for row in rows} == {"'=SUM(A1)"}
    years = [int(row["year"]) for row in rows]
    assert years == sorted(years, reverse=True)


def test_what_cannot_be_downloaded_is_refused(client: FlaskClient) -> None:
    refused: list[tuple[str, dict[str, Any], str]] = [
        ("csv", {"columns": "catalognumber"}, "columns"),
        ("csv", {"columns": ""}, "columns"),
        ("json", {"page": 2}, "page"),
        ("json", {"type": "all"}, "type"),
        ("jsonl", {"q": "famly:x"}, "q"),
        ("geojson", {"sort": "leaf"}, "sort"),
    ]
    for form, asked, parameter in refused:
        response = client.get(f"/api/search.{form}", query_string=asked)
        assert (response.status_code, response.json["parameter"]) == (400, parameter), asked


def test_json_and_its_lines_are_the_hits_of_the_search(client: FlaskClient, sheets: Sequence[tuple[Specimen, Media]]) -> None:
    hits = sorted(ask(client, q="silva", type="annotation", limit=100)["items"], key=lambda item: item["key"])
    body = json.loads(client.get("/api/search.json", query_string={"q": "silva", "type": "annotation"}).data)
    lines = client.get("/api/search.jsonl", query_string={"q": "silva", "type": "annotation"}).text.splitlines()
    assert body["items"] == hits == [json.loads(line) for line in lines]
    assert body["total"] == body["rows"] == len(hits)
    assert json.loads(client.get("/api/search.json?q=zyzzyva").data) == {"total": 0, "items": [], "rows": 0}
    named = client.get("/api/search.jsonl", query_string={"type": "annotation", "columns": "kind,box,genus"}).text.splitlines()
    assert list(json.loads(named[0])) == ["kind", "box", "genus"]


def test_geojson_tells_places_that_are_not_withheld(client: FlaskClient, runtime: Runtime) -> None:
    place = {"decimalLatitude": "50.93", "decimalLongitude": "4.33"}
    add_sheet(runtime, "A", OAK | place)
    add_sheet(runtime, "B", OAK | place | {"informationWithheld": "locality"})
    index(runtime)
    body = json.loads(client.get("/api/search.geojson?columns=catalogNumber,decimalLatitude").data)
    told = {
        one["properties"]["catalogNumber"]: (one["geometry"], one["properties"]["decimalLatitude"]) for one in body["features"]
    }
    assert told["A"] == ({"type": "Point", "coordinates": [4.33, 50.93]}, "50.93")
    assert told["B"] == (None, None)
    assert body["numberMatched"] == body["numberReturned"] == 2
