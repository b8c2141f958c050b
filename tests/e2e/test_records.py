"""A curator lets a collector into the record: page, search, manifest, table and history show it; and takes it back."""

import csv
import io
import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from analytics import synth
from annotations import service as annotations
from app.cli.ingest import ingest_paths
from app.runtime import context as contexts
from iiif.catalogue import service as catalogue
from iiif.image.actors import derive_image
from tests import live
from tests.e2e.test_access import AXE
from tests.e2e.test_accounts import examine
from tests.people import add_person
from tests.services import missing
from tests.sheets import comment

pytestmark = pytest.mark.e2e


def test_a_curator_lets_a_collector_into_the_record_and_takes_it_back(browser: Browser, tmp_path: Path) -> None:
    if not AXE.is_file():
        missing("axe-core (make assets)")
    source = tmp_path / "source"
    source.mkdir()
    Image.fromarray(synth.draw(1, 0).rgb).save(source / "sheet.png")
    (source / "t.csv").write_text("file,catalogNumber,institutionCode,recordedBy\nsheet.png,E 1,BR,Smyth\n", encoding="utf-8")
    with live.web(tmp_path, web_processes=1) as server:
        runtime, addresses = server.runtime, server.runtime.addresses
        contexts.use(runtime)
        assert ingest_paths(runtime, [source]).specimens_added == 1
        with runtime.reads.begin() as session:
            (specimen,) = catalogue.list_specimens_by_number(session, "E 1", limit=2)
            (media,) = catalogue.media_of(session, specimen.key)
        derive_image.fn(media.key)
        with runtime.db.begin() as session:
            media = catalogue.get_media(session, media.key)
            document = comment(f"{addresses.image(media.key)}#xywh=60,80,500,220", "leg. H. Smith", motivation="supplementing")
            how: Any = {"media": media, "run_key": "x1", "kind": "label", "addresses": addresses, "at": runtime.clock()}
            label = annotations.create_machine(session, document, **how).key
        ana = add_person(runtime, "ana", "curator", "BR", name="Ana Alm")
        ben = add_person(runtime, "ben", "annotator", name="Ben Bos")
        said = {"specimen": specimen.key, "term": "recordedBy", "value": "H. Smith", "verbatim": "leg. H. Smith", "source": label}
        proposal = send(server, "/api/proposals", said, ben.bearer)["key"]
        live.indexed(runtime)

        context = browser.new_context(viewport={"width": 1280, "height": 900})
        name, _, value = ana.cookie["Cookie"].partition("=")
        context.add_cookies([{"name": name, "value": value, "url": server.url}])
        page = context.new_page()
        page.goto(f"{server.url}/specimens/{specimen.key}")
        line = page.locator(f"#finding-{proposal}")
        expect(line).to_contain_text("leg. H. Smith")
        expect(line).to_contain_text("Source wrote")
        line.scroll_into_view_if_needed()
        expect(line.get_by_role("img", name="What collector was read from")).to_be_visible()
        examine(page, "the page with a proposal")
        line.get_by_role("button", name="Accept").click()
        expect(page.locator(f"#finding-{proposal} .tag").first).to_have_text("accepted")
        row = page.locator(".record tr", has_text="Collector")
        expect(row).to_contain_text("H. Smith")
        expect(row).to_contain_text("source: Smyth")
        expect(row).to_contain_text("Accepted by Ana Alm")
        history = page.locator("#record-history")
        expect(history).to_contain_text("Version 2")
        expect(history.locator("del")).to_have_text("Smyth")
        expect(history.locator("ins")).to_have_text("H. Smith")
        page.set_viewport_size({"width": 360, "height": 740})
        examine(page, "the page at 360 px")
        page.set_viewport_size({"width": 1280, "height": 900})

        manifest = json.loads(server.get(f"/iiif/presentation/3/{specimen.key}/manifest.json")[1])
        told = {one["label"]["en"][0]: next(iter(one["value"].values()))[0] for one in manifest["metadata"]}
        assert (told["Collector"], told["Collector, as its source has it"]) == ("H. Smith", "Smyth")
        live.indexed(runtime)
        found = json.loads(server.get("/api/search?q=collector:smith&type=specimen")[1])["items"]
        assert [item["key"] for item in found] == [specimen.key]
        (changed,) = csv.DictReader(io.StringIO(server.get("/api/changes/BR.csv")[1].decode()))
        assert (changed["sourceValue"], changed["newValue"], changed["acceptedByName"]) == ("Smyth", "H. Smith", "Ana Alm")

        line.get_by_role("button", name="Take back what I said").click()
        expect(row).not_to_contain_text("H. Smith")
        expect(history).to_contain_text("Version 3")
        assert server.get("/api/changes/BR.csv")[1].decode().count("\n") == 1

        document = {**document, "body": {**document["body"], "value": "leg. H. Smith 1887"}}
        document["target"] = f"{addresses.image(media.key)}#xywh=60,80,560,260"
        mine = send(server, "/api/annotations", {**document, "motivation": "commenting"}, ana.bearer)
        key = mine["id"].rpartition("/")[2]
        better = {**mine, "body": {**mine["body"], "value": "leg. H. Smith 1889"}}
        better["target"] = f"{addresses.image(media.key)}#xywh=90,110,560,260"
        send(server, f"/annotations/{key}", better, ana.bearer, method="PUT")
        page.goto(f"{server.url}/statements/{key}/history")
        expect(page.locator("#version-2 del")).to_have_text("1887")
        expect(page.locator("#version-2 ins")).to_have_text("1889")
        expect(page.locator("#version-2 svg path")).to_have_count(2)
        expect(page.locator("#version-2")).to_contain_text("of both in common")
        crop = page.locator("#version-2 img")
        crop.scroll_into_view_if_needed()
        expect(crop).to_have_js_property("complete", True)
        assert crop.evaluate("picture => picture.naturalWidth") > 0
        examine(page, "the history")
        page.get_by_role("button", name="Let version 1 stand again").click()
        expect(page.locator("#version-3 ins")).to_have_text("1887")
        context.close()


def send(server: live.Live, path: str, body: Any, headers: dict[str, str], method: str = "POST") -> Any:
    said = {**headers, "Content-Type": "application/ld+json" if "annotations" in path else "application/json"}
    request = urllib.request.Request(server.url + path, json.dumps(body).encode(), said, method=method)
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)
