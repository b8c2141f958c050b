"""Machine annotations read as RDF through the published contexts: nothing is lost, nothing becomes a junk address."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rdflib import Graph, URIRef
from rdflib.namespace import RDF

from analytics.model import Run
from analytics.statements import StatementSource, statement
from analytics.steps.model import Finding
from annotations.masks import KeptMask
from annotations.region_masks import Mask
from annotations.regions import Region, of_mask
from app.runtime import ids
from app.runtime.addresses import Addresses
from iiif.catalogue.model import Media

pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")  # within rdflib

BASE = "http://lectotype.test"
AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
AREA = Region.of_box(10, 10, 90, 60)
RING = Region.of_rings([[(10, 10), (90, 10), (90, 60)]])
NOISE = of_mask(Mask.of_pixels(np.random.default_rng(1).random((78, 98)) < 0.5))
KEPT = {NOISE.mask: KeptMask("ab" * 32, 98, 78, 900)}
FINDINGS = {
    "ruler": Finding(
        "ruler", "11.812 px per mm", AREA, 11.812, "px/mm", 0.009, 0.99, ("measuring",), {"ticks": 201, "fit": [0.1]}
    ),
    "length": Finding("outline", "length 84.3 mm", RING, 84.3, "mm", 0.6, 0.9, ("measuring",), {}),
    "text": Finding("text", "Quercus robur L.", AREA, None, "", None, 0.8, ("supplementing",), {}),
    "point": Finding("landmark", "Tip", Region.of_point(12.5, 20)),
    "mask": Finding("outline", "Outline of the specimen", NOISE, motivations=("classifying",)),
    "nothing": Finding(kind="barcode", text="No code was found.", motivations=("assessing",)),
}


def contexts(shared: Path) -> list[Any]:
    ours = resources.files("ontology").joinpath("context.jsonld").read_text(encoding="utf-8").replace("{base}", BASE)
    anno = (shared / "contexts" / "anno.jsonld").read_text(encoding="utf-8")
    return [json.loads(ours)["@context"], json.loads(anno)["@context"]]


def source() -> StatementSource:
    specimen, image, run = (ids.new_key(shoulder, "99999") for shoulder in (ids.SPECIMEN, ids.MEDIA, ids.RUN))
    media = Media(
        *(
            image,
            specimen,
            1,
            1,
            "00" * 32,
            9,
            "image/jpeg",
            100,
            80,
            1,
            "",
            "a.jpg",
            "",
            "",
            "",
            "ready",
            "",
            "00" * 32,
            2,
            "open",
            AT,
            "",
            "",
        )
    )
    nothing: dict[str, Any] = dict.fromkeys(Run.__dataclass_fields__)
    of_run = Run(**nothing | {"key": run, "state": "running", "pipeline": "sheet", "code_version": "c", "created_at": AT})
    return StatementSource(of_run, "step", media, Addresses(BASE, "99999"), AT, f"{BASE}/api/runs/x#ruler-1", masks=KEPT)


def keys_of(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
        for inner in value.values():
            yield from keys_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys_of(inner)


def graph_of(document: dict[str, Any], inlined: list[Any]) -> Graph:
    """rdflib has no hook for contexts, so that they are inlined."""
    data = json.dumps({**document, "@context": inlined, "id": f"{BASE}/annotations/n1"})
    return Graph().parse(data=data, format="json-ld")


@pytest.mark.parametrize("name", FINDINGS)
def test_every_key_has_a_meaning_and_every_address_is_whole(shared: Path, name: str) -> None:
    document = statement(FINDINGS[name], 1, source())
    ours, anno = contexts(shared)
    for key in set(keys_of(document)) - {"ticks", "fit"} - {"@context", "id", "type"}:
        assert key in ours or key in anno or key.split(":")[0] in ours or key in ours["PointSelector"]["@context"], key
    graph = Graph().parse(
        data=json.dumps({**document, "@context": [ours, anno], "id": f"{BASE}/annotations/n1"}), format="json-ld"
    )
    for node in {part for triple in graph for part in triple if isinstance(part, URIRef)}:
        assert str(node).startswith(("http://", "https://")), node
    assert (URIRef(f"{BASE}/annotations/n1"), RDF.type, URIRef("http://www.w3.org/ns/oa#Annotation")) in graph


def test_a_mask_is_the_address_of_its_file_with_its_place_in_whole_numbers(shared: Path) -> None:
    graph = graph_of(statement(FINDINGS["mask"], 1, source()), contexts(shared))
    ((shape, _, mask),) = graph.triples((None, URIRef(f"{BASE}/ns#mask"), None))
    assert (shape, RDF.type, URIRef("http://www.w3.org/ns/oa#SvgSelector")) in graph
    assert mask == URIRef(f"{BASE}/masks/{'ab' * 32}.png")
    place = {name: graph.value(mask, URIRef(f"{BASE}/ns#{name}")) for name in ("x", "y", "width", "height")}
    assert {name: literal.value for name, literal in place.items()} == {"x": 0, "y": 0, "width": 98, "height": 78}  # type: ignore[union-attr]  # each is there


def test_a_measurement_keeps_value_unit_uncertainty_region_and_run(shared: Path) -> None:
    document = statement(FINDINGS["ruler"], 1, source())
    graph = Graph().parse(
        data=json.dumps({**document, "@context": contexts(shared), "id": f"{BASE}/annotations/n1"}), format="json-ld"
    )
    said = {str(predicate): str(value) for _, predicate, value in graph}
    assert said["http://qudt.org/schema/qudt/numericValue"] == "11.812"
    assert said["http://qudt.org/schema/qudt/standardUncertainty"] == "0.009"
    assert said["http://qudt.org/schema/qudt/hasUnit"] == "http://purl.obolibrary.org/obo/UO_0000243"
    assert said["http://rs.tdwg.org/ac/terms/xFrac"] == "0.1"
    assert said["http://iptc.org/std/Iptc4xmpExt/2008-02-29/CVterm"] == "http://rs.tdwg.org/accd/values/c03"
    assert said["http://rs.dissco.eu/opends/terms/score"] == "0.99"
    assert json.loads(said[f"{BASE}/ns#details"]) == {"ticks": 201, "fit": [0.1]}
    assert said["http://www.w3.org/ns/prov#wasGeneratedBy"].startswith(f"{BASE}/api/runs/")
