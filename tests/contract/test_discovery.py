"""Dumps, the description of the whole, maps for search engines, and what pages say in the words of schema.org."""

import gzip
import hashlib
import json
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner
from pyld import jsonld
from rdflib import Dataset, Graph

from app.cli import main
from app.discovery import dump as dumps
from app.linked import things
from app.runtime import context
from app.runtime.file_lock import FileLock
from app.runtime.settings import Settings
from app.web.discovery import whole
from tests.contract.presentation_schema import failure
from tests.linked import Collection, collection_of
from tests.sheets import add_sheet

pytestmark = pytest.mark.filterwarnings("ignore:(ConjunctiveGraph|Dataset).*:DeprecationWarning")  # within rdflib
BASE = "http://lectotype.test"
MAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collection]:
    with collection_of(Settings(data_dir=tmp_path_factory.mktemp("dumps"), base_url=BASE, metrics_token="numbers")) as made:
        yield made


@pytest.fixture(autouse=True)
def _hub_of_the_process(collection: Collection) -> None:
    context.use(collection.hub.runtime)


@pytest.fixture(scope="module")
def dump(collection: Collection) -> dumps.Dump:
    assert collection.hub.get("/dumps").status_code == 404
    folder = dumps.folder_of(collection.hub.runtime)
    (folder / "part-broken").mkdir(parents=True)
    made = dumps.write(collection.hub.runtime)
    assert not (folder / "part-broken").exists()
    return made


def test_a_dump_holds_all_things_in_both_forms_with_their_digests(collection: Collection, dump: dumps.Dump) -> None:
    hub, told = collection.hub, collection.hub.get("/dumps").json
    every = list(things.every(hub.runtime))
    data = {}
    for file in told["files"]:
        with hub.get(file["url"]) as answer:
            data[file["url"].rpartition("/")[2]] = answer.data
    for file in told["files"]:
        content = data[file["url"].rpartition("/")[2]]
        assert (len(content), hashlib.sha256(content).hexdigest()) == (file["bytes"], file["sha256"])
    with hub.get(told["id"]) as answer:
        sums = answer.text
    assert {line.split()[0] for line in sums.splitlines()} == {file["sha256"] for file in told["files"]}
    lines = [json.loads(line) for line in gzip.decompress(data[dumps.LINES]).splitlines()]
    assert lines == [one.document for one in every]
    graphs = Dataset().parse(data=gzip.decompress(data[dumps.QUADS]).decode(), format="nquads")
    assert {str(graph.identifier) for graph in graphs.graphs()} - {"urn:x-rdflib:default"} == {one.iri for one in every}
    assert told["triples"] == sum(len(things.triples_of(one, BASE)) for one in every) == dump.triples
    assert sum(told["things"].values()) == len(every)


