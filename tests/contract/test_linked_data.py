"""What every kind of thing says as linked data: PyLD, rdflib and pyoxigraph, and rapper where it is installed, read the same
graph from each form."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyld import jsonld
from rdflib import Graph
from rdflib.compare import to_canonical_graph

from app.linked import things
from app.linked.things import KINDS, Described
from app.runtime import context
from app.runtime.settings import Settings
from ontology import contexts, rdf
from tests.linked import Collection, collection_of

pytestmark = pytest.mark.filterwarnings("ignore:(ConjunctiveGraph|Dataset).*:DeprecationWarning")  # within rdflib
BASE = "http://lectotype.test"


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collection]:
    with collection_of(Settings(data_dir=tmp_path_factory.mktemp("linked"), base_url=BASE, metrics_token="numbers")) as made:
        yield made


@pytest.fixture(autouse=True)
def _hub_of_the_process(collection: Collection) -> None:
    context.use(collection.hub.runtime)


@pytest.fixture(scope="module")
def described(collection: Collection) -> list[Described]:
    return list(things.every(collection.hub.runtime))


def canonical(graph: Graph) -> set[str]:
    return {" ".join(part.n3() for part in triple) for triple in to_canonical_graph(graph)}


def by_rdflib(data: bytes | str, syntax: str) -> set[str]:
    return canonical(Graph().parse(data=data, format=syntax))


def by_pyld(document: Any) -> set[str]:
    def load(address: str, _options: Any) -> dict[str, Any]:
        found = contexts.load(address, BASE)
        return {"contentType": "application/ld+json", "contextUrl": None, "documentUrl": address, "document": found}

    told = jsonld.to_rdf(document, {"format": "application/n-quads", "documentLoader": load, "base": document["id"]})
    return by_rdflib(told, "nt")


def by_rapper(data: bytes, syntax: str) -> set[str]:
    said = subprocess.run(["rapper", "-q", "-i", syntax, "-", BASE], input=data, capture_output=True, check=True)
    assert said.stderr == b""
    return by_rdflib(said.stdout, "nt")


def test_there_is_something_of_every_kind(described: list[Described]) -> None:
    assert {one.kind for one in described} == {kind.name for kind in KINDS}
    assert len({one.iri for one in described}) == len(described) > 15


def test_all_readers_read_the_same_graph_from_every_form(described: list[Described]) -> None:
    for one in described:
        triples = things.triples_of(one, BASE)
        assert len(triples) > 4, one.iri
        expected = by_rdflib(rdf.text(triples, rdf.FORMS["nt"]), "nt")
        assert by_pyld(one.document) == expected, one.iri
        assert by_rdflib(json.dumps(contexts.inlined(one.document, BASE)), "json-ld") == expected, one.iri
        for suffix, syntax in (("ttl", "turtle"), ("rdf", "xml")):
            data = rdf.text(triples, rdf.FORMS[suffix], BASE)
            assert by_rdflib(data, syntax) == expected, one.iri
            assert rdf.of_text(data, rdf.FORMS[suffix], one.iri) is not None
            if shutil.which("rapper"):
                assert by_rapper(data, "turtle" if suffix == "ttl" else "rdfxml") == expected, one.iri


def test_a_graph_is_the_same_whenever_it_is_made(described: list[Described]) -> None:
    for one in described:
        assert things.triples_of(one, BASE) == things.triples_of(one, BASE)
    nodes = [
        {
            str(part)
            for triple in things.triples_of(one, BASE)
            for part in (triple.subject, triple.object)
            if str(part)[:2] == "_:"
        }
        for one in described
    ]
    assert sum(map(len, nodes)) == len(set().union(*nodes)) > 0, "blank nodes of two things share a name"


def test_every_address_is_whole(described: list[Described]) -> None:
    for one in described:
        for triple in things.triples_of(one, BASE):
            for part in (triple.subject, triple.predicate, triple.object):
                if str(part).startswith("<"):
                    assert str(part)[1:].startswith(("http://", "https://", "ni:///", "swh:1:")), (one.iri, part)


def test_one_thing_is_told_as_in_the_list_of_all(collection: Collection, described: list[Described]) -> None:
    with collection.hub.runtime.reads.begin() as session:
        for one in described:
            assert things.describe(session, one.key, collection.hub.runtime).document == one.document


def test_the_list_of_all_goes_on_behind_a_key(collection: Collection, described: list[Described]) -> None:
    said = [one.key for one in described if one.kind == "annotation"]
    assert said == sorted(said)
    rest = things.every(collection.hub.runtime, kinds=["annotation"], after=said[3])
    assert [one.key for one in rest] == said[4:]


def test_a_trait_leads_to_its_unit_its_run_and_the_code_of_that(collection: Collection, described: list[Described]) -> None:
    whole = Graph()
    for one in described:
        whole.parse(data=rdf.text(things.triples_of(one, BASE), rdf.FORMS["nt"]), format="nt")
    asked = f"""
        PREFIX prov: <http://www.w3.org/ns/prov#> PREFIX qudt: <http://qudt.org/schema/qudt/> PREFIX hub: <{BASE}/ns#>
        PREFIX oa: <http://www.w3.org/ns/oa#> PREFIX ac: <http://rs.tdwg.org/ac/terms/> PREFIX dwc: <http://rs.tdwg.org/dwc/terms/>
        SELECT ?value ?unit ?seed ?code ?thing WHERE {{
          ?said prov:wasGeneratedBy ?run ; oa:hasBody ?body ; oa:hasTarget ?part .
          ?body dwc:assertionType "length" ; qudt:quantityValue [ qudt:numericValue ?value ; qudt:hasUnit ?unit ] .
          ?part ac:isROIOf ?image . ?image hub:depicts ?specimen . ?specimen hub:digitalTwinOf ?thing .
          ?run hub:randomSeed ?seed ; prov:qualifiedAssociation [ prov:hadPlan [ hub:swhid ?code ] ] .
        }}"""
    ((value, unit, seed, code, thing),) = whole.query(asked)
    assert (str(value), str(unit), int(seed)) == ("84.3", "http://qudt.org/vocab/unit/MilliM", 0)
    assert str(code).startswith("swh:1:cnt:")
    assert str(thing) == "https://herbarium.example.org/specimen/BR0001"


def test_the_context_of_web_annotation_is_that_of_the_recommendation(shared: Path) -> None:
    published = json.loads((shared / "contexts" / "anno.jsonld").read_text(encoding="utf-8"))
    assert contexts.load(contexts.ANNO, BASE) == published


@pytest.mark.parametrize(
    "named", ["https://example.org/ctx.jsonld", "file:///etc/passwd", "http://iiif.io/api/presentation/3/context.json"]
)
def test_no_context_is_fetched(named: str) -> None:
    for inner in (named, [contexts.ANNO, named], {"@import": named}, {"x": {"@id": "http://x.org/x", "@context": named}}):
        with pytest.raises(contexts.UnknownContext):
            rdf.of_document({"@context": inner, "@id": "http://x.org/1", "http://x.org/p": 1}, BASE)
    document = {"@context": [contexts.ANNO, named], "id": "http://x.org/1", "type": "Annotation", "their": 1}
    passed_over = rdf.of_document(document, BASE, passing_over=True)
    assert [str(one) for one in passed_over] == [
        "<http://x.org/1> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <http://www.w3.org/ns/oa#Annotation>"
    ]


texts = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=30)
names = st.text(alphabet="aZ09é.-_·/#:%", max_size=12)


@given(texts, names)
def test_what_rdf_xml_can_hold_reads_back_and_what_it_cannot_is_refused(value: str, name: str) -> None:
    triples = rdf.of_document({"@id": "http://x.org/1", f"http://x.org/{name}": value}, BASE)
    for suffix in ("nt", "ttl", "rdf"):
        form = rdf.FORMS[suffix]
        try:
            data = rdf.text(triples, form)
        except rdf.Unwritable:
            assert suffix == "rdf"
            continue
        assert rdf.of_text(data, form, BASE) == triples, data


def test_a_document_that_is_no_rdf_is_refused_in_a_sentence() -> None:
    for bad in ({"@context": 5}, {"@context": [contexts.ANNO] * (contexts.MOST + 1)}, {"@context": {"@vocab": 7}, "a": 1}):
        with pytest.raises(rdf.Invalid):
            rdf.of_document(bad, BASE)
    for data, suffix in ((b"{", "jsonld"), (b"<a> <b>", "ttl"), (b"<x", "rdf"), (b'<a> "b" .', "nt")):
        with pytest.raises(rdf.NoGraph):
            rdf.of_text(data, rdf.FORMS[suffix], BASE)
