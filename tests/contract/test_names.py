"""ARKs, digests and Software Heritage identifiers: what a name leads to, for whoever asks in whichever way."""

import base64
import hashlib
import json
import re
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rdflib import Graph
from rdflib.compare import to_canonical_graph
from signposting import find_signposting_http, find_signposting_linkset
from signposting.linkheader import find_signposting_http_link
from werkzeug.serving import make_server

from analytics import pipelines
from annotations import service as annotations
from app import compose
from app.linked import things
from app.linked.things import KINDS
from app.runtime import context, ids
from app.runtime.db import Base
from app.runtime.principal import Principal
from app.runtime.settings import Settings
from app.web.names import negotiation
from app.web.names.negotiation import Offer
from iiif.catalogue import service as catalogue
from ontology import contexts, rdf
from tests.linked import Collection, make_collection
from tests.services import free_port
from tests.sheets import comment

pytestmark = pytest.mark.filterwarnings("ignore:(ConjunctiveGraph|Dataset).*:DeprecationWarning")  # within rdflib
CHROME = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8"
RAPPER = (
    "text/turtle, application/x-turtle, application/rdf+xml, application/n-triples, text/plain;q=0.5, text/html;q=0.2, */*;q=0.1"
)
JAVA = "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"
NAAN = "99999"


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collection]:
    port = free_port()
    settings = Settings(data_dir=tmp_path_factory.mktemp("names"), base_url=f"http://127.0.0.1:{port}", metrics_token="numbers")
    runtime = compose.build(settings)
    Base.metadata.create_all(runtime.database.engine)
    runtime.blobs.prepare(used=False)
    made = make_collection(runtime)
    server = make_server("127.0.0.1", port, made.hub.client.application, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()
    runtime.search.close()
    runtime.database.engine.dispose()


@pytest.fixture(autouse=True)
def _hub_of_the_process(collection: Collection) -> None:
    context.use(collection.hub.runtime)


@pytest.fixture(scope="module")
def keys(collection: Collection) -> dict[str, str]:
    """A thing of each kind."""
    found = {}
    for one in things.every(collection.hub.runtime):
        found.setdefault(one.kind, one.key)
    found["annotation"] = collection.said["ruler"]
    assert set(found) == {kind.name for kind in KINDS}
    return found


def ask(collection: Collection, name: str, accept: str | None = None) -> Any:
    headers = {} if accept is None else {"Accept": accept}
    return collection.hub.client.get(name if name.startswith("/") else f"/ark:{NAAN}/{name}", headers=headers)


def leads_to(collection: Collection, name: str, accept: str | None = None) -> str:
    answer = ask(collection, name, accept)
    assert answer.status_code == 303, answer.text
    assert "Accept" in answer.headers["Vary"]
    there: str = answer.headers["Location"]
    assert there.startswith(collection.hub.addresses.base)
    return there.removeprefix(collection.hub.addresses.base)


def test_every_kind_leads_to_every_form_by_accept_and_by_suffix(collection: Collection, keys: dict[str, str]) -> None:
    for kind, key in keys.items():
        graphs = []
        for suffix, form in rdf.FORMS.items():
            assert leads_to(collection, key, form.media_type) == f"/ark:{NAAN}/{key}.{suffix}", kind
            answer = ask(collection, f"{key}.{suffix}")
            assert (answer.status_code, answer.mimetype) == (200, form.media_type), kind
            document = contexts.inlined(answer.json, collection.hub.addresses.base) if suffix == "jsonld" else None
            syntax = {"ttl": "turtle", "nt": "nt", "rdf": "xml", "jsonld": "json-ld"}[suffix]
            graph = Graph().parse(data=json.dumps(document) if document else answer.data, format=syntax)
            graphs.append({" ".join(part.n3() for part in triple) for triple in to_canonical_graph(graph)})
            assert ask(collection, f"{key}.{suffix}").headers["ETag"] == answer.headers["ETag"]
        assert all(graph == graphs[0] and len(graph) > 4 for graph in graphs), kind
        page = leads_to(collection, key, CHROME)
        answer = ask(collection, page, CHROME)
        assert (answer.status_code, answer.mimetype) == (200, "text/html"), (kind, page)
        assert f'<{collection.hub.addresses.pid(key)}>; rel="cite-as"' in answer.headers.getlist("Link"), kind


def test_who_asks_for_nothing_in_particular_gets_what_they_always_got(collection: Collection, keys: dict[str, str]) -> None:
    expected = {"specimen": "/specimens/{}", "image": "/api/media/{}", "annotation": "/annotations/{}", "run": "/runs/{}"}
    expected |= {"segment": "/segments/{}", "person": "/api/agents/{}"}
    for kind, address in expected.items():
        for accept in (None, "", "*/*", ";;;", "q=1", "text", "\x7f", '"'):
            assert leads_to(collection, keys[kind], accept) == address.format(keys[kind]), (kind, accept)


@pytest.mark.parametrize(
    ("accept", "suffix"),
    [
        (RAPPER, ".ttl"),
        (JAVA, ""),
        (CHROME, ""),
        ("application/rdf+xml, */*", ".rdf"),
        ("application/rdf+xml;q=0.9, text/turtle;q=0.8, */*;q=0.1", ".rdf"),
        ("text/turtle;q=0.5, application/n-triples", ".nt"),
        ("text/turtle;q=0, */*", ""),
        ("TEXT/Turtle ; charset=utf-8 ; Q=0.7", ".ttl"),
        ("application/ld+json;profile=\"http://www.w3.org/ns/json-ld#expanded\"", ".jsonld"),
        ("text/n3, application/xml;q=0.4", ".ttl"),
        ("text/*;q=0.3, application/n-triples;q=0.2", ""),
        ("image/png", ""),
        ("application/rdf+xml;q=2", ".rdf"),
        ("application/rdf+xml;q=x, text/turtle;q=0.1", ".ttl"),
    ],
)  # fmt: skip
def test_quality_exactness_and_what_cannot_be_read(
    collection: Collection, keys: dict[str, str], accept: str, suffix: str
) -> None:
    key = keys["specimen"]
    assert leads_to(collection, key, accept) == (f"/ark:{NAAN}/{key}{suffix}" if suffix else f"/specimens/{key}")


def test_profiles_lead_to_what_other_specifications_say(collection: Collection, keys: dict[str, str]) -> None:
    of_iiif = 'application/ld+json;profile="http://iiif.io/api/presentation/3/context.json"'
    manifest = f"/iiif/presentation/3/{keys['specimen']}/manifest.json"
    assert leads_to(collection, keys["specimen"], of_iiif) == manifest
    assert leads_to(collection, keys["specimen"], "application/json") == f"/api/specimens/{keys['specimen']}"
    anno = 'application/ld+json; profile="http://www.w3.org/ns/anno.jsonld"'
    assert leads_to(collection, keys["annotation"], anno) == f"/annotations/{keys['annotation']}"


OFFERS = [Offer("a", "text/html"), Offer("b", "text/turtle"), Offer("c", "application/ld+json", "http://p.org/")]


@given(st.text(max_size=200) | st.from_regex(r'([a-z*]{1,5}/[a-z*+]{1,8}(;[a-z]{1,7}=("[^"]*"|[0-9.a-z]{0,5}))*, ?){0,5}'))
@example("text/turtle" + ", text/turtle" * 5_000)
@example('"' * 4_000)
@example(";" * 4_000)
def test_no_header_of_accept_breaks_the_choice(header: str) -> None:
    liked = negotiation.best(header, OFFERS)
    assert liked in OFFERS
    if not list(negotiation.ranges_of(header)):
        assert liked is OFFERS[0]


@given(st.permutations(["text/turtle;q=0.9", "text/html;q=0.2", "*/*;q=0.1", "application/json"]))
def test_the_order_of_ranges_changes_nothing(ranges: list[str]) -> None:
    assert negotiation.best(", ".join(ranges), OFFERS) is OFFERS[1]


def test_names_are_read_as_people_write_them(collection: Collection, keys: dict[str, str]) -> None:
    key = keys["specimen"]
    for name in (f"/ark:/{NAAN}/{key}", f"/ark:{NAAN}/{key[:4]}-{key[4:]}", f"/ark:{NAAN}/{key}-"):
        assert leads_to(collection, name) == f"/specimens/{key}"
    wrong = key[:-1] + next(char for char in ids.ALPHABET if char != key[-1])
    for name, said in (
        (wrong, "check character"),
        (key[:5] + key[6] + key[5] + key[7:] if key[5] != key[6] else wrong, "check character"),
        ("s1short", "form"),
        (f"{key}.txt", "no form .txt"),
        (ids.new_key("k9", NAAN), "form"),
        (ids.new_key("g1", NAAN), "not described"),
        (ids.new_key(ids.SPECIMEN, NAAN), "no specimen"),
        (f"{keys['person']}.v2", "no versions"),
    ):
        answer = ask(collection, name)
        assert answer.status_code == 404, name
        assert said in answer.json["detail"], answer.json["detail"]
    elsewhere = ask(collection, f"/ark:12345/{key}")
    assert (elsewhere.status_code, "ark:12345" in elsewhere.json["detail"]) == (404, True)


def test_versions_and_what_follows_the_name_are_passed_on(collection: Collection, keys: dict[str, str]) -> None:
    specimen, annotation, image = keys["specimen"], keys["annotation"], keys["image"]
    assert leads_to(collection, f"{annotation}.v1") == f"/annotations/{annotation}/versions/1"
    assert leads_to(collection, f"{specimen}.v1") == f"/api/specimens/{specimen}/versions/1"
    assert ask(collection, f"/api/specimens/{specimen}/versions/1").status_code == 200
    for name, there in (
        (f"{specimen}/manifest.json", f"/iiif/presentation/3/{specimen}/manifest.json"),
        (f"{specimen}/history?limit=2", f"/api/specimens/{specimen}/history?limit=2"),
        (f"{image}/info.json", f"/iiif/3/{image}/info.json"),
        (f"{image}/full/max/0/default.jpg", f"/iiif/3/{image}/full/max/0/default.jpg"),
        (f"{annotation}/timemap", f"/annotations/{annotation}/timemap"),
    ):
        answer = ask(collection, name)
        assert (answer.status_code, answer.headers["Location"]) == (302, collection.hub.addresses.base + there)
    assert ask(collection, f"{keys['person']}/x").status_code == 404


def test_a_short_record_says_who_what_when_where(collection: Collection, keys: dict[str, str]) -> None:
    for kind, key in keys.items():
        answer = ask(collection, f"{key}?info")
        assert (answer.status_code, answer.mimetype) == (200, "text/plain"), kind
        said = dict(line.split(": ", 1) for line in answer.text.splitlines()[1:])
        assert answer.text.startswith("erc:\n")
        assert all(said[name] for name in ("who", "what", "when", "where"))
        assert said["where"] == collection.hub.addresses.pid(key)


def test_an_annotation_that_its_author_named_has_an_ark_that_leads_to_it(collection: Collection) -> None:
    addresses = collection.hub.addresses
    key = addresses.annotation_key("a-galled-leaf")
    assert ids.is_key(key, NAAN)
    assert leads_to(collection, key) == "/annotations/a-galled-leaf"
    told = ask(collection, f"{key}.jsonld").json
    assert (told["id"], told["dcterms:identifier"]) == (addresses.annotation("a-galled-leaf"), ids.ark(key, NAAN))


def test_what_is_gone_says_what_it_was_and_why(collection: Collection) -> None:
    hub = collection.hub
    document = hub.get("/annotations/" + collection.said["comment"]).json
    again = hub.post({name: value for name, value in document.items() if name != "id"})
    key = again.json["id"].rpartition("/")[2]
    assert hub.write("DELETE", f"/annotations/{key}").status_code == 204
    for accept in (None, "text/html", "text/turtle", "application/rdf+xml", "application/json"):
        answer = ask(collection, key, accept)
        assert answer.status_code == 410
        assert "was deleted" in answer.text
        assert answer.mimetype == (accept or "text/html").replace("application/json", "application/ld+json")
    stone = ask(collection, f"{key}.jsonld")
    assert stone.status_code == 410
    assert stone.json["identifier"] == ids.ark(key, NAAN)
    assert stone.json["prov:invalidatedAtTime"]["@value"][:2] == "20"


def test_signposting_is_read_by_its_client(collection: Collection, keys: dict[str, str]) -> None:
    addresses = collection.hub.addresses
    for kind in ("specimen", "segment", "run", "image", "annotation", "model"):
        key = keys[kind]
        page = addresses.base + leads_to(collection, key, "text/html")
        signs = find_signposting_http(page)
        assert str(signs.citeAs.target) == addresses.pid(key)
        told = {(str(one.target), str(one.type)) for one in signs.describedBy}
        assert told == {(f"{addresses.pid(key)}.{suffix}", form.media_type) for suffix, form in rdf.FORMS.items()}
        assert "https://schema.org/AboutPage" in {str(one.target) for one in signs.types}
        (linkset,) = {str(one.target) for one in signs.linksets}
        again = find_signposting_linkset(linkset, "application/linkset+json").for_context(page)
        assert {str(one.target) for one in again.describedBy} == {address for address, _ in told}
        assert str(again.citeAs.target) == addresses.pid(key)
    annotation = find_signposting_http(f"{addresses.pid(collection.said['comment'])}.html")
    assert [str(one.target) for one in annotation.authors] == [addresses.pid(collection.person.key)]
    resolved = ask(collection, keys["specimen"], "text/turtle")
    assert find_signposting_http_link(resolved.headers.getlist("Link"), addresses.pid(keys["specimen"])).citeAs


def test_content_is_found_by_its_digest(collection: Collection) -> None:
    code = pipelines.source("sheet")
    name = ids.ni(hashlib.sha256(code).hexdigest()).removeprefix("ni:///sha-256;")
    answer = ask(collection, f"/.well-known/ni/sha-256/{name}")
    assert (answer.status_code, answer.data) == (200, code)
    media = collection.media[0]
    name = base64.urlsafe_b64encode(bytes.fromhex(media.sha256)).decode().rstrip("=")
    answer = ask(collection, f"/.well-known/ni/sha-256/{name}")
    assert (answer.status_code, answer.headers["Location"]) == (
        307,
        f"{collection.hub.addresses.base}/api/media/{media.key}/file",
    )
    for wrong in ("x", "A" * 43, "A" * 44, "%2e%2e"):
        assert ask(collection, f"/.well-known/ni/sha-256/{wrong}").status_code == 404


def test_the_identifier_of_a_pipelines_code_is_that_of_git(collection: Collection, tmp_path: Path) -> None:
    code = pipelines.source("sheet")
    (tmp_path / "sheet.yaml").write_bytes(code)
    said = subprocess.run(["git", "hash-object", "sheet.yaml"], cwd=tmp_path, capture_output=True, check=True, text=True)
    assert ids.swhid(code) == f"swh:1:cnt:{said.stdout.strip()}"
    told = [
        one for one in things.every(collection.hub.runtime, kinds=["pipeline"]) if one.document.get("swhid") == ids.swhid(code)
    ]
    assert len(told) == 1
    assert re.fullmatch(ids.KEY_PATTERN, told[0].key)


def test_the_pipeline_and_models_of_a_run_are_found_when_others_have_come(collection: Collection, monkeypatch: Any) -> None:
    runtime = collection.hub.runtime
    key = next(one.key for one in things.every(runtime, kinds=["pipeline"]) if one.document["label"] == "Pipeline sheet")
    monkeypatch.setattr(pipelines, "names", lambda: ())
    with runtime.reads.begin() as session:
        told = things.describe(session, key, runtime).document
    assert told["hub:step"][0] == "quality"
    assert {one.kind for one in things.every(runtime, kinds=["model"])} == {"model"}


def test_nothing_is_told_of_an_annotation_on_a_closed_image(collection: Collection) -> None:
    runtime = collection.hub.runtime
    with runtime.reads.begin() as session:
        assert annotations.find(session, collection.said["ruler"]) is not None
    closed = collection.media[1]
    said = comment(collection.hub.addresses.canvas(collection.specimen.key, closed.key), "secret words")
    key = collection.hub.post(said).json["id"].rpartition("/")[2]
    with runtime.db.begin() as session:
        catalogue.set_access(session, closed.key, "closed", by=Principal.of_system(), at=runtime.clock())
    for name in (key, f"{key}.ttl", f"{key}.html", f"{key}.linkset", f"{key}?info"):
        answer = ask(collection, name)
        assert answer.status_code == 401, name
        assert "secret" not in answer.text
    told = ask(collection, f"{closed.key}.ttl").text
    assert closed.sha256 not in told
    assert "sha-256" not in told
    assert key not in {one.key for one in things.every(runtime)}
