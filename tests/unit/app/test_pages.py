"""The pages as a browser without scripts gets them."""

import re
from datetime import datetime, timedelta
from html import unescape
from pathlib import Path

import pytest

from analytics import service as analytics
from analytics.statements import StatementSource, nothing_found, statement
from analytics.steps.model import Finding
from annotations import service as annotations
from annotations.regions import Region
from annotations.search.vocabulary import KINDS
from app import compose, relay
from app.runtime import ids
from app.runtime.context import Runtime
from app.runtime.db import Base
from app.runtime.errors import Gone, Invalid, NotFound, TooMuch, Unavailable
from app.runtime.principal import Principal
from app.runtime.settings import Settings
from app.web import assets
from app.web.review.views import NAMES as QUEUE_NAMES
from app.web.runs import listing
from app.web.runs.views import RUNS_SHOWN
from app.web.specimens.annotation_cards import rounded
from app.web.specimens.record import sections
from app.web.specimens.views import SHOWN
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media, Specimen
from iiif.ingest import service as ingests
from ontology.segment_classes import CLASSES
from tests.drain import drain
from tests.sheets import Hub, add_sheet, make_hub

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.fixture
def hub(runtime: Runtime) -> Hub:
    return make_hub(runtime)


def say(hub: Hub, media: Media, step: str, *findings: Finding) -> str:
    """Store the findings as a run of the analysis would; the run's key."""
    runtime = hub.runtime
    at = runtime.clock()
    with runtime.db.begin() as session:
        run = analytics.run_over(session, [media], by=Principal.of_system(), naan=runtime.settings.naan, at=at)
        source = StatementSource(run, step, media, hub.addresses, at)
        for number, one in enumerate(findings, 1):
            annotations.create_machine(
                session,
                statement(one, number, source),
                media=media,
                run_key=run.key,
                kind=one.kind,
                value=one.value,
                unit=one.unit,
                confidence=one.confidence,
                addresses=hub.addresses,
                at=at,
            )
        return run.key


def page(hub: Hub, path: str, status: int = 200) -> str:
    answer = hub.client.get(path, headers={"Accept": BROWSER})
    assert answer.status_code == status
    assert answer.mimetype == "text/html"
    return answer.text


def test_an_empty_collection_says_how_to_fill_it(hub: Hub) -> None:
    assert "lectotype ingest" in page(hub, "/")


def test_a_word_of_the_record_finds_the_specimen_and_shows_where(hub: Hub) -> None:
    specimen, _ = add_sheet(hub.runtime)
    drain(hub.runtime)
    found = page(hub, "/?q=robur")
    assert f"/specimens/{specimen.key}?q=robur" in found
    assert "<mark>robur</mark>" in found
    assert "No specimen has all of these words" in page(hub, "/?q=zebra")


def test_what_was_typed_is_escaped(hub: Hub) -> None:
    add_sheet(hub.runtime, "<img src=x onerror=alert(1)>")
    drain(hub.runtime)
    assert "<img src=x" not in page(hub, "/?q=%3Cimg+src%3Dx%3E")


def test_a_facet_narrows_and_can_be_taken_back(hub: Hub) -> None:
    add_sheet(hub.runtime, "BR 1", {"scientificName": "Quercus robur L.", "country": "Belgium"})
    add_sheet(hub.runtime, "BR 2", {"scientificName": "Carex flacca Schreb.", "country": "France"})
    drain(hub.runtime)
    everything = page(hub, "/")
    assert '<a href="/?country=France">' in everything
    narrowed = page(hub, "/?country=France")
    assert "1 found" in narrowed
    assert '<a href="/" aria-current="true">France' in narrowed


def test_each_specimen_stands_on_one_page_and_pages_keep_the_question(hub: Hub) -> None:
    keys = {add_sheet(hub.runtime, f"BR {number}", {"country": "Belgium"})[0].key for number in range(SHOWN + 1)}
    drain(hub.runtime)
    first, second = page(hub, "/?country=Belgium"), page(hub, "/?country=Belgium&page=2")
    assert 'href="/?country=Belgium&amp;page=2" rel="next"' in first
    assert 'href="/?country=Belgium" rel="prev"' in second
    assert "Page 2 of 2" in second
    shown = [re.findall(r"/specimens/(\w+)", one) for one in (first, second)]
    assert [len(one) for one in shown] == [SHOWN, 1]
    assert set(shown[0] + shown[1]) == keys


