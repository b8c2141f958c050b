"""Blind judging: what others think of an open statement shows nowhere until one has judged it, or it is decided."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from annotations.search import consistency
from annotations.states import policy
from annotations.tables import VerdictRow
from app.runtime.principal import Principal
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media
from tests.contract.test_events import carry, changes_of, heard, newest
from tests.contract.test_queue import in_line
from tests.contract.test_verdicts import hub, media, person, right, say, settings, stands, state
from tests.databases import on_both
from tests.drain import drain
from tests.people import OUR_PAGE, Person
from tests.sheets import Hub, add_sheet

__all__ = ["hub", "media", "on_both", "settings"]  # fixtures


def looks(hub: Hub, media: Media, key: str, who: dict[str, str]) -> dict[str, Any]:
    """Everything by which a verdict could show: each address with its answer and its ETag."""
    addresses = (
        "/annotations/", "/annotations/?page=first", f"/annotations/?target={hub.addresses.annotation(key)}",
        f"/annotations/?target={hub.addresses.annotation(key)}&page=first", f"/annotations/{key}",
        f"/annotations/?target={hub.addresses.image(media.key)}", "/api/search?type=all&q=Carex&facets=kind,layer,state",
        "/api/search?type=annotation&state=disputed", f"/api/search?q={media.specimen_key}",
        f"{hub.addresses.search(2, media.specimen_key)}?q=Carex", f"{hub.addresses.search(1, media.specimen_key)}?q=Carex",
        f"{hub.addresses.autocomplete(2, media.specimen_key)}?q=Car", hub.addresses.manifest(media.specimen_key),
        f"/canvases/{media.key}/annotations/people.json", f"/canvases/{media.key}/annotations/machine.json",
        f"/specimens/{media.specimen_key}", f"/api/specimens/{media.specimen_key}", "/api/proposals?state=disputed",
        "/api/proposals?state=unreviewed", f"/api/annotations/{key}/history", "/api/agreement", "/api/annotations",
    )  # fmt: skip
    found = {}
    for address in addresses:
        answer = hub.client.get(address.removeprefix(hub.addresses.base), headers=who)
        found[address] = (answer.status_code, answer.headers.get("ETag"), answer.text)
    return found


def test_the_verdicts_of_others_show_nowhere_until_ones_own_is_given(hub: Hub, media: Media) -> None:
    ana, ben, dan = (person(hub, name, "reviewer") for name in ("ana", "ben", "dan"))
    cat, key = person(hub, "cat", "curator"), state(hub, media, kind="name")
    drain(hub.runtime)
    seekers = ({}, ben.bearer)
    before = [looks(hub, media, key, who) for who in seekers]
    first = say(hub, ana, key, "rejected", comment="Ambiguissima", correction=right(hub, media, "Carex alba"))
    assert (first.status_code, first.json["state"]) == (201, "unreviewed")
    hidden = [first.json["id"], first.json["correction"]]
    drain(hub.runtime)
    for who, known in zip(seekers, before, strict=True):
        now = looks(hub, media, key, who)
        assert [address for address in known if now[address] != known[address]] == []
        for iri in (*hidden, *(f"{one}/versions/1" for one in hidden)):
            assert hub.client.get(iri.removeprefix(hub.addresses.base), headers=who).status_code == 404
        assert hub.client.get(f"/api/annotations/{key}/consensus", headers=who).status_code == (403 if who else 401)
    for who in (ana, cat):
        told = hub.client.get(f"/api/annotations/{key}/history", headers=who.bearer).json
        assert [one["by"] for one in told["verdicts"]] == [ana.key]
        assert hub.client.get(hidden[1].removeprefix(hub.addresses.base), headers=who.bearer).status_code == 200
    with hub.runtime.reads.begin() as session:
        assert list(consistency.differences(session, hub.runtime.search)) == []
    second = say(hub, ben, key, "approved")
    assert second.json["state"] == "disputed", "who has judged is told"
    told = hub.client.get(f"/api/annotations/{key}/history", headers=ben.bearer).json
    assert (told["state"], {one["by"] for one in told["verdicts"]}) == ("disputed", {ana.key, ben.key})
    drain(hub.runtime)
    assert key in hub.client.get("/api/proposals?state=unreviewed", headers=dan.bearer).text
    assert key not in hub.client.get("/api/proposals?state=disputed", headers=dan.bearer).text
    assert key in hub.client.get("/api/proposals?state=disputed", headers=cat.bearer).text
    _decided(hub, media, key, cat, hidden)


def _decided(hub: Hub, media: Media, key: str, cat: Person, hidden: list[str]) -> None:
    """A curator settles it, and everybody is told."""
    assert say(hub, cat, key, "rejected").json["state"] == "rejected"
    drain(hub.runtime)
    assert [hub.get(iri).status_code for iri in hidden] == [200, 200]
    assert len(hub.get(f"/api/annotations/{key}/history").json["verdicts"]) == 3
    assert hub.get("/api/search?type=annotation&q=alba").json["total"] == 1
    with hub.runtime.reads.begin() as session:
        assert list(consistency.differences(session, hub.runtime.search)) == []


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_what_is_taken_back_leaves_no_trace_either(hub: Hub, media: Media) -> None:
    ana, ben, key = person(hub, "ana", "reviewer"), person(hub, "ben", "reviewer"), state(hub, media, kind="name")
    drain(hub.runtime)
    before = looks(hub, media, key, ben.bearer)
    given = say(hub, ana, key, "approved")
    assert hub.client.delete(f"/api/verdicts/{given.json['key']}", headers=ana.bearer).status_code == 200
    drain(hub.runtime)
    assert looks(hub, media, key, ben.bearer) == before


@contextmanager
def rules_for(kind: str, **changed: Any) -> Iterator[None]:
    """Other rules for that kind for a while."""
    written: Mapping[str, Any] = policy.rules()
    kinds = {**written["kinds"], kind: {**written["kinds"].get(kind, {}), **changed}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(policy, "rules", lambda: {**written, "kinds": kinds})
        policy.of.cache_clear()
        yield
    policy.of.cache_clear()


def in_queue(hub: Hub, who: Person, kind: str) -> list[str]:
    return [one["key"] for one in hub.client.get(f"/api/queue?kind={kind}", headers=who.bearer).json["items"]]


def test_a_hidden_correction_is_no_question_until_all_is_told(hub: Hub, media: Media) -> None:
    ana, ben, cat = person(hub, "ana", "reviewer"), person(hub, "ben", "reviewer"), person(hub, "cat", "curator")
    key = state(hub, media, kind="name")
    correction = say(hub, ana, key, "rejected", correction=right(hub, media, "Carex alba")).json["correction"].rpartition("/")[2]
    for who in (ben, cat):
        assert in_queue(hub, who, "name") == [key]
        counted = hub.client.get("/api/queue/counts", headers=who.bearer).json
        assert [(one["kind"], one["waiting"]) for one in counted["kinds"]] == [("name", 1)]
    taken = hub.client.post("/api/queue/leases", json={"kind": "name", "take": 10}, headers=ben.bearer).json["items"]
    assert [one["key"] for one in taken] == [key]
    assert in_line(hub)
    say(hub, ben, key, "rejected")
    assert stands(hub, key) == "rejected"
    assert in_queue(hub, cat, "name") == [correction], "decided, and told: now the correction itself is a question"
    assert in_line(hub)


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_who_may_have_seen_what_others_think_is_not_independent(hub: Hub, media: Media) -> None:
    ana, ben, dan, eva = (person(hub, name, "reviewer") for name in ("ana", "ben", "dan", "eva"))
    cat, key = person(hub, "cat", "curator"), state(hub, media, kind="name")

    def given(who: Person, verdict: str) -> bool:
        answer = say(hub, who, key, verdict)
        assert answer.status_code == 201, answer.text
        with hub.runtime.reads.begin() as session:
            row = session.get(VerdictRow, answer.json["key"])
            assert row is not None
            return row.independent

    assert given(ana, "approved")
    assert given(ana, "uncertain"), "nobody else has judged it: there was nothing to see"
    assert given(ben, "rejected"), "ana's is hidden from ben"
    assert not given(ben, "approved"), "who has judged is told, and what they say then is not blind"
    last = hub.client.get(f"/api/annotations/{key}/history", headers=ben.bearer).json["verdicts"][0]["key"]
    hub.client.delete(f"/api/verdicts/{last}", headers=ben.bearer)
    assert not given(ben, "rejected"), "nor once the own verdict is taken back"
    assert not given(cat, "uncertain"), "curators see all"
    assert given(dan, "approved")
    assert stands(hub, key) == "disputed"
    settled = say(hub, cat, key, "approved").json["key"]
    assert stands(hub, key) == "accepted", "which all are told"
    hub.client.delete(f"/api/verdicts/{settled}", headers=cat.bearer)
    assert stands(hub, key) == "disputed"
    assert not given(eva, "approved"), "it was told to all before it was open again"


def test_no_event_tells_that_something_is_judged_blind(hub: Hub, media: Media) -> None:
    ana, ben, cat = person(hub, "ana", "reviewer"), person(hub, "ben", "reviewer"), person(hub, "cat", "curator")
    key, plain = state(hub, media, kind="name"), state(hub, media)
    carry(hub)
    before = newest(hub)
    first = say(hub, ana, key, "rejected", comment="Ambiguissima", correction=right(hub, media, "Carex alba")).json
    say(hub, ana, key, "approved")
    say(hub, ben, key, "rejected")
    assert stands(hub, key) == "disputed"
    carry(hub)
    for query in ("", f"?specimen={media.specimen_key}", f"?image={media.key}", f"?annotation={key}"):
        for who in ({}, ben.bearer, ben.cookie | OUR_PAGE):
            assert changes_of(heard(hub, query, after=before, **who)) == [], (query, "not even that something was said")
    say(hub, ana, plain, "approved")
    say(hub, cat, key, "rejected")
    carry(hub)
    told = set(changes_of(heard(hub, after=before)))
    assert {("annotation.reviewed", plain), ("annotation.reviewed", key)} <= told, "decided, it is told"
    assert first["key"] not in {one for happened, one in told if happened == "annotation.created"}


def propose(hub: Hub, who: Person, media: Media, term: str, value: str) -> str:
    said = {"specimen": media.specimen_key, "term": term, "value": value}
    answer = hub.client.post("/api/proposals", json=said, headers=who.bearer)
    assert answer.status_code == 201, answer.text
    return str(answer.json["key"])


def test_a_dispute_about_a_proposal_that_is_judged_blind_is_told_to_curators_alone(hub: Hub, media: Media) -> None:
    zoe, ana, ben, dan = (person(hub, name, "reviewer") for name in ("zoe", "ana", "ben", "dan"))
    cat = person(hub, "cat", "curator")
    key, open_ = propose(hub, zoe, media, "typeStatus", "holotype"), propose(hub, zoe, media, "recordedBy", "H. Smith")

    def seen(who: dict[str, str]) -> list[Any]:
        lists = (f"/api/proposals?kind=proposal{more}" for more in ("", "&state=disputed", "&term=typeStatus", "&limit=1"))
        found = [hub.client.get(address, headers=who).json for address in lists]
        counts = hub.client.get("/api/queue/counts", headers=who).json if who else None
        return [*found, counts, hub.client.get("/api/queue?kind=proposal", headers=who).json]

    before = {name: seen(who) for name, who in (("nobody", {}), ("dan", dan.bearer))}
    say(hub, ana, key, "approved")
    say(hub, ben, key, "rejected")
    assert stands(hub, key) == "disputed"
    assert {"nobody": seen({}), "dan": seen(dan.bearer)} == before
    disputed = hub.client.get("/api/proposals?kind=proposal&state=disputed", headers=cat.bearer).json["items"]
    assert [one["key"] for one in disputed] == [key]
    (disputed,) = hub.client.get("/api/queue?kind=proposal&state=disputed", headers=cat.bearer).json["items"]
    assert (disputed["key"], disputed["term"]) == (key, "Type status"), "it says of what it is a value"
    say(hub, ana, open_, "approved")
    say(hub, ben, open_, "rejected")
    told = hub.client.get("/api/proposals?kind=proposal&state=disputed", headers=dan.bearer).json["items"]
    assert [one["key"] for one in told] == [open_], "what is not judged blind is told"


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_a_segment_does_not_tell_of_a_dispute_that_is_judged_blind(hub: Hub, media: Media) -> None:
    ana, ben, dan = (person(hub, name, "reviewer") for name in ("ana", "ben", "dan"))
    label = state(hub, media, kind="label")
    (segment,) = hub.client.get("/api/segments").json["items"]
    address = f"/api/segments/{segment['key']}"

    def seen() -> list[Any]:
        found = [hub.client.get(f"{address}{more}", headers=dan.bearer) for more in ("", "/history")]
        return [(one.status_code, one.headers.get("ETag"), one.text) for one in found]

    before = seen()
    with rules_for("label", blind=True, voices=2):
        say(hub, ana, label, "approved")
        say(hub, ben, label, "rejected")
        assert stands(hub, label) == "disputed"
        drain(hub.runtime)
        assert seen() == before


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_how_large_a_closed_image_is_is_closed_with_it(hub: Hub, media: Media) -> None:
    """The image is of one collection, and shows a specimen of another one, too."""
    other, _ = add_sheet(hub.runtime, "P 1", {"scientificName": "Carex", "institutionCode": "P"})
    ana, system = person(hub, "ana", "annotator", "P"), Principal.of_system()
    with hub.runtime.db.begin() as session:
        catalogue.depict(session, other.key, media.key, role="detail", by=system, at=hub.runtime.clock())

    def refusals() -> list[tuple[int, str]]:
        found = []
        for edge in (media.width_px - 1, media.width_px + 1):
            line = {"media": media.key, "x0": 1, "y0": 1, "x1": edge, "y1": 5, "name": "petiole"}
            answer = hub.client.post(f"/specimens/{other.key}/lines", data=line, headers=ana.bearer)
            found.append((answer.status_code, answer.text))
        return found

    assert [status for status, _ in refusals()] == [303, 400], "open, the line must lie on the image"
    with hub.runtime.db.begin() as session:
        catalogue.set_access(session, media.key, "closed", by=system, at=hub.runtime.clock())
    inside, outside = refusals()
    assert inside == outside
    assert inside[0] == 403
