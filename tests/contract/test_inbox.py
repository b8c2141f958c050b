"""The inbox (W3C Linked Data Notifications): what comes in is read, waits for a curator, and is shown with who says so."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.inbox import reading, service
from app.runtime.addresses import Addresses
from app.runtime.context import Runtime
from app.runtime.principal import Principal
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media, Specimen
from tests.databases import on_both
from tests.people import OUR_PAGE, add_person
from tests.sheets import QUERCUS, Hub, add_sheet, make_hub

settings = on_both
COAR = ["https://www.w3.org/ns/activitystreams", "https://coar-notify.net"]
ACTOR = {"id": "https://review.example.org/", "name": "Review Commons", "type": "Service"}


@pytest.fixture
def hub(prepared: Runtime) -> Hub:
    return make_hub(prepared)


@pytest.fixture
def sheet(hub: Hub) -> tuple[Specimen, Media]:
    specimen, (media,) = add_sheet(hub.runtime, "A 1", {**QUERCUS, "institutionCode": "BR", "collectionCode": "HERB"})
    return specimen, media


def citation(about: str, title: str = "Oaks of Meise", source: str = "https://doi.org/10.5555/12345678") -> dict[str, Any]:
    """As COAR Notify 1.0.1 announces a relationship."""
    relation = {"type": "Relationship", "as:subject": source, "as:relationship": "http://purl.org/vocab/frbr/core#supplement"}
    return {
        "@context": COAR, "id": f"urn:uuid:{title}", "type": ["Announce", "coar-notify:RelationshipAction"], "actor": ACTOR,
        "context": {"id": about, "type": "sorg:CreativeWork"}, "object": {**relation, "as:object": about, "name": title},
    }  # fmt: skip


def send(hub: Hub, document: Any, kind: str = "application/ld+json") -> Any:
    data = document if isinstance(document, bytes) else json.dumps(document)
    return hub.client.post("/inbox", data=data, headers={"Content-Type": kind})


@pytest.mark.parametrize("odd", [r'"\ud800"', r'"a\u0000"', "NaN", "1" * 400, "[" * 800 + "]" * 800])
def test_a_notice_that_no_database_keeps_is_refused_with_a_sentence(hub: Hub, sheet: tuple[Specimen, Media], odd: str) -> None:
    whole = json.dumps(citation(hub.addresses.pid(sheet[0].key)))
    answer = send(hub, f'{whole[:-1]}, "odd": {odd}}}'.encode())
    assert (answer.status_code, answer.json["title"]) == (400, "BadNotice")


def test_a_citation_waits_for_a_curator_and_is_then_shown_with_who_says_so(hub: Hub, sheet: tuple[Specimen, Media]) -> None:
    runtime, pid = hub.runtime, hub.addresses.pid(sheet[0].key)
    page = hub.get(f"/specimens/{sheet[0].key}")
    assert f'<{hub.addresses.base}/inbox>; rel="http://www.w3.org/ns/ldp#inbox"' in page.headers.getlist("Link")
    answer = send(hub, citation(pid))
    assert (answer.status_code, answer.json["state"]) == (201, "waiting")
    there = answer.headers["Location"]
    assert hub.get(there).status_code == 404
    assert hub.get("/inbox").json["contains"] == []
    assert "Oaks of Meise" not in hub.get(f"/specimens/{sheet[0].key}").text

    nobody, elsewhere = add_person(runtime, "eve"), add_person(runtime, "bob", "curator", "K")
    curator, key = add_person(runtime, "ada", "curator", "BR"), there.rpartition("/")[2]
    accept = f"/api/notices/{key}/accept"
    assert hub.client.post(accept).status_code == 401
    assert hub.client.post(accept, headers=nobody.bearer).status_code == 403
    assert hub.client.post(accept, headers=elsewhere.bearer).status_code == 403
    assert hub.client.get("/api/notices?state=waiting", headers=elsewhere.bearer).json["items"] == []
    (item,) = hub.client.get("/api/notices?state=waiting", headers=curator.bearer).json["items"]
    assert (item["about"], item["source"]) == (pid, "https://doi.org/10.5555/12345678")
    assert item["saidBy"] == {"id": ACTOR["id"], "name": ACTOR["name"]}
    browser = hub.client.application.test_client(use_cookies=False)
    listed = browser.get("/notices", headers=curator.cookie).text
    assert "Oaks of Meise" in listed
    assert browser.post(f"/notices/{key}/accept", headers=curator.cookie).status_code == 403
    done = browser.post(f"/notices/{key}/accept", headers={**curator.cookie, **OUR_PAGE})
    assert (done.status_code, done.headers["Location"]) == (303, "/notices")
    assert hub.client.post(accept, headers=curator.bearer).status_code == 409

    shown = hub.get(f"/specimens/{sheet[0].key}").text
    assert "Oaks of Meise" in shown
    assert "Review Commons" in shown
    assert hub.get(there).json == citation(pid)
    assert hub.get("/inbox").json["contains"] == [{"@id": there}]
    assert hub.get(f"/api/notices?about={sheet[0].key}").json["items"][0]["title"] == "Oaks of Meise"
    assert hub.client.post(f"/api/notices/{key}/reject", headers=curator.bearer).status_code == 200
    assert "Oaks of Meise" not in hub.get(f"/specimens/{sheet[0].key}").text


def test_offers_of_review_and_other_patterns_are_read(hub: Hub, sheet: tuple[Specimen, Media]) -> None:
    addresses, (specimen, media) = hub.addresses, sheet
    offer = {
        "@context": COAR,
        "type": ["Offer", "coar-notify:ReviewAction"],
        "actor": ACTOR,
        "object": {"id": addresses.pid(media.key)},
    }
    plain = {"type": "Announce", "actor": "https://orcid.org/0000-0002-1825-0097", "object": "https://doi.org/10.1/x"}
    for document, kind, about in (
        (offer, "review", media.key),
        ({**plain, "target": addresses.manifest(specimen.key)}, "citation", specimen.key),
        ({**plain, "inReplyTo": addresses.canvas(specimen.key, media.key)}, "citation", media.key),
        ({**plain, "@type": "as:Create", "context": f"{addresses.pid(specimen.key)}#x"}, "citation", specimen.key),
    ):
        told = reading.read(document, addresses)
        assert (told.kind, told.about.key) == (kind, about)
        assert send(hub, document).status_code == 201
        assert send(hub, document).status_code == 200, "the same notice comes in once"


def test_what_cannot_be_understood_is_refused_and_leaves_nothing(hub: Hub, sheet: tuple[Specimen, Media]) -> None:
    pid, runtime = hub.addresses.pid(sheet[0].key), hub.runtime
    deep: Any = pid
    for _ in range(30):
        deep = {"object": deep}
    refused = (
        (b"{", 400, "not JSON"),
        (b"[" * 10_000, 400, "JSON"),
        ([citation(pid)], 400, "JSON object"),
        ({**citation(pid), "type": "Like"}, 400, "one of these types"),
        (citation("https://example.org/x"), 400, "names no thing of this hub"),
        (citation(hub.addresses.pid("s1zzzzzzzzzz")), 400, "not here"),
        ({**citation(pid), "object": deep}, 400, "nested"),
        ({**citation(pid), "summary": "x" * 70_000}, 413, "64,000 bytes"),
    )
    for document, status, said in refused:
        answer = send(hub, document)
        assert (answer.status_code, said in answer.json["detail"]) == (status, True), answer.json
    assert send(hub, citation(pid), "text/plain").status_code == 415
    with runtime.db.begin() as session:
        catalogue.set_access(session, sheet[1].key, "closed", by=Principal.of_system(), at=runtime.clock())
        assert service.page(session, "waiting", by=Principal.of_system(), limit=9) == ()
    assert "application/ld+json" in hub.get("/inbox").headers["Accept-Post"]


def test_scripts_in_a_notice_are_words(hub: Hub, sheet: tuple[Specimen, Media]) -> None:
    curator, pid = add_person(hub.runtime, "ada", "curator"), hub.addresses.pid(sheet[0].key)
    for title, source in (("<script>alert(1)</script>", "https://x.org/?a=1"), ("javascript", "urn:x:1")):
        key = send(hub, citation(pid, title, source)).headers["Location"].rpartition("/")[2]
        hub.client.post(f"/api/notices/{key}/accept", headers=curator.bearer)
    told = reading.read({**citation(pid), "object": {"id": "javascript:alert(1)", "name": "x"}}, hub.addresses)
    assert told.source == ""
    page = hub.get(f"/specimens/{sheet[0].key}").text
    assert "<script>alert" not in page
    assert 'href="urn:' not in page


def test_no_more_wait_than_curators_can_look_at(hub: Hub, sheet: tuple[Specimen, Media], monkeypatch: pytest.MonkeyPatch) -> None:
    pid = hub.addresses.pid(sheet[0].key)
    monkeypatch.setattr(service, "MOST_OF_ADDRESS", 2)
    assert [send(hub, citation(pid, str(number))).status_code for number in range(3)] == [201, 201, 429]


ADDRESSES = Addresses("http://lectotype.test", "99999")
values = st.recursive(
    st.none() | st.booleans() | st.text(max_size=20) | st.just("http://lectotype.test/specimens/s1vpbgmz128m"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "object", "id", "context", "actor", "name", "target", "as:subject"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(values)
def test_any_json_is_read_or_refused(document: Any) -> None:
    try:
        told = reading.read(document, ADDRESSES)
    except reading.BadNotice:
        return
    assert told.about.key == "s1vpbgmz128m"
    assert len(told.title) <= reading.LONGEST_NAME
