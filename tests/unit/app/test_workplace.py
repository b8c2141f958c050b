"""The page of a specimen as a workplace: layers, verdicts, corrections, lines, comments; as forms, without any script."""

import csv
import io
import re
from html import unescape
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse

from analytics.steps.model import Finding
from annotations.regions import Region
from app.runtime.context import Runtime
from iiif.catalogue.model import Media, Specimen
from iiif.presentation import content_state
from iiif.presentation.content_state import ContentState
from tests.people import OUR_PAGE, Person, add_person
from tests.sheets import Hub, add_sheet, comment, make_hub
from tests.unit.app.test_pages import page, say

BOX = Region.of_box(100, 100, 900, 500)


@pytest.fixture
def hub(runtime: Runtime) -> Hub:
    return make_hub(runtime)


@pytest.fixture
def sheet(hub: Hub) -> tuple[Specimen, Media]:
    specimen, (media,) = add_sheet(hub.runtime)
    say(hub, media, "ocr", Finding("label", "Carex nigra\nBruges", BOX, motivations=("supplementing",)))
    return specimen, media


def browser(hub: Hub) -> Client:
    """One that keeps no cookies: those that are sent stand in each request."""
    return Client(hub.client.application, use_cookies=False)


def read(hub: Hub, specimen: Specimen, who: Person | None = None, query: str = "") -> str:
    return browser(hub).get(f"/specimens/{specimen.key}{query}", headers=who.cookie if who else {}).get_data(as_text=True)


def words(html: str) -> str:
    html = re.sub(r"(?s)<(script|style|textarea)\b.*?</\1>", " ", html)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def send(hub: Hub, who: Person, path: str, **fields: Any) -> TestResponse:
    return browser(hub).post(path, data=fields, headers={**who.cookie, **OUR_PAGE})


def finding(html: str) -> tuple[str, str]:
    """The key and the version of the first statement on the page that may be judged."""
    key = re.search(r'id="finding-(\w+)"', html)
    version = re.search(r'name="version" value="(\d+)"', html)
    assert key
    assert version
    return key[1], version[1]


def judge(hub: Hub, who: Person, specimen: Specimen, verdict: str, **more: Any) -> TestResponse:
    key, version = finding(read(hub, specimen, who))
    path = f"/specimens/{specimen.key}/verdicts"
    return send(hub, who, path, annotation=key, version=version, verdict=verdict, **more)


def test_who_may_not_answer_sees_who_says_so_and_where_to_sign_in(hub: Hub, sheet: tuple[Specimen, Media]) -> None:
    specimen, _ = sheet
    html = read(hub, specimen)
    assert f'href="/login?next=/specimens/{specimen.key}">Sign in to answer</a>' in html
    assert "Said by" in html
    assert "/verdicts" not in html
    assert "workplace" not in html, "scripts of people who are signed in load for them alone"
    reader = add_person(hub.runtime, "rea", "reader")
    assert "no role that lets you answer here" in words(read(hub, specimen, reader))