def test_a_search_engine_that_is_away_is_said_and_nothing_else_fails(settings: Settings) -> None:
    runtime = compose.build(settings.with_(search_url="http://127.0.0.1:9"))
    Base.metadata.create_all(runtime.database.engine)
    hub = make_hub(runtime)
    specimen, _ = add_sheet(runtime)
    answer = hub.client.get("/?q=robur", headers={"Accept": BROWSER})
    assert (answer.status_code, answer.headers["Retry-After"], answer.headers["Cache-Control"]) == (503, "5", "no-store")
    assert "The search does not answer now." in answer.text
    assert '<a href="/?q=robur">Try again</a>' in answer.text
    assert "Quercus robur" in page(hub, f"/specimens/{specimen.key}")
    runtime.search.close()
    runtime.database.engine.dispose()


@pytest.mark.parametrize(
    ("address", "says", "meant", "leads"),
    [
        ("/?q=oak+length:9..5", "ends before it begins", "oak length:5..9", "/?q=oak+length%3A5..9"),
        ("/?q=year:abc", "such as 1850..1900", "", ""),
        ("/?q=famly:Fagaceae&country=Norway", "no field", "family:Fagaceae", "/?q=family%3AFagaceae&amp;country=Norway"),
        ("/?q=kind:barcod", "one of barcode", "kind:barcode", "/?q=kind%3Abarcode"),
        ("/?year=1850&year=1900..1850", "ends before", "year=1850..1900", "/?year=1850&amp;year=1850..1900"),
        ("/?famly=Fagaceae&q=oak", "no field", "family=Fagaceae", "/?q=oak&amp;family=Fagaceae"),
        ("/?bbox=1,2,3", "four numbers", "", ""),
    ],
)
def test_a_question_that_cannot_be_asked_leads_to_the_one_that_was_meant(
    hub: Hub, address: str, says: str, meant: str, leads: str
) -> None:
    add_sheet(hub.runtime)
    drain(hub.runtime)
    html = page(hub, address, 400)
    assert says in html
    assert (f'Did you mean <a href="{leads}">{meant}</a>?' in html) == bool(meant)
    assert "All specimens</a>" in html
    if leads:
        page(hub, leads.replace("&amp;", "&"))


def test_this_search_as_json_asks_the_same(hub: Hub) -> None:
    """Words, facets, every other filter and the page of hits: the same total, hits and counts."""
    for number in range(SHOWN + 3):
        add_sheet(
            hub.runtime, f"BR{number:03}", {"family": "Fagaceae", "year": str(1850 + number), "scientificName": "Quercus robur"}
        )
    add_sheet(hub.runtime, "S1", {"family": "Fagaceae", "year": "1700", "scientificName": "Quercus robur"})
    add_sheet(hub.runtime, "S2", {"family": "Betulaceae", "year": "1860", "scientificName": "Betula nana"})
    drain(hub.runtime)
    for address, total in (
        ("/?q=quercus&family=Fagaceae&year=1800..1900&page=2", SHOWN + 3),
        ("/?family=Fagaceae&family=Betulaceae", SHOWN + 5),
        ("/?q=quercus+-year:1700", SHOWN + 3),
        ("/", SHOWN + 5),
    ):
        html = page(hub, address)
        (link,) = re.findall(r'<a href="([^"]+)">This search as JSON', html)
        found = hub.client.get(unescape(link)).json
        assert found["total"] == total
        assert found["ignored"] == []
        keys = re.findall(r'<h3[^>]*><a href="/specimens/(\w+)', html)
        assert [item["key"] for item in found["items"]] == keys
        assert len(keys) == (3 if "page=2" in address else SHOWN)
        families = {one["value"]: one["count"] for one in found["facets"]["family"]}
        for family, count in families.items() if "Betulaceae" in families else ():
            assert re.search(rf'{family}.*</a><span class="count">{count}</span>', html)


