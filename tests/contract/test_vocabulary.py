"""The vocabulary, the context and the shapes: what is used is declared, what is published stays, what is said is checked."""

import hashlib
import json
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from rdflib import Graph

from app.cli import main
from app.linked import things
from app.runtime import context
from app.runtime.settings import Settings
from ontology import contexts, rdf, shapes, vocabulary
from ontology.segment_classes import CLASSES
from tests.linked import Collection, collection_of

pytestmark = pytest.mark.filterwarnings("ignore:(ConjunctiveGraph|Dataset).*:DeprecationWarning")  # within rdflib
BASE = "http://lectotype.test"


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collection]:
    with collection_of(Settings(data_dir=tmp_path_factory.mktemp("words"), base_url=BASE, metrics_token="numbers")) as made:
        yield made


@pytest.fixture(autouse=True)
def _hub_of_the_process(collection: Collection) -> None:
    context.use(collection.hub.runtime)


@pytest.fixture(scope="module")
def whole(collection: Collection) -> list[rdf.Triple]:
    found = [triple for one in things.every(collection.hub.runtime) for triple in things.triples_of(one, BASE)]
    assert len(found) > 400
    return found


def test_every_term_of_ours_that_is_used_is_declared(whole: list[rdf.Triple]) -> None:
    declared = {term.iri for term in vocabulary.terms(BASE)}
    used = {
        str(part)[1:-1] for one in whole for part in (one.predicate, one.object) if str(part).startswith(f"<{BASE}/ns#")
    }  # fmt: skip
    assert used - declared == set()
    assert len(used) > 15
    own = json.dumps(contexts.own(BASE))
    named = {f"{BASE}/ns#{word}" for word in ("calibrating", "mask", "proposalSubject", "swhid") if f"hub:{word}" in own}
    assert named <= declared
    assert {one.term.replace("hub:", f"{BASE}/ns#") for one in CLASSES.values() if one.term.startswith("hub:")} <= declared
    assert all(term.label for term in vocabulary.terms(BASE)), "a term without a label"


def test_the_published_context_never_changes() -> None:
    data = resources.files("ontology").joinpath("context.jsonld").read_bytes()
    assert hashlib.sha256(data).hexdigest() == "5930b34043d638d4665a50ccf3e2c8eb797c05649534d3c0272184e6d2bede68", (
        "documents that name /ns/1/context.jsonld would mean something else: publish another number"
    )


def test_the_vocabulary_is_read_in_every_form(collection: Collection) -> None:
    hub = collection.hub
    graphs = []
    for suffix, form in rdf.FORMS.items():
        for answer in (hub.get(f"/ns/vocabulary.{suffix}"), hub.get("/ns", Accept=form.media_type)):
            assert (answer.status_code, answer.mimetype) == (200, form.media_type)
            syntax = {"ttl": "turtle", "nt": "nt", "rdf": "xml", "jsonld": "json-ld"}[suffix]
            graphs.append(set(Graph().parse(data=answer.data, format=syntax)))
    assert all(graph == graphs[0] and len(graph) > 100 for graph in graphs)
    page = hub.get("/ns", Accept="text/html")
    assert page.mimetype == "text/html"
    for term in vocabulary.terms(BASE):
        assert f'id="{term.name}"' in page.text
    assert hub.get("/ns/shapes.ttl").mimetype == "text/turtle"
    assert "immutable" in hub.get("/ns/1/context.jsonld").headers["Cache-Control"]


def test_no_thing_of_the_hub_violates_a_shape(whole: list[rdf.Triple]) -> None:
    faults = shapes.check(whole, BASE)
    assert [str(fault) for fault in faults if fault.severity == "violation"] == []
    assert {fault.sentence for fault in faults} >= {"An annotation says under which rights it may be used."}


BROKEN: dict[str, tuple[str, str]] = {
    "the region leaves the image": ('"xFrac": "0.025"', "past the edge"),
    "a confidence of 1.3": ('"confidence": "0.99"', "from 0 to 1"),
    "no run": ('"wasGeneratedBy"', "names the run"),
    "no type of the assertion": ('"dwc:assertionType"', "what it measures"),
    "no target": ('"target"', "has a target"),
}
INSTEAD = {"the region leaves the image": '"xFrac": "0.9"', "a confidence of 1.3": '"confidence": "1.3"'}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_amiss_is_told_in_plain_words(collection: Collection, tmp_path: Path, name: str) -> None:
    document = collection.hub.get(f"/ark:99999/{collection.said['ruler']}.jsonld").text
    part, said = BROKEN[name]
    assert part in document.replace('":"', '": "'), document
    file = tmp_path / "broken.jsonld"
    broken = document.replace('":"', '": "').replace(part, INSTEAD.get(name, '"hub:other"'))
    file.write_text(broken, encoding="utf-8")
    result = CliRunner().invoke(main, ["validate", str(file)])
    assert result.exit_code == 1, result.output
    assert any(line.startswith("violation: ") and said in line for line in result.output.splitlines()), result.output


def test_the_command_reads_every_form_and_says_what_it_cannot_read(collection: Collection, tmp_path: Path) -> None:
    for suffix in rdf.FORMS:
        file = tmp_path / f"thing.{suffix}"
        file.write_bytes(collection.hub.get(f"/ark:99999/{collection.specimen.key}.{suffix}").data)
        result = CliRunner().invoke(main, ["validate", str(file)])
        assert result.exit_code == 0, result.output
        assert "0 violations" in result.output
    told: dict[str, tuple[bytes, str]] = {
        "broken.ttl": (b"<a> <b>", "not Turtle"),
        "broken.jsonld": (b"[", "not JSON"),
        "elsewhere.jsonld": (b'{"@context": "https://example.org/x", "a": 1}', "none is fetched"),
        "empty.nt": (b"", "0 triples"),
        "notes.docx": (b"", "which is not read"),
    }
    for name, (data, said) in told.items():
        (tmp_path / name).write_bytes(data)
        result = CliRunner().invoke(main, ["validate", str(tmp_path / name)])
        assert (result.exit_code, said in result.output) == (1, True), result.output
    missing = CliRunner().invoke(main, ["validate", str(tmp_path / "missing.ttl")])
    assert (missing.exit_code, "cannot be read" in missing.output) == (1, True)


def test_faults_are_told_as_json(collection: Collection, tmp_path: Path) -> None:
    file = tmp_path / "thing.ttl"
    file.write_bytes(collection.hub.get(f"/ark:99999/{collection.said['comment']}.ttl").data)
    result = CliRunner().invoke(main, ["validate", "--json", str(file)])
    told: list[dict[str, Any]] = json.loads(result.output)
    assert result.exit_code == 0
    assert {one["severity"] for one in told} == {"warning"}
