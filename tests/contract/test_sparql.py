"""SPARQL: the graph on disk, the protocol, what is refused, what is ended, and the page to ask."""

import http.server
import json
import os
import re
import threading
import time
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner
from pyoxigraph import DefaultGraph, NamedNode, Quad, Store
from rdflib import Graph
from werkzeug.test import TestResponse

from app import compose
from app.cli import main
from app.discovery import graph, snapshots
from app.linked import things
from app.runtime import context
from app.runtime.db import Base
from app.runtime.file_lock import FileLock
from app.runtime.principal import Principal
from app.runtime.settings import Settings
from app.web.discovery.examples import EXAMPLES, Example, with_prefixes
from iiif.catalogue import service as catalogue
from ontology import sparql
from ontology.graph_store import as_stored
from ontology.sparql import BadQuery, Limits, RefusedQuery, TooHard
from tests.linked import Collection, make_collection
from tests.sheets import add_sheet, comment

BASE = "http://lectotype.test"
COUNT = "SELECT (COUNT(*) AS ?n) WHERE { ?s ?p ?o }"
ENDLESS = "SELECT (COUNT(*) AS ?n) WHERE { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l }"


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collection]:
    """With a graph, and an image that was closed before it was written."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("sparql"), base_url=BASE, metrics_token="numbers", sparql_seconds=2)
    runtime = compose.build(settings)
    Base.metadata.create_all(runtime.database.engine)
    runtime.blobs.prepare(used=False)
    made = make_collection(runtime)
    sheet, (hidden,) = add_sheet(runtime, number="ZZ 0009", sizes=((60, 40),))
    said = comment(made.hub.addresses.canvas(sheet.key, hidden.key), "Clausum is said here")
    assert made.hub.post(said).status_code == 201
    with runtime.db.begin() as session:
        catalogue.set_access(session, hidden.key, "closed", by=Principal.of_operator(), at=runtime.clock())
    page = made.hub.get("/sparql", Accept="text/html")
    assert page.status_code == 200
    assert "sparql?query" not in page.text, "no link leads to an answer that cannot be had"
    early = made.hub.get(f"/sparql?query={quote(COUNT)}")
    assert (early.status_code, early.headers["Retry-After"]) == (503, "5")
    (snapshots.folder_of(settings) / "part-broken").mkdir(parents=True)
    graph.write(runtime)
    assert not (snapshots.folder_of(settings) / "part-broken").exists()
    yield made
    runtime.search.close()
    runtime.database.engine.dispose()


@pytest.fixture(autouse=True)
def _hub_of_the_process(collection: Collection) -> None:
    context.use(collection.hub.runtime)


def asked(collection: Collection, query: str, more: str = "", **headers: str) -> TestResponse:
    return collection.hub.get(f"/sparql?query={quote(query)}{more}", **headers)


def store_of(collection: Collection) -> Path:
    found = snapshots.newest(collection.hub.runtime.settings)
    assert found
    return found.store


def test_the_graph_holds_what_every_thing_says_and_nothing_else(collection: Collection) -> None:
    every, scratch = list(things.every(collection.hub.runtime)), Store()
    expected = {
        Quad(one.subject, one.predicate, one.object, NamedNode(thing.iri))
        for thing in every
        for one in as_stored(things.triples_of(thing, BASE), scratch)
    }
    whole = {Quad(one.subject, one.predicate, one.object, DefaultGraph()) for one in expected}
    assert len(whole) < len(expected), "some triples are said of several things"
    assert set(Store.read_only(str(store_of(collection)))) == expected | whole
    found = snapshots.newest(collection.hub.runtime.settings)
    assert found
    assert (found.triples, sum(found.things.values()), found.unreadable) == (len(expected), len(every), 0)


def test_what_is_closed_is_not_in_the_graph(collection: Collection) -> None:
    assert asked(collection, 'ASK { ?s ?p ?o FILTER(STR(?o) = "BR 0001 0.jpg") }').json["boolean"] is True
    assert asked(collection, 'ASK { ?s ?p ?o FILTER(STR(?o) = "Named by its author") }').json["boolean"] is True
    for hidden in ("ZZ 0009 0.jpg", "Clausum is said here"):
        assert asked(collection, f'ASK {{ ?s ?p ?o FILTER(STR(?o) = "{hidden}") }}').json["boolean"] is False
    closed = asked(collection, 'SELECT ?image { ?image dct:accessRights "closed" }').json["results"]["bindings"]
    assert len(closed) == 1, "that there is one is no secret"
    image = closed[0]["image"]["value"]
    assert asked(collection, f"ASK {{ <{image}> hub:contentId|dcat:byteSize|rdfs:label ?any }}").json["boolean"] is False


def test_the_protocol_takes_a_query_in_three_ways(collection: Collection) -> None:
    hub = collection.hub
    answers = [
        asked(collection, COUNT),
        hub.client.post("/sparql", data={"query": COUNT}),
        hub.client.post("/sparql", data=COUNT, headers={"Content-Type": "application/sparql-query"}),
    ]
    assert len({one.data for one in answers}) == 1
    assert [one.mimetype for one in answers] == ["application/sparql-results+json"] * 3
    found = snapshots.newest(hub.runtime.settings)
    assert found
    assert int(answers[0].json["results"]["bindings"][0]["n"]["value"]) < found.triples, "none is counted twice"
    assert hub.client.post("/sparql", data="x", headers={"Content-Type": "text/plain"}).status_code == 415
    assert asked(collection, COUNT, "&query=ASK{}").status_code == 400
    assert hub.client.post("/sparql", data=b"\xff", headers={"Content-Type": "application/sparql-query"}).status_code == 400


def test_results_come_in_the_form_that_is_liked_best(collection: Collection) -> None:
    who = "SELECT ?name ?none WHERE { ?s a foaf:Person ; foaf:name ?name }"
    xml = ElementTree.fromstring(asked(collection, who, Accept="application/sparql-results+xml").data)
    assert [one.text for one in xml.iter("{http://www.w3.org/2005/sparql-results#}literal")] == ["Ada Lovelace"]
    assert asked(collection, who, Accept="text/csv").data == b"name,none\r\nAda Lovelace,\r\n"
    assert asked(collection, who, Accept="text/tab-separated-values").data == b'?name\t?none\n"Ada Lovelace"\t\n'
    assert asked(collection, who, "&format=csv", Accept="text/html").mimetype == "text/csv"
    assert asked(collection, who, "&format=ttl").status_code == 400
    assert asked(collection, who, Accept="image/png").json["results"]["bindings"] == [
        {"name": {"type": "literal", "value": "Ada Lovelace"}}
    ]
    person = "CONSTRUCT { ?s rdf:value ?name } WHERE { ?s a foaf:Person ; foaf:name ?name }"
    for accept, syntax in (("text/turtle", "turtle"), ("application/n-triples", "nt"), ("*/*", "turtle")):
        answer = asked(collection, person, Accept=accept)
        assert len(Graph().parse(data=answer.data, format=syntax)) == 1
    described = asked(collection, f"DESCRIBE <{BASE}/ark:99999/{collection.specimen.key}>", Accept="application/n-triples")
    assert b"Quercus robur L." in described.data


def test_graphs_of_this_hub_are_asked_alone_and_others_refused(collection: Collection) -> None:
    own, count = f"{BASE}/ark:99999/{collection.specimen.key}", "SELECT (COUNT(*) AS ?n) "

    def number(answer: TestResponse) -> int:
        return int(answer.json["results"]["bindings"][0]["n"]["value"])

    with collection.hub.runtime.reads.begin() as session:
        thing = things.describe(session, collection.specimen.key, collection.hub.runtime)
    expected = len(things.triples_of(thing, BASE))
    body = "WHERE { ?s ?p ?o }"
    assert number(asked(collection, f"{count} FROM <{own}> {body}")) == expected
    assert number(asked(collection, count + body, f"&default-graph-uri={quote(own)}")) == expected
    assert number(asked(collection, f"{count} WHERE {{ GRAPH <{own}> {{ ?s ?p ?o }} }}")) == expected
    for answer in (
        asked(collection, f"{count} FROM <http://example.org/other> {body}"),
        asked(collection, f"{count} FROM NAMED <http://example.org/other> {body}"),
        asked(collection, f"PREFIX ex: <http://example.org/> {count} FROM ex:other {body}"),
        asked(collection, count + body, "&named-graph-uri=http://example.org/other"),
    ):
        assert (answer.status_code, answer.json["title"]) == (400, "RefusedQuery")


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * WHERE { SERVICE <http://127.0.0.1/> { ?s ?p ?o } }",
        "SELECT * WHERE { { ?s ?p ?o } UNION { service silent ?s { ?s ?p ?o } } }",
        "SELECT * WHERE { SERV\\u0049CE <http://127.0.0.1/> { ?s ?p ?o } }",
        "SELECT ('''it's''' AS ?a) WHERE {#\n SERVICE <http://127.0.0.1/> { ?s ?p ?o } }",
        "SELECT * WHERE { ?s ex:a\\'b ?o . SERVICE <http://127.0.0.1/> { ?s ex:c\\'d ?o } }",
        "INSERT DATA { <http://e.x/a> <http://e.x/b> 1 }",
        "PREFIX a: <http://e.x/> DELETE WHERE { ?s ?p ?o }",
        "LOAD <http://127.0.0.1/data.ttl>",
        "CLEAR ALL",
    ],
)
def test_what_asks_others_or_changes_anything_is_refused(collection: Collection, query: str) -> None:
    answer = asked(collection, query)
    assert (answer.status_code, answer.json["title"]) == (400, "RefusedQuery")
    assert "refused" in answer.json["detail"]


def test_updates_of_the_protocol_are_refused(collection: Collection) -> None:
    client = collection.hub.client
    update = {"Content-Type": "application/sparql-update"}
    for answer in (
        client.post("/sparql", data="CLEAR ALL", headers=update),
        client.post("/sparql", data={"update": "CLEAR ALL"}),
        asked(collection, COUNT, "&update=CLEAR+ALL"),
    ):
        assert (answer.status_code, answer.json["title"]) == (400, "RefusedQuery")


def test_words_of_the_language_are_names_and_texts_too(collection: Collection) -> None:
    query = """PREFIX service: <http://e.x/> # SERVICE
        SELECT ?SERVICE ("SERVICE <x> 'FROM" AS ?FROM) WHERE { VALUES ?SERVICE { service:LOAD <http://e.x/SERVICE> "x"@from } }"""
    assert len(asked(collection, query).json["results"]["bindings"]) == 3


def test_the_process_opens_no_connection_even_where_it_is_asked_to(collection: Collection) -> None:
    seen: list[str] = []

    class Listener(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.path)
            self.send_error(404)

        def do_POST(self) -> None:
            self.do_GET()

    with http.server.HTTPServer(("127.0.0.1", 0), Listener) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/"
        query = f"SELECT * WHERE {{ SERVICE <{address}> {{ ?s ?p ?o }} }}"
        with pytest.raises(OSError):
            list(Store().query(query))
        assert len(seen) == 1, "without the walls it would ask"
        with pytest.raises(sparql.NoAnswer):
            sparql.ask(store_of(collection), sparql.Question(query, "SELECT"), "json", LIMITS, base=BASE)
        server.shutdown()
    assert len(seen) == 1


LIMITS = Limits(5, 100, 1_000_000_000)


def test_a_query_that_never_ends_is_ended(collection: Collection) -> None:
    begun = time.monotonic()
    answer = asked(collection, ENDLESS)
    assert (answer.status_code, answer.json["title"]) == (413, "TooHard")
    assert "after 2 s" in answer.json["detail"]
    assert time.monotonic() - begun < 15
    assert not _answering()
    assert asked(collection, "ASK {}").json["boolean"] is True


def _answering() -> list[Path]:
    """Processes of this one that answer a query."""
    commands = Path("/proc").glob("[0-9]*/cmdline")
    return [
        one
        for one in commands
        if sparql.MODULE.encode() in _bytes(one) and f"PPid:\t{os.getpid()}\n".encode() in _bytes(one.with_name("status"))
    ]


def _bytes(path: Path) -> bytes:
    """Nothing of a process that has just ended."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_answers_beyond_rows_and_memory_are_refused(collection: Collection) -> None:
    store, every = store_of(collection), sparql.look_through("SELECT * WHERE { ?s ?p ?o }")
    with pytest.raises(TooHard, match="more than 100 rows"):
        sparql.ask(store, every, "csv", LIMITS, base=BASE)
    triples = sparql.look_through("CONSTRUCT { ?s ?p ?o } WHERE { ?s ?p ?o }")
    with pytest.raises(TooHard, match="more than 100 rows"):
        sparql.ask(store, triples, "nt", LIMITS, base=BASE)
    doubled = " ".join(f"BIND(CONCAT(?x{n}, ?x{n}) AS ?x{n + 1})" for n in range(32))
    hungry = sparql.look_through(f'SELECT (STRLEN(?x32) AS ?n) WHERE {{ BIND("0123456789" AS ?x0) {doubled} }}')
    with pytest.raises(TooHard, match="memory"):
        sparql.ask(store, hungry, "json", Limits(20, 100, 600_000_000), base=BASE)
    with pytest.raises(TooHard, match="20,000 characters"):
        sparql.look_through(f"ASK {{}} #{'x' * 20_000}")


def test_a_query_that_is_none_is_told_in_the_words_of_the_parser(collection: Collection) -> None:
    answer = asked(collection, "SELECT * WHERE { ?s ?p }")
    assert (answer.status_code, answer.mimetype, answer.json["title"]) == (400, "application/problem+json", "BadQuery")
    assert re.search(r"error at 1:\d+: expected", answer.json["detail"])
    for text in ("", "nothing", "\\uD800 ASK {}"):
        with pytest.raises(BadQuery):
            sparql.look_through(text)
    with pytest.raises(RefusedQuery):
        sparql.look_through("SELECT * FROM")


def test_no_more_are_answered_at_once_than_there_are_places(collection: Collection) -> None:
    folder = snapshots.folder_of(collection.hub.runtime.settings)
    with FileLock(folder / "asking-0") as first, FileLock(folder / "asking-1") as second:
        assert first.try_take()
        assert asked(collection, "ASK {}").status_code == 200
        assert second.try_take()
        answer = asked(collection, "ASK {}")
        assert (answer.status_code, answer.headers["Retry-After"], answer.json["title"]) == (503, "5", "BusyAsking")
        assert asked(collection, "ASK {}", Accept="text/html").status_code == 503
    assert asked(collection, "ASK {}").status_code == 200


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: one.name)
def test_every_example_of_the_page_is_answered(collection: Collection, example: Example) -> None:
    query = with_prefixes(example.query, BASE)
    answer = asked(collection, query)
    assert answer.status_code == 200, answer.json
    rows = answer.json["results"]["bindings"]
    assert rows, query
    for name in EXPECTED[example.name]:
        assert any(name in cell["value"] for row in rows for cell in row.values()), rows


EXPECTED = {
    "measurements": ("84.3", "unit/MilliM", "0.6", "ark:99999/s1"),
    "runs": ("/api/runs/x1", "swh:1:cnt:", "ni:///sha-256;"),
    "models": ("embedding.onnx", "ni:///sha-256;", "ark:99999/m1"),
    "labels": ("https://herbarium.example.org/specimen/BR0001", "12.vi.1887"),
    "identifications": ("Quercus robur L.",),
    "unreviewed": ("0.8", "/annotations/n1"),
    "segments": ("label", "leaf", "ruler"),
    "collected": ("A. Example", "Belgium", "1887-06-12"),
    "licences": ("creativecommons.org/licenses/by/4.0", "2"),
    "people": ("Ada Lovelace", "orcid.org/0000-0002-1825-0097"),
}


def test_the_page_shows_answers_with_links_and_what_is_wrong(collection: Collection) -> None:
    page = collection.hub.get("/sparql", Accept="text/html")
    links = re.findall(r'<li id="[a-z]+"><a href="([^"]+)">', page.text)
    assert len(links) == len(EXAMPLES) == 10
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert "seconds ago" in page.text or "minutes ago" in page.text
    answered = collection.hub.get(unescape(links[0]), Accept="text/html")
    assert answered.status_code == 200
    assert f'<a href="{BASE}/ark:99999/{collection.specimen.key}" rel="nofollow">' in answered.text
    assert "84.3" in answered.text
    assert "format=csv" in answered.text
    wrong = asked(collection, "SELECT <b>", Accept="text/html")
    assert wrong.status_code == 400
    assert "error at 1:" in wrong.text
    assert "SELECT &lt;b&gt;</textarea>" in wrong.text
    assert "<strong>Yes.</strong>" in asked(collection, "ASK {}", Accept="text/html").text
    assert "rdf:value" in asked(collection, "CONSTRUCT { ?s rdf:value 1 } WHERE { ?s a foaf:Person }", Accept="text/html").text


def test_the_service_says_what_it_is(collection: Collection) -> None:
    service = Graph().parse(data=collection.hub.get("/sparql").data, format="turtle")
    assert (None, None, None) in service
    assert f"<{BASE}/sparql>" in service.serialize(format="nt")
    void = Graph().parse(data=collection.hub.get("/.well-known/void").data, format="turtle")
    ((_, endpoint),) = void.subject_objects(_void("sparqlEndpoint"))
    assert str(endpoint) == f"{BASE}/sparql"


def _void(name: str) -> object:
    from rdflib import URIRef

    return URIRef(f"http://rdfs.org/ns/void#{name}")


def test_the_age_of_the_graph_is_a_metric(collection: Collection) -> None:
    numbers = collection.hub.get("/metrics", Authorization="Bearer numbers").text
    (age,) = re.findall(r"^lectotype_graph_age_seconds (\S+)$", numbers, re.MULTILINE)
    assert 0 < float(age) < 3600


def test_graph_and_database_are_compared_and_made_alike(collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    hub, runner, key = collection.hub, CliRunner(), collection.media[1].key
    monkeypatch.setattr(compose, "build", lambda: hub.runtime)
    monkeypatch.setattr(compose, "prepare", lambda _runtime: None)
    agreed = runner.invoke(main, ["check-graph"])
    assert (agreed.exit_code, agreed.stdout) == (0, "0 things differ.\n")
    with hub.runtime.db.begin() as session:
        catalogue.set_access(session, key, "closed", by=Principal.of_operator(), at=hub.runtime.clock())
    refused = asked(collection, COUNT)  # for the graph may still tell of it
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    assert "closed since" in refused.json["detail"]
    page = hub.get("/sparql", Accept="text/html").text
    assert "closed since" in page
    assert "sparql?query" not in page
    differ = runner.invoke(main, ["check-graph", "--json"])
    assert differ.exit_code == 1
    assert {"iri": f"{BASE}/ark:99999/{key}", "how": "other"} in json.loads(differ.stdout)["first"]
    before = store_of(collection)
    made = runner.invoke(main, ["regraph", "--json"])
    assert made.exit_code == 0
    assert json.loads(made.stdout)["things"]["specimen"] == 2
    assert store_of(collection) != before
    assert before.is_dir(), "who reads it ends in peace"
    assert asked(collection, COUNT).status_code == 200
    assert runner.invoke(main, ["check-graph"]).exit_code == 0
    with FileLock(snapshots.folder_of(hub.runtime.settings) / "lock") as lock:
        assert lock.try_take()
        hindered = runner.invoke(main, ["regraph"])
    assert hindered.exit_code == 1
    assert "Another process is writing the graph." in hindered.output
    runner.invoke(main, ["regraph"])
    assert not before.exists()