def test_what_was_looked_for_in_vain_is_a_facet_of_its_own(hub: Hub) -> None:
    for number in range(3):
        _, (media,) = add_sheet(hub.runtime, f"BR{number}", {"scientificName": "Quercus robur"})
        say(hub, media, "barcode", Finding("barcode", "BR0") if number == 0 else nothing_found("barcode", "Looked for codes."))
        say(hub, media, "ruler", Finding("ruler", "x") if number else nothing_found("ruler", "Looked for a ruler."))
    while relay.update_index(hub.runtime):
        pass
    html = page(hub, "/")
    found = html[html.index("What was found") : html.index("Looked, found nothing")]
    assert re.search(r'href="/\?kind=barcode">Barcode or QR code</a><span class="count">1<', found)
    assert re.search(r'href="/\?kind=ruler">Ruler</a><span class="count">2<', found)
    missing = html[html.index("Looked, found nothing") :]
    assert re.search(r'href="/\?none=barcode">Barcode or QR code</a><span class="count">2<', missing)
    html = page(hub, "/?none=barcode")
    assert html.count("<article") == 2
    assert "Looked, found nothing: Barcode or QR code" in html


def test_a_length_stands_with_its_unit_and_uncertainty(hub: Hub) -> None:
    specimen, (media,) = add_sheet(hub.runtime)
    box = Region.of_box(100, 200, 1100, 2200)
    length = Finding("length", "Length", box, value=143.2134, unit="mm", uncertainty=0.917, motivations=("measuring",))
    say(hub, media, "specimen", length)
    text = re.sub(r"<[^>]+>|\s+", " ", page(hub, f"/specimens/{specimen.key}"))
    assert "143.21 ± 0.92 mm" in re.sub(r"\s+", " ", text)


def test_a_step_that_found_nothing_says_why(hub: Hub) -> None:
    specimen, (media,) = add_sheet(hub.runtime)
    say(hub, media, "ruler", nothing_found("ruler", "No scale: nothing was seen that repeats as the marks of a ruler do."))
    shown = page(hub, f"/specimens/{specimen.key}")
    assert "nothing found" in shown
    assert "No scale: nothing was seen that repeats as the marks of a ruler do." in shown


@pytest.mark.parametrize(
    ("code", "verdict"), [("BR-0001", "is the catalogue number"), ("BR 0002", "is not the catalogue number")]
)
def test_a_code_is_held_against_the_catalogue_number(hub: Hub, code: str, verdict: str) -> None:
    specimen, (media,) = add_sheet(hub.runtime, "BR 0001")
    say(hub, media, "barcode", Finding("barcode", code, Region.of_box(0, 0, 100, 50), motivations=("identifying",)))
    assert f">{verdict}" in page(hub, f"/specimens/{specimen.key}")


def test_the_image_is_there_without_scripts(hub: Hub) -> None:
    specimen, (media,) = add_sheet(hub.runtime)
    assert (
        f'<a href="/iiif/3/{media.key}/full/max/0/default.jpg"><img src="/iiif/3/{media.key}/full/427,640/0/default.webp"'
        in page(hub, f"/specimens/{specimen.key}")
    )


def test_the_source_stands_beside_what_we_made_of_it(runtime: Runtime) -> None:
    interpreted = {"eventDate": "1887-06-12", "country": "Belgium"}
    verbatim = {"dwc:eventDate": "12.vi.1887", "Country": "Belgium", "Schrank": "4"}
    with runtime.db.begin() as session:
        draft = catalogue.SpecimenDraft("1", interpreted, verbatim, "test")
        specimen: Specimen = catalogue.add_specimen(session, draft, naan="99999", at=runtime.clock())
    rows = {row.label: row for section in sections(specimen) for row in section.rows}
    assert (rows["Date"].value, rows["Date"].verbatim) == ("1887-06-12", "12.vi.1887")
    assert rows["Country"].verbatim == ""
    assert rows["Schrank"].value == "4"