def test_the_page_for_everybody_stays_as_cacheable_as_it_was(hub: Hub, sheet: tuple[Specimen, Media]) -> None:
    answer = browser(hub).get(f"/specimens/{sheet[0].key}?layer=people")
    assert answer.headers["Cache-Control"] == "no-cache"
    again = browser(hub).get(f"/specimens/{sheet[0].key}?layer=people", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
    ana = add_person(hub.runtime, "ana", "reviewer")
    assert browser(hub).get(f"/specimens/{sheet[0].key}", headers=ana.cookie).headers["Cache-Control"] == "private, no-store"


def test_a_verdict_leads_back_and_its_state_and_reason_are_told_until_it_is_undone(
    hub: Hub, sheet: tuple[Specimen, Media]
) -> None:
    specimen, _ = sheet
    ana, ben = add_person(hub.runtime, "ana", "reviewer"), add_person(hub.runtime, "ben", "reviewer")
    key, _ = finding(read(hub, specimen, ana))
    answer = judge(hub, ana, specimen, "rejected", reason="wrong text")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/specimens/{specimen.key}#finding-{key}")
    mine = words(read(hub, specimen, ana))
    assert "rejected Enough voices." in mine
    assert "Rejected by Ana (reviewer)" in mine
    assert "You rejected this: wrong text." in mine
    assert "Carex nigra" not in words(read(hub, specimen, ben)), "what was rejected is off unless it is asked for"
    assert "Carex nigra" in words(read(hub, specimen, None, "?state=rejected"))
    undo = re.search(r'action="(/specimens/\w+/verdicts/\w+/undo)"', read(hub, specimen, ana))
    assert undo
    assert send(hub, ana, undo[1]).status_code == 303
    assert "You rejected" not in words(read(hub, specimen, ana))
    assert judge(hub, ana, specimen, "approved").status_code == 303
    told = words(read(hub, specimen))
    assert "accepted Enough voices. Accepted by Ana (reviewer)" in told


def test_who_disputes_is_not_named_before_it_is_decided(hub: Hub, sheet: tuple[Specimen, Media]) -> None:
    specimen, _ = sheet
    for name, verdict in (("ana", "approved"), ("ben", "rejected")):
        assert judge(hub, add_person(hub.runtime, name, "reviewer"), specimen, verdict).status_code == 303
    told = words(read(hub, specimen))
    assert "disputed Voices on both sides." in told
    assert "by Ana" not in told


def test_a_corrected_text_stands_in_the_place_of_the_machines(hub: Hub, sheet: tuple[Specimen, Media]) -> None:
    specimen, _ = sheet
    ana = add_person(hub.runtime, "ana", "reviewer")
    same = judge(hub, ana, specimen, "rejected", reason="wrong text", text="Carex nigra\r\nBruges")
    assert same.status_code == 400
    assert "says already" in same.text
    assert judge(hub, ana, specimen, "rejected", reason="wrong text", text="Carex nigra\r\nBrugge").status_code == 303
    told = words(read(hub, specimen))
    assert "Brugge" in told
    assert "Said by Ana" in told
    assert "Bruges" not in told
    assert "Bruges" in words(read(hub, specimen, None, "?state=superseded"))


def test_layers_are_kept_in_the_address_and_what_is_off_is_not_listed(hub: Hub, sheet: tuple[Specimen, Media]) -> None:
    specimen, media = sheet
    assert hub.post(comment(f"{hub.addresses.canvas(specimen.key, media.key)}#xywh=2000,2000,90,90")).status_code == 201
    both, people = read(hub, specimen), read(hub, specimen, None, "?layer=none&layer=people")
    assert "Carex nigra" in both
    assert "A galled leaf" in both
    assert "Carex nigra" not in people
    assert "A galled leaf" in people
    assert "data-chosen" in people
    assert "layers that are switched off" in read(hub, specimen, None, "?layer=none")
    assert 'value="people" id="layer-people" checked' in people
    assert f'action="/specimens/{specimen.key}"' in both


def ruler(hub: Hub, media: Media) -> None:
    found = Finding("ruler", "20 px per mm", value=20.0, unit="px/mm", uncertainty=0.2, motivations=("calibrating",))
    say(hub, media, "ruler", found)


def test_a_line_is_measured_by_the_scale_that_counts_and_kept_as_what_the_person_says(
    hub: Hub, sheet: tuple[Specimen, Media]
) -> None:
    specimen, media = sheet
    ana = add_person(hub.runtime, "ana", "annotator")
    path, line = f"/specimens/{specimen.key}/lines", {"media": media.key, "x0": "100", "y0": "100", "x1": "400", "y1": "500"}
    assert send(hub, ana, path, **line, name="Leaf").status_code == 303
    assert "Leaf: 500.0 px (u = 1.4 px): ends set by hand on the image; no scale is known" in words(read(hub, specimen))
    ruler(hub, media)
    kept = send(hub, ana, path, **line, step="2", name="Blade")
    key = kept.headers["Location"].partition("#finding-")[2]
    told = words(read(hub, specimen))
    assert "25.00 ± 0.29 mm" in told
    assert "Blade: 25.00 mm (u = 0.29 mm)" in told
    document = hub.get(f"/annotations/{key}").get_json(force=True)
    assert document["motivation"] == "measuring"
    assert document["creator"]["id"] == hub.addresses.pid(ana.key)
    assert '<line x1="100" y1="100" x2="400" y2="500"/>' in document["target"]["selector"]["value"]
    assert document["body"][2]["wasDerivedFrom"]
    assert read(hub, specimen).count("<circle") == 4, "both lines are drawn again"


@pytest.mark.parametrize(
    "wrong",
    [{"x1": "9999999"}, {"x1": "100", "y1": "100"}, {"x1": "-5"}, {"x1": "nan"}, {"x1": "1e3"}, {"step": "0"}, {"step": "1000"}],
)
def test_a_line_off_the_image_or_without_length_is_refused(
    hub: Hub, sheet: tuple[Specimen, Media], wrong: dict[str, str]
) -> None:
    specimen, media = sheet
    ana = add_person(hub.runtime, "ana", "annotator")
    line = {"media": media.key, "x0": "100", "y0": "100", "x1": "400", "y1": "500", **wrong}
    assert send(hub, ana, f"/specimens/{specimen.key}/lines", **line).status_code == 400
    assert "Measured line" not in words(read(hub, specimen))


def test_people_talk_in_threads_and_change_only_what_is_theirs(hub: Hub, sheet: tuple[Specimen, Media]) -> None:
    specimen, _ = sheet
    ana, ben = add_person(hub.runtime, "ana", "reviewer"), add_person(hub.runtime, "ben", "reviewer")
    about, _ = finding(read(hub, specimen, ana))
    path = f"/specimens/{specimen.key}/comments"
    asked = send(hub, ana, path, about=about, text="Is this <i>nigra</i>?").headers["Location"].partition("#comment-")[2]
    reply = send(hub, ben, path, about=asked, text="I think so").headers["Location"].partition("#comment-")[2]
    assert send(hub, ben, path, about=reply, text="Sure").status_code == 303
    assert send(hub, ana, path, text="A fine sheet").status_code == 303
    assert send(hub, ana, path, text="   ").status_code == 400
    html = read(hub, specimen, ana)
    assert "Is this &lt;i&gt;nigra&lt;/i&gt;?" in html
    told = words(read(hub, specimen))
    talk = r"Comments \(3\) Ana , .* UTC Is this <i>nigra</i>\? Ben to Ana, .* UTC I think so Ben to Ben, .* UTC Sure"
    assert re.search(talk, told)
    assert "A fine sheet" in told
    assert "Said by people" not in told, "comments are no findings"
    assert hub.get(f"/annotations/{reply}").get_json(force=True)["motivation"] == "replying"
    change = f"/specimens/{specimen.key}/statements/{reply}/change"
    etag = re.search(rf'{reply}/change[^>]*>.*?name="etag" value="(\w+)"', read(hub, specimen, ben), re.DOTALL)
    assert etag
    assert send(hub, ana, change, text="I doubt it", etag=etag[1]).status_code == 403
    assert send(hub, ben, change, text="I doubt it", etag=etag[1]).status_code == 303
    assert send(hub, ben, change, text="Lost", etag=etag[1]).status_code == 412
    assert re.search(r"\(changed .*\) I doubt it", words(read(hub, specimen)))
    assert send(hub, ana, f"/specimens/{specimen.key}/statements/{asked}/delete").status_code == 303
    assert "In reply to a comment that was deleted:" in words(read(hub, specimen))


def test_a_machines_statement_is_not_deleted_here(hub: Hub, sheet: tuple[Specimen, Media]) -> None:
    specimen, _ = sheet
    cur = add_person(hub.runtime, "cur", "curator")
    key, _ = finding(read(hub, specimen, cur))
    assert send(hub, cur, f"/specimens/{specimen.key}/statements/{key}/delete").status_code == 400
    assert "Carex nigra" in page(hub, f"/specimens/{specimen.key}")


def test_what_lies_in_a_label_stands_with_it(hub: Hub, sheet: tuple[Specimen, Media]) -> None:
    specimen, media = sheet
    say(hub, media, "ocr", Finding("label", "Herb. X", Region.of_box(2000, 100, 2400, 300), motivations=("supplementing",)))
    code = Finding("barcode", "Z 99", Region.of_box(2050, 150, 2100, 200), motivations=("identifying",), data={"format": "QR"})
    say(hub, media, "barcode", code)
    told = words(read(hub, specimen))
    assert re.search(r"Labels Label 1 .*Carex nigra.* Label 2 .*Herb\. X.*Z 99", told)
    assert "Codes" not in told


def test_a_form_from_elsewhere_changes_nothing(hub: Hub, sheet: tuple[Specimen, Media]) -> None:
    specimen, _ = sheet
    ana = add_person(hub.runtime, "ana", "reviewer")
    sent = browser(hub).post(
        f"/specimens/{specimen.key}/comments", data={"text": "x"}, headers={**ana.cookie, "Sec-Fetch-Site": "cross-site"}
    )
    assert sent.status_code == 403


def test_a_content_state_opens_its_place_and_another_specimens_leads_there(hub: Hub, sheet: tuple[Specimen, Media]) -> None:
    specimen, media = sheet
    manifest, canvas = hub.addresses.manifest(specimen.key), hub.addresses.canvas(specimen.key, media.key)
    state = content_state.encode(ContentState(manifest, canvas, "100,200,300,400"))
    html = read(hub, specimen, None, f"?iiif-content={state}")
    assert f'data-canvas="{canvas}" data-box="100,200,400,600"' in html
    assert f'value="{state}"' in html, "and is what the page shares"
    assert 'data-box="100,200,400,600"' in read(hub, specimen, None, f"?canvas={media.key}&xywh=100,200,300,400")
    other, _ = add_sheet(hub.runtime, "BR 0002")
    led = browser(hub).get(f"/specimens/{other.key}?iiif-content={state}")
    assert (led.status_code, led.headers["Location"]) == (303, f"/specimens/{specimen.key}?iiif-content={state}")
    dropped = read(hub, specimen, None, f"?manifest={manifest}&canvas={canvas}&iiif-content={manifest}")
    assert f'data-canvas="{canvas}"' in dropped


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("?iiif-content=%25%25", "iiif-content is an address"),
        ("?iiif-content=https://elsewhere.org/manifest", "leads to another object"),
        ("?canvas=m1nothing", "an image that is not shown here"),
        ("?iiif-content=" + "a" * 9000, "up to 8,000 characters"),
    ],
)
def test_a_place_that_cannot_be_followed_is_said_and_the_page_is_shown(
    hub: Hub, sheet: tuple[Specimen, Media], query: str, sentence: str
) -> None:
    html = read(hub, sheet[0], None, query)
    assert sentence in html
    assert "Carex nigra" in html


