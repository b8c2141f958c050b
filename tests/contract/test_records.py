"""Proposals into the record: versions, provenance, what the source said; alike on SQLite and PostgreSQL."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from werkzeug.test import Client

from annotations import service as annotations
from annotations import withdrawal
from annotations.search import consistency
from app.cli import main
from app.cli.ingest import ingest_paths
from app.export.documents import StaticAddresses, manifest_of
from app.runtime.context import Runtime
from app.runtime.principal import NOBODY
from iiif.catalogue import records
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media, Specimen
from iiif.image.request import SizeLimits
from iiif.presentation.canvases import canvas_views
from iiif.presentation.manifest import Publisher
from iiif.presentation.model import ManifestExtras
from tests.databases import on_both
from tests.drain import drain
from tests.people import OUR_PAGE, Person, add_person
from tests.sheets import Hub, add_sheet, comment, make_hub

settings = on_both
TERMS = {
    "scientificName": "Quercus robur L.",
    "recordedBy": "Smyth",
    "country": "Belgium",
    "institutionCode": "BR",
    "collectionCode": "HERB",
}


@pytest.fixture
def hub(prepared: Runtime) -> Hub:
    return make_hub(prepared)


@pytest.fixture
def sheet(hub: Hub) -> tuple[Specimen, Media]:
    specimen, (media,) = add_sheet(hub.runtime, "R 1", terms=TERMS, sizes=((1000, 1000),))
    return specimen, media


def propose(hub: Hub, who: Person | None, of: Specimen, value: str, term: str = "recordedBy", **more: Any) -> Any:
    said = {"specimen": of.key, "term": term, "value": value, **more}
    headers = {"Authorization": f"Bearer {hub.token}"} if who is None else who.bearer
    return hub.client.post("/api/proposals", json=said, headers=headers)


def judge(hub: Hub, who: Person, key: str, verdict: str, version: int = 1, **more: Any) -> Any:
    said = {"annotation": key, "version": version, "verdict": verdict, **more}
    return hub.client.post("/api/verdicts", json=said, headers=who.bearer)


def record(hub: Hub, specimen: Specimen) -> dict[str, Any]:
    found: dict[str, Any] = hub.get(f"/api/specimens/{specimen.key}").json
    return found


def history(hub: Hub, specimen: Specimen) -> list[tuple[Any, ...]]:
    told = hub.get(f"/api/specimens/{specimen.key}/history").json["versions"]
    return [(one["version"], one["action"], [(d["term"], d["from"], d["to"]) for d in one["differs"]]) for one in told]


def label(hub: Hub, media: Media, text: str = "leg. H. Smith") -> str:
    document = comment(f"{hub.addresses.image(media.key)}#xywh=10,20,300,100", text, motivation="supplementing")
    with hub.runtime.db.begin() as session:
        return annotations.create_machine(
            session, document, media=media, run_key="x1", kind="label", addresses=hub.addresses, at=hub.runtime.clock()
        ).key


def test_an_accepted_proposal_makes_a_version_of_the_record_and_a_withdrawn_acceptance_the_next(
    hub: Hub, sheet: tuple[Specimen, Media]
) -> None:
    specimen, media = sheet
    ana, ben = add_person(hub.runtime, "ana", "curator", "BR"), add_person(hub.runtime, "ben", "annotator")
    text = label(hub, media)
    answer = propose(hub, ben, specimen, "H. Smith", verbatim="leg. H. Smith", source=text)
    assert answer.status_code == 201, answer.json
    key = answer.json["key"]
    assert answer.json["proposal"]["termIri"] == "http://rs.tdwg.org/dwc/terms/recordedBy"
    assert answer.json["record"]["value"] == "Smyth"
    assert answer.json["box"] == [10, 20, 310, 120], "it lies where the label's text was read"
    assert (propose(hub, ben, specimen, "H. Smith", verbatim="leg. H. Smith", source=text).status_code) == 200
    statement = hub.get(f"/annotations/{key}").json
    assert statement["motivation"] == "editing"
    assert statement["body"]["wasDerivedFrom"] == f"{hub.addresses.annotation(text)}/versions/1"
    assert statement["target"] == [hub.addresses.annotation(text), hub.addresses.pid(specimen.key)]
    assert history(hub, specimen) == [(1, "source", [])]

    verdict = judge(hub, ana, key, "approved")
    assert verdict.json["state"] == "accepted", verdict.json
    told = record(hub, specimen)
    assert (told["interpreted"]["recordedBy"], told["recordVersion"]) == ("H. Smith", 2)
    (change,) = told["changes"]
    assert change["sourceValue"] == "Smyth"
    assert change["acceptedBy"] == hub.addresses.pid(ana.key)
    assert change["statement"] == f"{hub.addresses.annotation(key)}/versions/1"
    assert history(hub, specimen)[0] == (2, "accept", [("recordedBy", "Smyth", "H. Smith")])
    manifest = hub.get(hub.addresses.manifest(specimen.key)).json
    pairs = {one["label"]["en"][0]: next(iter(one["value"].values()))[0] for one in manifest["metadata"]}
    assert (pairs["Collector"], pairs["Collector, as its source has it"]) == ("H. Smith", "Smyth")
    assert hub.addresses.pid(ana.key) in pairs["Collector, changed"]
    exported = exported_metadata(hub, told["key"])
    assert exported == manifest["metadata"], "a static export names the hub's statement, not a file that it does not have"
    drain(hub.runtime)
    found = hub.get("/api/search?q=collector:smith&type=specimen").json
    assert [item["key"] for item in found["items"]] == [specimen.key], found
    assert found["items"][0]["changes"][0]["value"] == "H. Smith"
    assert [item["key"] for item in hub.get("/api/search?q=smyth&type=specimen").json["items"]] == [specimen.key]

    browser = Client(hub.client.application, use_cookies=False)  # those that are sent stand in each request
    page = browser.get(f"/specimens/{specimen.key}", headers=ana.cookie).text
    for said in ("Accepted by Ana", "Take back what I said", "leg. H. Smith", "History of the record", "<del>Smyth</del>"):
        assert said in page, said
    assert '>Accept<span class="hidden"> Collector' not in browser.get(f"/specimens/{specimen.key}", headers=ben.cookie).text, (
        "others accept it"
    )
    own = browser.get(f"/statements/{key}", headers=ana.cookie).text
    for said in ("For the record: collector", "<dd>H. Smith</dd>", "leg. H. Smith", "<dd>Smyth</dd>"):
        assert said in own, said
    undo = f"/specimens/{specimen.key}/verdicts/{verdict.json['key']}/undo"
    assert undo in page
    back = browser.post(undo, headers={**ana.cookie, **OUR_PAGE})
    assert (back.status_code, back.headers["Location"]) == (303, f"/specimens/{specimen.key}#finding-{key}")
    told = record(hub, specimen)
    assert (told["interpreted"]["recordedBy"], told["recordVersion"], told["changes"]) == ("Smyth", 3, [])
    assert history(hub, specimen)[0] == (3, "take back", [("recordedBy", "H. Smith", "Smyth")])
    old = hub.get(f"/api/specimens/{specimen.key}/versions/2").json
    assert (old["interpreted"]["recordedBy"], old["changes"][0]["statement"]) == ("H. Smith", change["statement"])
    differs = hub.get(f"/api/specimens/{specimen.key}/diff?from=1&to=2").json["terms"]
    assert differs == [{"term": "recordedBy", "from": "Smyth", "to": "H. Smith"}]
    assert judge(hub, ana, key, "rejected").json["state"] == "rejected"
    assert record(hub, specimen)["recordVersion"] == 3
    assert hub.get(f"/annotations/{key}").status_code == 200, "rejected it stays as a statement"
    assert consistency_holds(hub)


def exported_metadata(hub: Hub, key: str) -> Any:
    elsewhere = StaticAddresses("https://files.test/x", hub.runtime.settings.naan)
    extras, limits = ManifestExtras(), SizeLimits(1000, 1_000_000)
    with hub.runtime.reads.begin() as session:
        specimen = catalogue.get_specimen(session, key)
        views = canvas_views(session, key, catalogue.media_of(session, key), NOBODY)
    publisher = Publisher("Herbarium", "https://herbarium.test/")
    return manifest_of(specimen, views, extras, elsewhere, publisher, hub.addresses.pid(key), limits)["metadata"]


def consistency_holds(hub: Hub) -> bool:
    drain(hub.runtime)
    with hub.runtime.reads.begin() as session:
        return not list(consistency.differences(session, hub.runtime.search))


def test_of_two_accepted_for_one_term_the_last_stands_and_the_first_returns(hub: Hub, sheet: tuple[Specimen, Media]) -> None:
    specimen, _ = sheet
    ana, ben = add_person(hub.runtime, "ana", "curator"), add_person(hub.runtime, "ben", "annotator")
    first, second = (propose(hub, ben, specimen, value).json["key"] for value in ("H. Smith", "Henry Smith"))
    assert judge(hub, ana, first, "approved").json["state"] == "accepted"
    verdict = judge(hub, ana, second, "approved").json["key"]
    assert record(hub, specimen)["interpreted"]["recordedBy"] == "Henry Smith"
    hub.client.delete(f"/api/verdicts/{verdict}", headers=ana.bearer)
    assert record(hub, specimen)["interpreted"]["recordedBy"] == "H. Smith"
    assert [action for _, action, _ in history(hub, specimen)] == ["replace", "replace", "accept", "source"]
    etag = hub.get(f"/annotations/{first}").headers["ETag"]
    gone = hub.client.delete(f"/api/annotations/{first}", headers={**ana.bearer, "If-Match": etag})
    if gone.status_code == 404:  # the container of tokens does the same
        gone = hub.client.delete(f"/annotations/{first}", headers={**ana.bearer, "If-Match": etag})
    assert gone.status_code == 204, gone.json
    assert record(hub, specimen)["interpreted"]["recordedBy"] == "Smyth", "a deleted statement counts for nothing"


def test_a_record_is_restored_by_verdicts_of_a_curator(hub: Hub, sheet: tuple[Specimen, Media]) -> None:
    specimen, _ = sheet
    ana, ben = add_person(hub.runtime, "ana", "curator"), add_person(hub.runtime, "ben", "annotator")
    for value in ("H. Smith", "Henry Smith"):
        judge(hub, ana, propose(hub, ben, specimen, value).json["key"], "approved")
    judge(hub, ana, propose(hub, ben, specimen, "Dinant", "locality").json["key"], "approved")

    def restore(who: Person, version: Any, seen: str) -> Any:
        path = f"/api/specimens/{specimen.key}/restore"
        return hub.client.post(path, json={"version": version}, headers={**who.bearer, "If-Match": seen})

    etag = hub.get(f"/api/specimens/{specimen.key}/versions/4").headers["ETag"]
    assert restore(ana, 2, '"record.3"').status_code == 412
    assert restore(ben, 2, etag).status_code == 403
    assert restore(ana, 9, etag).status_code == 404
    assert restore(ana, "2", etag).status_code == 400
    assert record(hub, specimen)["recordVersion"] == 4
    assert restore(ana, 2, etag).status_code == 200
    told = record(hub, specimen)["interpreted"]
    assert (told["recordedBy"], "locality" in told) == ("H. Smith", False)
    assert restore(ana, 4, "*").status_code == 200, "and what has gone is accepted again"
    told = record(hub, specimen)["interpreted"]
    assert (told["recordedBy"], told["locality"]) == ("Henry Smith", "Dinant")
    assert restore(ana, 1, "*").status_code == 200
    assert record(hub, specimen)["changes"] == []


def test_whoever_may_write_proposes_a_value_by_a_form_on_the_page(hub: Hub, sheet: tuple[Specimen, Media]) -> None:
    specimen, media = sheet
    ben, text = add_person(hub.runtime, "ben", "annotator"), label(hub, media, 'leg. "H. Smith" <b>')
    browser = Client(hub.client.application, use_cookies=False)
    path = f"/specimens/{specimen.key}/proposals"
    page = browser.get(f"/specimens/{specimen.key}", headers=ben.cookie).text
    assert f'action="{path}"' in page
    assert f'<option value="{text}">leg. &#34;H. Smith&#34; &lt;b&gt;</option>' in page, "what it may have been read from"
    assert 'value="institutionCode"' not in page, "not what the source alone says"
    assert f'action="{path}"' not in browser.get(f"/specimens/{specimen.key}").text
    said = {"term": "recordedBy", "value": " H. Smith ", "verbatim": "leg. H. Smith", "source": text}
    made = browser.post(path, data=said, headers={**ben.cookie, **OUR_PAGE})
    assert made.status_code == 303, made.text
    key = made.headers["Location"].rpartition("#finding-")[2]
    statement = hub.get(f"/annotations/{key}").json
    assert statement["body"]["value"] == "H. Smith"
    assert statement["body"]["wasDerivedFrom"] == f"{hub.addresses.annotation(text)}/versions/1"
    assert statement["creator"]["id"] == hub.addresses.pid(ben.key)
    assert "leg. H. Smith" in browser.get(f"/specimens/{specimen.key}", headers=ben.cookie).text
    for wrong in ({"value": " "}, {"term": "institutionCode"}, {"term": "nothing"}, {"verbatim": "x" * 10_001}):
        assert browser.post(path, data=said | wrong, headers={**ben.cookie, **OUR_PAGE}).status_code == 400, wrong


def test_a_record_is_restored_to_the_wording_that_was_accepted_then(hub: Hub, sheet: tuple[Specimen, Media]) -> None:
    specimen, _ = sheet
    ana, ben = add_person(hub.runtime, "ana", "curator"), add_person(hub.runtime, "ben", "annotator")
    key = propose(hub, ben, specimen, "H. Smith").json["key"]
    judge(hub, ana, key, "approved")

    def collector_after(version: int) -> str | None:
        path = f"/api/specimens/{specimen.key}/restore"
        answer = hub.client.post(path, json={"version": version}, headers={**ana.bearer, "If-Match": "*"})
        assert answer.status_code == 200, answer.json
        found: str | None = record(hub, specimen)["interpreted"].get("recordedBy")
        assert history(hub, specimen)[0][0] == record(hub, specimen)["recordVersion"]
        return found

    document = dict(hub.get(f"/annotations/{key}").json)
    document["body"] = {**document["body"], "value": "J. Smith"}
    assert hub.client.put(f"/annotations/{key}", json=document, headers=ben.bearer).status_code == 200
    assert collector_after(2) == "H. Smith", "not what the statement says by now"
    assert hub.client.put(f"/annotations/{key}", json=document, headers=ben.bearer).status_code == 200
    now = hub.get(f"/api/annotations/{key}/history").json["version"]
    assert judge(hub, ana, key, "approved", version=now).json["state"] == "accepted"
    changed = record(hub, specimen)["recordVersion"]
    assert record(hub, specimen)["interpreted"]["recordedBy"] == "J. Smith"
    assert collector_after(2) == "H. Smith"
    assert collector_after(changed) == "J. Smith"
    etag = hub.get(f"/annotations/{key}").headers["ETag"]
    assert hub.client.delete(f"/api/annotations/{key}", headers={**ana.bearer, "If-Match": etag}).status_code == 204
    assert collector_after(2) == "H. Smith", "a deleted statement comes back"
    assert collector_after(1) == "Smyth"


def test_a_changed_proposal_counts_no_more_and_a_correction_counts_instead(hub: Hub, sheet: tuple[Specimen, Media]) -> None:
    specimen, _ = sheet
    ana, ben = add_person(hub.runtime, "ana", "curator"), add_person(hub.runtime, "ben", "annotator")
    key = propose(hub, ben, specimen, "H. Smith").json["key"]
    judge(hub, ana, key, "approved")
    document = dict(hub.get(f"/annotations/{key}").json)
    document["body"] = {**document["body"], "value": "J. Smith"}
    put = hub.client.put(f"/annotations/{key}", json=document, headers=ben.bearer)
    assert put.status_code == 200, put.json
    assert record(hub, specimen)["interpreted"]["recordedBy"] == "Smyth"
    better = {name: value for name, value in document.items() if name != "creator"} | {
        "body": {**document["body"], "value": "Jane Smith"}
    }
    answer = judge(hub, ana, key, "rejected", version=2, correction=better)
    assert answer.status_code == 201, answer.json
    told = record(hub, specimen)
    assert told["interpreted"]["recordedBy"] == "Jane Smith", "a curator's correction is a voice for itself"
    assert told["changes"][0]["acceptedBy"] == hub.addresses.pid(ana.key)
    listed = hub.get("/api/proposals?state=accepted&term=recordedBy&collection=BR/HERB").json["items"]
    assert [one["proposal"]["value"] for one in listed] == ["Jane Smith"]


def test_bad_values_are_warned_of_as_in_an_ingest_and_never_reach_the_record(hub: Hub, sheet: tuple[Specimen, Media]) -> None:
    specimen, _ = sheet
    ana, ben = add_person(hub.runtime, "ana", "curator"), add_person(hub.runtime, "ben", "annotator")
    for term, value, code in (
        ("eventDate", "31.31.1887", "bad-date"),
        ("eventDate", "2999", "bad-date"),
        ("decimalLatitude", "95", "bad-coordinates"),
        ("countryCode", "Belgium", "bad-country-code"),
    ):
        answer = propose(hub, ben, specimen, value, term)
        assert answer.status_code == 201
        assert [one["code"] for one in answer.json["warnings"]] == [code]
        assert answer.json["proposal"]["value"] is None
        for who in (ana, add_person(hub.runtime, f"{term}{value}".lower(), "curator")):
            judge(hub, who, answer.json["key"], "approved")
        assert term not in record(hub, specimen)["interpreted"]
    good = propose(hub, ben, specimen, "12.VI.1887", "dwc:eventDate")
    assert (good.json["warnings"], good.json["proposal"]["value"]) == ([], "1887-06-12")
    judge(hub, ana, good.json["key"], "approved")
    assert record(hub, specimen)["interpreted"]["eventDate"] == "1887-06-12"


def test_what_cannot_be_proposed_is_refused_with_a_sentence(hub: Hub, sheet: tuple[Specimen, Media]) -> None:
    specimen, _ = sheet
    _, (theirs,) = add_sheet(hub.runtime, "R 2", terms=TERMS)
    ben, far = add_person(hub.runtime, "ben", "annotator"), add_person(hub.runtime, "far", "annotator", "P")
    for term, value, more, status in (
        ("noTerm", "x", {}, 400),
        ("catalogNumber", "x", {}, 400),
        ("institutionCode", "x", {}, 400),
        ("recordedBy", " ", {}, 400),
        ("recordedBy", "x" * 10_001, {}, 400),
        ("recordedBy", "Smyth", {}, 409),
        ("recordedBy", "x", {"state": "accepted"}, 400),
        ("recordedBy", "x", {"source": "n1nothing"}, 404),
        ("recordedBy", "x", {"source": label(hub, theirs)}, 400),
        ("recordedBy", "x", {"specimen": "s1nothing"}, 404),
    ):
        answer = propose(hub, ben, specimen, value, term, **more)
        assert answer.status_code == status, (term, value, answer.json)
        assert answer.json["detail"]
    assert propose(hub, far, specimen, "x").status_code == 403
    assert hub.client.post("/api/proposals", json={}).status_code == 401
    hidden, _ = add_sheet(hub.runtime, "R 3", terms={**TERMS, "locality": "Anseremme", "informationWithheld": "locality"})
    assert propose(hub, ben, hidden, "Dinant", "locality").status_code == 409
    guessed, wrong = (propose(hub, far, hidden, value, "locality") for value in ("Anseremme", "Dinant"))
    assert (guessed.status_code, wrong.status_code) == (403, 403), "no guess is told to be right"
    assert guessed.json["detail"] == wrong.json["detail"]
    assert hub.get("/api/proposals?kind=proposal").json["items"] == []
    assert hub.get("/api/proposals?term=nonsense").status_code == 400


def test_the_pages_of_proposals_are_complete_and_know_term_and_collection(hub: Hub, sheet: tuple[Specimen, Media]) -> None:
    specimen, _ = sheet
    elsewhere, _ = add_sheet(hub.runtime, "P 1", terms={**TERMS, "institutionCode": "P"})
    ben = add_person(hub.runtime, "ben", "annotator")
    keys = {propose(hub, ben, specimen, f"collector {number}").json["key"] for number in range(5)}
    keys.add(propose(hub, None, elsewhere, "collector x").json["key"])
    place = propose(hub, ben, specimen, "Dinant", "locality").json["key"]
    seen: set[str] = set()
    after = ""
    while after is not None:
        page = hub.get(f"/api/proposals?kind=proposal&limit=2&after={after}").json
        assert len(page["items"]) <= 2
        seen |= {one["key"] for one in page["items"]}
        after = page["next"]
    assert seen == keys | {place}
    assert {one["key"] for one in hub.get("/api/proposals?term=locality").json["items"]} == {place}
    assert len(hub.get("/api/proposals?collection=P").json["items"]) == 1
    assert hub.get("/api/proposals?collection=BR/OTHER").json["items"] == []


def test_a_retracted_run_takes_its_values_out_of_the_record_and_a_restored_one_brings_them_back(
    hub: Hub, sheet: tuple[Specimen, Media]
) -> None:
    specimen, media = sheet
    ana = add_person(hub.runtime, "ana", "curator")
    document = {
        "@context": "http://www.w3.org/ns/anno.jsonld",
        "type": "Annotation",
        "motivation": "editing",
        "body": {
            "type": "TextualBody",
            "value": "H. Smith",
            "proposalProperty": "http://rs.tdwg.org/dwc/terms/recordedBy",
            "proposalSubject": hub.addresses.pid(specimen.key),
        },
        "target": [f"{hub.addresses.image(media.key)}#xywh=1,1,9,9", hub.addresses.pid(specimen.key)],
    }
    at = hub.runtime.clock()
    with hub.runtime.db.begin() as session:
        how: Any = {"media": media, "run_key": "x1run", "kind": "proposal", "addresses": hub.addresses, "at": at}
        key = annotations.create_machine(session, document, **how).key
    assert judge(hub, ana, key, "approved").json["state"] == "accepted"
    assert record(hub, specimen)["interpreted"]["recordedBy"] == "H. Smith"
    with hub.runtime.db.begin() as session:
        withdrawal.withdraw(session, "x1run", by="ana", reason="wrong model", at=at)
        assert withdrawal.withdraw_batch(session, "x1run", at=at) == 1
    assert record(hub, specimen)["interpreted"]["recordedBy"] == "Smyth"
    assert hub.get("/api/proposals?kind=proposal&state=accepted").json["items"] == []
    with hub.runtime.db.begin() as session:
        withdrawal.restore(session, "x1run")
        assert withdrawal.restore_batch(session, "x1run", at=at) == 1
    assert record(hub, specimen)["interpreted"]["recordedBy"] == "H. Smith"


def test_a_later_ingest_loses_neither_the_accepted_value_nor_what_the_source_says_now(hub: Hub, tmp_path: Path) -> None:
    ana, ben = add_person(hub.runtime, "ana", "curator"), add_person(hub.runtime, "ben", "annotator")
    table = tmp_path / "t.csv"

    def ingest(collector: str) -> Any:
        table.write_text(f"catalogNumber,institutionCode,recordedBy\nR 9,BR,{collector}\n", encoding="utf-8")
        return ingest_paths(hub.runtime, [table])

    assert ingest("Smyth").specimens_added == 1
    with hub.runtime.reads.begin() as session:
        (specimen,) = catalogue.list_specimens_by_number(session, "R 9", limit=2)
    key = propose(hub, ben, specimen, "H. Smith").json["key"]
    judge(hub, ana, key, "approved")
    same = ingest("Smyth")
    assert (same.already_here, same.warnings, same.rejected) == (1, 0, 0)
    other = ingest("Smythe")
    assert other.codes["accepted-change"] == 1, other.codes
    assert "'Smythe'" in other.entries[0].sentence
    assert "'H. Smith'" in other.entries[0].sentence
    told = record(hub, specimen)
    assert told["interpreted"]["recordedBy"] == "H. Smith"
    assert told["verbatim"]["recordedBy"] == "Smyth"
    (change,) = told["changes"]
    assert (change["sourceNow"], change["stale"]) == ("Smythe", True)
    assert ingest("Smythe").codes["accepted-change"] == 0, "it is told once"
    assert ingest("Smyth").codes["accepted-change"] == 1
    assert record(hub, specimen)["changes"][0]["sourceNow"] is None
    assert ingest("H. Smith").codes["accepted-change"] == 1
    assert (record(hub, specimen)["changes"][0]["stale"], ingest("H. Smith").codes["accepted-change"]) == (False, 0)


def test_what_the_source_says_by_now_is_told_of_the_term_whoever_s_word_stands(hub: Hub, sheet: tuple[Specimen, Media]) -> None:
    specimen, _ = sheet
    ana, ben = add_person(hub.runtime, "ana", "curator"), add_person(hub.runtime, "ben", "annotator")
    first, second = (propose(hub, ben, specimen, value).json["key"] for value in ("H. Smith", "Henry Smith"))
    judge(hub, ana, first, "approved")

    def source_says(collector: str) -> None:
        with hub.runtime.db.begin() as session:
            records.source_says(session, specimen.key, {"recordedBy": collector}, at=hub.runtime.clock())

    def told() -> Any:
        (change,) = record(hub, specimen)["changes"]
        return change["value"], change["sourceNow"]

    source_says("Smythe")
    verdict = judge(hub, ana, second, "approved").json["key"]
    assert told() == ("Henry Smith", "Smythe")
    source_says("Smith, H.")
    hub.client.delete(f"/api/verdicts/{verdict}", headers=ana.bearer)
    assert told() == ("H. Smith", "Smith, H."), "also where an earlier word returns"
    judge(hub, ana, second, "approved")
    source_says("Smyth")
    hub.client.delete(f"/api/verdicts/{judge(hub, ana, second, 'approved').json['key']}", headers=ana.bearer)
    assert told() == ("H. Smith", None), "nor is anything told that it says no more"


def test_changes_go_home_as_a_table_without_formulas_and_as_annotations(hub: Hub, sheet: tuple[Specimen, Media]) -> None:
    specimen, _ = sheet
    elsewhere, _ = add_sheet(hub.runtime, "P 1", terms={**TERMS, "institutionCode": "P"})
    ana, ben = add_person(hub.runtime, "ana", "curator"), add_person(hub.runtime, "ben", "annotator")
    evil = propose(hub, ben, specimen, '=HYPERLINK("http://evil.test")').json["key"]
    judge(hub, ana, evil, "approved")
    judge(hub, ana, propose(hub, ben, elsewhere, "Someone", "identifiedBy").json["key"], "approved")
    answer = hub.get("/api/changes/BR.csv")
    assert answer.content_type.startswith("text/csv")
    header, row = csv.reader(io.StringIO(answer.text))
    told = dict(zip(header, row, strict=True))
    assert told["newValue"] == '\'=HYPERLINK("http://evil.test")'
    assert (told["catalogNumber"], told["term"], told["sourceValue"]) == ("R 1", "recordedBy", "Smyth")
    assert (told["acceptedBy"], told["acceptedByName"]) == (hub.addresses.pid(ana.key), "Ana")
    assert told["statement"] == f"{hub.addresses.annotation(evil)}/versions/1"
    (line,) = hub.get("/api/changes/BR.jsonl").text.splitlines()
    page = hub.get("/api/changes/BR.json").json
    assert (page["type"], page["items"]) == ("AnnotationPage", [json.loads(line)])
    assert page["items"][0]["id"] == told["statement"]
    assert hub.get("/api/changes/none.csv").text.count("\n") == 1


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_the_command_line_writes_the_same_table(hub: Hub, sheet: tuple[Specimen, Media]) -> None:
    specimen, _ = sheet
    ana, ben = add_person(hub.runtime, "ana", "curator"), add_person(hub.runtime, "ben", "annotator")
    judge(hub, ana, propose(hub, ben, specimen, "H. Smith").json["key"], "approved")
    written = CliRunner().invoke(main, ["changes", "export", "--institution", "BR"], env=hub.runtime.settings.environment())
    assert "H. Smith" in written.output
    assert written.output == hub.get("/api/changes/BR.csv").text.replace("\r\n", "\n")