def test_runs_are_listed_by_state_with_their_steps(hub: Hub) -> None:
    _, (media,) = add_sheet(hub.runtime)
    key = say(hub, media, "quality")
    assert f"/runs/{key}" in page(hub, "/runs?state=running")
    assert f"/runs/{key}" not in page(hub, "/runs?state=completed")
    assert "quality" in page(hub, f"/runs/{key}")


def test_runs_and_ingests_are_counted_and_listed_together_newest_first(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime, made = hub.runtime, []
    _, (media,) = add_sheet(runtime)
    for number in range(RUNS_SHOWN):
        at = runtime.clock() + timedelta(minutes=number)
        with runtime.db.begin() as session:
            how = {"by": Principal.of_system(), "naan": runtime.settings.naan, "at": at}
            if number % 3:
                made.append(ingests.begin(session, ["p"], code_version="1", environment={}, **how).key)
            made.append(analytics.run_over(session, [media], again=True, **how).key)
    shown = [page(hub, "/runs"), page(hub, "/runs?page=2"), page(hub, "/runs?state=running&page=2")]
    counted = re.search(r'aria-current="page">All <span class="quiet">(\d+)', shown[0])
    assert counted is not None
    assert int(counted[1]) == len(made) == 50
    listed = [list(dict.fromkeys(re.findall(r'/runs/([xj]1[^"?&]+)"', one))) for one in shown]
    in_order = sorted(made, key=lambda key: (order_of(runtime, key), key), reverse=True)
    assert [*listed[0], *listed[1]] == in_order
    assert listed[2] == listed[1]
    limits = []
    newest = analytics.newest
    monkeypatch.setattr(analytics, "newest", lambda session, **how: limits.append(how["limit"]) or newest(session, **how))
    with runtime.reads.begin() as session:
        for size in (4, 7):
            pages = [listing.listing(session, "", number, size, Principal.of_system())["runs"] for number in range(1, 20)]
            assert [line.key for one in pages for line in one] == in_order
    assert max(limits) <= 20 + 7, "no page reads more than the shorter list and a page"


def order_of(runtime: Runtime, key: str) -> datetime:
    with runtime.reads.begin() as session:
        if key.startswith(ids.INGEST):
            return ingests.get(session, key, by=Principal.of_system()).created_at
        return analytics.get(session, key).created_at


def test_an_ingest_names_each_refused_row_with_its_reason(hub: Hub) -> None:
    runtime = hub.runtime
    entry = {"code": "truncated-image", "place": "torn.jpg", "catalogNumber": "torn", "sentence": "The file is cut off."}
    report = {"records": 2, "specimensAdded": 1, "mediaAdded": 1, "rejectedTotal": 1, "rejected": [entry]}
    with runtime.db.begin() as session:
        at, naan = runtime.clock(), runtime.settings.naan
        ingest = ingests.begin(
            session, ["photographs"], by=Principal.of_system(), code_version="1", environment={}, naan=naan, at=at
        )
        ingests.end(session, ingest.key, report, at=at)
    assert f"/runs/{ingest.key}" in page(hub, "/runs")
    assert f"/runs/{ingest.key}" in page(hub, "/runs?state=ingests")
    shown = page(hub, f"/runs/{ingest.key}")
    assert "Ingest of photographs" in shown
    assert "torn.jpg" in shown
    assert "The file is cut off." in shown


def test_a_browser_gets_an_error_as_a_page_and_a_program_as_a_problem(hub: Hub) -> None:
    assert "There is no specimen" in page(hub, "/specimens/s1nothing", 404)
    assert "<h1" in page(hub, "/nowhere", 404)
    for path, accept in (("/specimens/s1nothing", "*/*"), ("/nowhere", "application/json"), ("/api/runs/x1nothing", BROWSER)):
        answer = hub.client.get(path, headers={"Accept": accept})
        assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")


@pytest.mark.parametrize(
    ("error", "status", "title", "ways"),
    [
        (Invalid("The number is none."), 400, "This cannot be understood", ['role="search"']),
        (NotFound("There is no such thing."), 404, "Nothing is here", ['role="search"']),
        (Gone("It was withdrawn in May."), 410, "Withdrawn", ['role="search"']),
        (TooMuch("Paging reaches 10,000."), 413, "Too much at once", ['role="search"']),
        (ZeroDivisionError("secret"), 500, "Something broke here", ["Try again</a>", "tell "]),
        (Unavailable("The engine is away."), 503, "Not just now", ["Try again</a>"]),
    ],
)
def test_each_error_has_a_page_of_our_own_with_a_way_on(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, title: str, ways: list[str]
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(catalogue, "get_specimen", fail)
    answer = hub.client.get("/specimens/s1x", headers={"Accept": BROWSER})
    program = hub.client.get("/specimens/s1x", headers={"Accept": "application/json"})
    sentence = "The server failed at 20" if status == 500 else str(error)
    assert (answer.status_code, answer.mimetype) == (status, "text/html")
    assert (program.status_code, program.mimetype) == (status, "application/problem+json")
    assert sentence in answer.text
    assert program.json["detail"].startswith(sentence)
    for words in (f'<h1 class="scale">{title}</h1>', '<a href="/">All specimens</a>', *ways):
        assert words in answer.text
    assert "secret" not in answer.text + program.text
    for one in (answer, program):
        assert "Accept" in one.vary
        assert one.headers.get("Retry-After") == ("5" if status == 503 else None)
        assert "ETag" not in one.headers
        assert (one.headers.get("Cache-Control") == "no-store") == (status >= 500)


def test_what_an_address_cannot_do_is_said_in_our_words(hub: Hub) -> None:
    answer = hub.client.delete("/", headers={"Accept": BROWSER})
    assert (answer.status_code, set(answer.headers["Allow"].split(", "))) == (405, {"GET", "HEAD", "OPTIONS"})
    assert "DELETE is not possible at /. Possible is: GET, HEAD, OPTIONS." in answer.text
    assert "Nothing here has the address /&lt;b&gt;nowhere." in page(hub, "/<b>nowhere", 404)


def test_a_page_allows_nothing_from_elsewhere(hub: Hub) -> None:
    policy = hub.client.get("/").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert set(re.findall(r"https?://\S+?(?=[ ;]|$)", policy)) == {"http://lectotype.test"}


def test_a_page_says_that_its_assets_were_not_built(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets, "ASSETS", tmp_path)
    assert "make assets" in page(hub, "/")


def test_an_asset_is_sent_compressed_and_for_good(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets, "ASSETS", tmp_path)
    for name, body in (("pages-1.js", b"plain"), ("pages-1.js.br", b"brotli"), ("pages-1.js.gz", b"gzip")):
        (tmp_path / name).write_bytes(body)
    (tmp_path / "manifest.json").write_text("{}")
    for accepted, body in (("gzip, br", b"brotli"), ("gzip", b"gzip"), ("br;q=0", b"plain"), ("", b"plain")):
        answer = hub.client.get("/assets/pages-1.js", headers={"Accept-Encoding": accepted})
        assert answer.data == body
        assert "immutable" in answer.headers["Cache-Control"]
        assert answer.headers["Vary"] == "Accept-Encoding"
    again = hub.client.get("/assets/pages-1.js", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
    for name in ("manifest.json", "..%2fassets.py", "pages-1.js.br", "nothing.js"):
        assert hub.client.get(f"/assets/{name}").status_code == 404


@pytest.mark.parametrize(
    ("value", "uncertainty", "shown"),
    [
        (143.2134, 0.917, ("143.21", "0.92")),
        (18.2134, 0.0121, ("18.213", "0.012")),
        (8123.2, 40.0, ("8,123", "40")),
        (3710236.0, None, ("3,710,236", "")),
        (0.5, 0.0, ("0.5", "")),
        (None, 1.0, ("", "")),
        (float("nan"), 1.0, ("", "")),
    ],
)
def test_a_value_is_rounded_to_what_its_uncertainty_carries(value: float, uncertainty: float, shown: tuple[str, str]) -> None:
    assert rounded(value, uncertainty) == shown


def test_each_kind_that_machines_state_has_a_name_in_the_queue() -> None:
    of_machines = KINDS.keys() - CLASSES.keys() - {"text", "distance"}
    assert of_machines <= QUEUE_NAMES.keys()