def test_the_same_content_has_the_same_digest(collection: Collection, dump: dumps.Dump, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = dumps.folder_of(collection.hub.runtime)
    for number in range(dumps.KEPT):
        monkeypatch.setattr(dumps.things, "AT_ONCE", 2 + number)
        again = folder / f"2000-01-0{number + 1}T000000Z"
        part = folder / "again"
        part.mkdir()
        made = dumps._written(collection.hub.runtime, part, again.name, lambda _: None)
        assert made.files == dump.files
        (part / dumps.INDEX).write_text("{}")
        part.rename(again)
    assert dumps.newest(collection.hub.runtime) == dump


def test_one_dump_is_written_at_a_time_and_the_command_says_so(collection: Collection, dump: dumps.Dump) -> None:
    folder = dumps.folder_of(collection.hub.runtime)
    with FileLock(folder / "lock") as lock:
        assert lock.try_take()
        with pytest.raises(dumps.DumpUnderWay):
            dumps.write(collection.hub.runtime)
    for wrong in ("x", "../../secret", f"{dump.name}/x", f"part-{dump.name}/{dumps.LINES}"):
        assert collection.hub.get(f"/dumps/{wrong}").status_code == 404
    assert "dump" in CliRunner().invoke(main, ["dump", "--help"]).output


def test_the_hub_is_described_as_a_whole(collection: Collection, dump: dumps.Dump) -> None:
    graphs = []
    for accept, syntax in (
        ("text/turtle", "turtle"),
        ("application/n-triples", "nt"),
        ("application/rdf+xml", "xml"),
        ("*/*", "turtle"),
    ):
        answer = collection.hub.get("/.well-known/void", Accept=accept)
        graphs.append(set(Graph().parse(data=answer.data, format=syntax)))
    assert all(graph == graphs[0] for graph in graphs)
    said = {(str(predicate).rpartition("#")[2].rpartition("/")[2], str(value)) for _, predicate, value in graphs[0]}
    assert ("dataDump", f"{BASE}/dumps/{dump.name}/{dumps.QUADS}") in said
    assert ("triples", str(dump.triples)) in said
    assert ("downloadURL", f"{BASE}/dumps/{dump.name}/{dumps.LINES}") in said
    assert collection.hub.get("/.well-known/void", Accept="application/ld+json").mimetype == "application/ld+json"


def test_every_page_of_a_specimen_is_on_one_map(collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = collection.hub
    made = {add_sheet(hub.runtime, f"M {number}")[0].key for number in range(40)} | {collection.specimen.key}
    for most in (40_000, 3):
        monkeypatch.setattr(whole, "ON_A_MAP", most)
        index = ElementTree.fromstring(hub.get("/sitemap.xml").data)
        maps = [str(one.text) for one in index.iter(f"{MAP}loc")]
        assert all(one.startswith(f"{BASE}/sitemap/") for one in maps)
        found = [str(loc.text) for one in maps for loc in ElementTree.fromstring(hub.get(one).data).iter(f"{MAP}loc")]
        assert sorted(found) == sorted(hub.addresses.specimen_page(key) for key in made)
    assert hub.get("/sitemap/specimens-x.xml").status_code == 404
    robots = hub.get("/robots.txt").text
    assert f"Sitemap: {BASE}/sitemap.xml" in robots
    assert "Disallow: /specimens" not in robots


def schema_org(page: str) -> dict[str, Any]:
    (found,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)
    document: dict[str, Any] = json.loads(unescape(found) if "&" in found and "\\u0026" not in found else found)
    return document


def test_pages_say_what_they_show_in_the_words_of_schema_org(collection: Collection) -> None:
    hub, addresses = collection.hub, collection.hub.addresses
    told = schema_org(hub.get(f"/specimens/{collection.specimen.key}").text)
    assert (told["@id"], told["@type"]) == (addresses.pid(collection.specimen.key), "CreativeWork")
    assert told["license"] == "http://creativecommons.org/licenses/by/4.0/"
    assert told["sameAs"] == "https://herbarium.example.org/specimen/BR0001"
    assert told["spatialCoverage"]["geo"] == {"@type": "GeoCoordinates", "latitude": "50.93", "longitude": "4.33"}
    assert told["about"] == {"@type": "Taxon", "name": "Quercus robur L."}
    pages = {
        f"/segments/{collection.segment}": "ImageObject",
        f"/runs/{collection.run.key}": "CreateAction",
        f"/ark:99999/{collection.media[0].key}.html": "ImageObject",
        f"/ark:99999/{collection.person.key}.html": "Person",
        f"/ark:99999/{collection.said['comment']}.html": "Comment",
    }
    for page, kind in pages.items():
        document = schema_org(hub.get(page).text)
        assert document["@type"] == kind
        assert document["identifier"]["value"].startswith("ark:99999/")
        quads = jsonld.to_rdf(document, {"format": "application/n-quads"})
        assert f"<https://schema.org/{kind}>" in quads, "the context has to stand in line"


def test_a_page_cannot_be_broken_out_of_by_what_people_wrote(collection: Collection) -> None:
    page = collection.hub.get(f"/ark:99999/{collection.said['comment']}.html").text
    assert "<b>" not in page
    assert page.count("</script>") == page.count("<script")


def test_manifests_say_where_and_when(collection: Collection, shared: Path) -> None:
    hub = collection.hub
    manifest = hub.get(hub.addresses.manifest(collection.specimen.key)).json
    assert failure(manifest, shared / "schemas" / "iiif" / "iiif_3_0.json") == ""
    assert manifest["@context"][-1] == "http://iiif.io/api/presentation/3/context.json"
    (feature,) = manifest["navPlace"]["features"]
    assert feature["geometry"] == {"type": "Point", "coordinates": [4.33, 50.93]}
    assert manifest["navDate"] == "1887-06-12T00:00:00Z"
    nowhere, _ = add_sheet(hub.runtime, "N 1")
    assert "navPlace" not in hub.get(hub.addresses.manifest(nowhere.key)).json
    withheld, _ = add_sheet(
        hub.runtime,
        "N 2",
        {"decimalLatitude": "1", "decimalLongitude": "2", "informationWithheld": "the locality"},
    )
    assert "navPlace" not in hub.get(hub.addresses.manifest(withheld.key)).json
