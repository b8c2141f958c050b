"""Memento (RFC 7089): the versions of annotations and records by their times, alike on SQLite and PostgreSQL."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from app.runtime.context import Runtime
from app.runtime.memento import http_date
from tests.databases import on_both
from tests.people import add_person
from tests.sheets import Hub, add_sheet, comment, make_hub

settings = on_both
START = datetime(2026, 3, 1, 12, 0, 0, 700_000, tzinfo=UTC)
DAY = timedelta(days=1)


class Days:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def days() -> Days:
    return Days()


@pytest.fixture
def hub(prepared: Runtime, days: Days, monkeypatch: pytest.MonkeyPatch) -> Hub:
    object.__setattr__(prepared, "clock", days)
    return make_hub(prepared)


def links(answer: TestResponse) -> dict[str, tuple[str, str]]:
    """By relation: the address and the time of a Link header, or of a TimeMap."""
    text = answer.text if answer.content_type == "application/link-format" else answer.headers["Link"]
    found = {}
    for iri, rest in re.findall(r"<([^>]*)>((?:\s*;\s*[a-z]+=\"[^\"]*\")+)", text):
        said: dict[str, Any] = dict(re.findall(r"([a-z]+)=\"([^\"]*)\"", rest))
        for rel in said["rel"].split():
            found.setdefault(rel, (iri, said.get("datetime", "")))
    return found


def at(hub: Hub, iri: str, moment: datetime) -> TestResponse:
    return hub.get(iri, Accept_Datetime=http_date(moment))


def test_an_annotation_is_its_own_timegate(hub: Hub, days: Days) -> None:
    _, (media,) = add_sheet(hub.runtime, sizes=((100, 100),))
    iri = hub.post(comment(hub.addresses.image(media.key), "first")).headers["Location"]
    days.now = START + DAY
    hub.write("PUT", iri, comment(hub.addresses.image(media.key), "second"))
    days.now = START + 2 * DAY
    hub.write("DELETE", iri)
    days.now = START + 3 * DAY
    hub.client.post(
        iri.replace("/annotations/", "/api/annotations/").removeprefix(hub.addresses.base) + "/restore",
        json={"version": 1},
        headers={"Authorization": f"Bearer {hub.token}", "If-Match": "*"},
    )
    present = hub.get(iri)
    assert present.status_code == 200
    assert "Accept-Datetime" in present.headers["Vary"]
    assert links(present)["timemap"][0] == f"{iri}/timemap"
    assert links(present)["original"][0] == links(present)["timegate"][0] == iri
    assert 'rel="type"' in present.headers["Link"], "what the annotation protocol asks for is still there"
    for asked, version in (
        (START - DAY, 1), (START, 1), (START + DAY - timedelta(seconds=2), 1), (START + DAY, 2), (START + 2.5 * DAY, 3),
        (START + 9 * DAY, 4),
    ):  # fmt: skip
        on = at(hub, iri, asked)
        assert (on.status_code, on.headers["Location"]) == (302, f"{iri}/versions/{version}"), asked
        assert "Accept-Datetime" in on.headers["Vary"]
        assert "Memento-Datetime" not in on.headers
    memento = hub.get(f"{iri}/versions/2")
    assert memento.headers["Memento-Datetime"] == http_date(START + DAY)
    told = links(memento)
    assert told["original"][0] == iri
    assert told["first"] == (f"{iri}/versions/1", http_date(START))
    assert told["last"] == (f"{iri}/versions/4", http_date(START + 3 * DAY))
    gone = hub.get(f"{iri}/versions/3")
    assert (gone.status_code, gone.headers["Memento-Datetime"]) == (410, http_date(START + 2 * DAY))
    timemap = hub.get(f"{iri}/timemap")
    assert timemap.content_type == "application/link-format"
    assert re.findall(r"/versions/(\d)>", timemap.text) == ["1", "2", "4"]
    assert links(timemap)["original"][0] == links(timemap)["timegate"][0] == iri
    assert links(timemap)["self"][0] == f"{iri}/timemap"
    assert f'from="{http_date(START)}";until="{http_date(START + 3 * DAY)}"' in timemap.text


def test_a_record_is_its_own_timegate_and_old_ones_have_one_version(hub: Hub, days: Days) -> None:
    specimen, _ = add_sheet(hub.runtime, "M 1", terms={"recordedBy": "Smyth"})
    iri = hub.addresses.specimen_record(specimen.key)
    assert at(hub, iri, START).headers["Location"] == f"{iri}/versions/1"
    assert re.findall(r"/versions/(\d)>", hub.get(f"{iri}/timemap").text) == ["1"]
    days.now = START + DAY
    ana, ben = (add_person(hub.runtime, name, "curator") for name in ("ana", "ben"))
    said = {"specimen": specimen.key, "term": "recordedBy", "value": "H. Smith"}
    key = hub.client.post("/api/proposals", json=said, headers=ben.bearer).json["key"]
    hub.client.post("/api/verdicts", json={"annotation": key, "version": 1, "verdict": "approved"}, headers=ana.bearer)
    assert at(hub, iri, START).headers["Location"] == f"{iri}/versions/1"
    assert at(hub, iri, START + 2 * DAY).headers["Location"] == f"{iri}/versions/2"
    for version, collector, when in ((1, "Smyth", START), (2, "H. Smith", START + DAY)):
        memento = hub.get(f"{iri}/versions/{version}")
        assert memento.json["interpreted"]["recordedBy"] == collector
        assert memento.headers["Memento-Datetime"] == http_date(when)
        assert links(memento)["last"][0] == f"{iri}/versions/2"
    assert "Accept-Datetime" in hub.get(iri).headers["Vary"]
    assert hub.get(f"{iri}/versions/3").status_code == 404


def test_bad_times_and_unknown_things_are_told(hub: Hub) -> None:
    _, (media,) = add_sheet(hub.runtime, sizes=((100, 100),))
    iri = hub.post(comment(hub.addresses.image(media.key))).headers["Location"]
    for text in ("yesterday", "2026-03-01T12:00:00Z", "Tue, 99 Sep 2001 20:35:00 GMT", "Tue, 11 Sep 2001 20:35:00 +0200"):
        refused = hub.get(iri, Accept_Datetime=text)
        assert (refused.status_code, refused.json["title"]) == (400, "Invalid"), text
    assert at(hub, hub.addresses.annotation("n1nothing"), START).status_code == 404
    assert hub.get("/annotations/n1nothing/timemap").status_code == 404
    assert hub.get("/api/specimens/s1nothing/timemap").status_code == 404
    assert at(hub, "/api/specimens/s1nothing", START).status_code == 404