def test_what_can_be_taken_along_is_listed_with_its_size_or_format_and_is_there(hub: Hub, sheet: tuple[Specimen, Media]) -> None:
    specimen, media = sheet
    html = read(hub, specimen)
    assert "4,000 × 6,000 px, JPEG" in words(html)
    for form in ("bib", "ris", "json"):
        assert f'href="/specimens/{specimen.key}/cite.{form}"' in html
        assert browser(hub).get(f"/specimens/{specimen.key}/cite.{form}").status_code == 200
    assert browser(hub).get(f"/specimens/{specimen.key}/cite.doc").status_code == 404
    record = browser(hub).get(f"/specimens/{specimen.key}/record.csv")
    assert record.headers["Content-Disposition"] == f'attachment; filename="{specimen.key}.csv"'
    (row,) = csv.DictReader(io.StringIO(record.text.removeprefix("\ufeff")))
    assert (row["scientificName"], row["id"]) == ("Quercus robur L.", hub.addresses.pid(specimen.key))
    regions = browser(hub).get(f"/specimens/{specimen.key}/regions.csv").text.removeprefix("\ufeff")
    (region,) = csv.DictReader(io.StringIO(regions))
    assert [region[name] for name in ("x", "y", "width", "height", "kind")] == ["100", "100", "800", "400", "label"]
    assert (region["xFrac"], region["widthFrac"], region["isROIOf"]) == ("0.025000", "0.200000", hub.addresses.pid(media.key))


def test_a_cell_of_a_record_is_no_formula(hub: Hub) -> None:
    specimen, _ = add_sheet(hub.runtime, "BR 9", {"scientificName": "=1+1", "recordedBy": "@SUM(A1)"})
    assert "'=1+1,'@SUM(A1)" in browser(hub).get(f"/specimens/{specimen.key}/record.csv").text
