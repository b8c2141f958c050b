"""A hub with something of every kind: what tests of linked data stand on."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from analytics import service as runs
from analytics.model import Run
from analytics.statements import StatementSource, statement
from analytics.steps.model import Finding
from annotations import service as annotations
from annotations.regions import Region
from app import compose
from app.runtime.context import Runtime
from app.runtime.db import Base
from app.runtime.principal import Principal
from app.runtime.settings import Settings
from iiif.catalogue.model import Media, Specimen
from tests.people import Person, add_person
from tests.sheets import ANNO, QUERCUS, Hub, add_sheet, comment, make_hub

ODD = 'Quercus robur "L." <b>&amp; Σ標本\n\ttab'
TERMS = {
    **QUERCUS,
    "occurrenceID": "https://herbarium.example.org/specimen/BR0001",
    "institutionCode": "BR",
    "collectionCode": "HERB",
    "basisOfRecord": "PreservedSpecimen",
    "recordedBy": "A. Example",
    "decimalLatitude": "50.93",
    "decimalLongitude": "4.33",
    "year": "1887",
    "locality": ODD,
}
AREA = Region.of_box(100, 200, 900, 600)
RING = Region.of_rings([[(10, 10), (90, 10), (90, 60)]])
FINDINGS = {
    "ruler": Finding("ruler", "11.812 px per mm", AREA, 11.812, "px/mm", 0.009, 0.99, ("measuring",), {"ticks": 201}),
    "length": Finding("length", "length 84.3 mm", RING, 84.3, "mm", 0.6, 0.9, ("measuring",), {}),
    "label": Finding("label", f"{ODD}\n12.vi.1887", AREA, None, "", None, 0.8, ("supplementing",), {"language": "la"}),
    "leaf": Finding("leaf", "A leaf", RING, motivations=("classifying",)),
    "barcode": Finding("barcode", "No code was found.", motivations=("assessing",)),
}


@dataclass(frozen=True)
class Collection:
    """A specimen with two images, of which the first was analysed, a person, and the keys of what is said, by what it is."""

    hub: Hub
    specimen: Specimen
    media: tuple[Media, ...]
    person: Person
    run: Run
    said: dict[str, str]

    @property
    def segment(self) -> str:
        found: str = self.hub.get(f"/api/segments?media={self.media[0].key}&class=label").json["items"][0]["key"]
        return found


@contextmanager
def collection_of(settings: Settings) -> Iterator[Collection]:
    """Such a hub, on a database of its own; closed on leaving."""
    runtime = compose.build(settings)
    Base.metadata.create_all(runtime.database.engine)
    runtime.blobs.prepare(used=False)
    try:
        yield make_collection(runtime)
    finally:
        runtime.search.close()
        runtime.database.engine.dispose()


def make_collection(runtime: Runtime) -> Collection:
    hub, at = make_hub(runtime), runtime.clock()
    specimen, media = add_sheet(runtime, terms=TERMS, sizes=((4000, 6000), (300, 200)), rights="CC BY 4.0", creator="B. Example")
    person = add_person(runtime, "ada", "curator", name="Ada Lovelace", orcid="0000-0002-1825-0097")
    naan = runtime.settings.naan
    with runtime.db.begin() as session:
        run = runs.run_over(session, media, by=Principal.of_operator(), naan=naan, at=at)
        said = {name: _find(runtime, session, finding, run, media[0]) for name, finding in FINDINGS.items()}
    canvas = hub.addresses.canvas(specimen.key, media[0].key)
    said["comment"] = _say(hub, person, comment(canvas, ODD))
    said["named"] = _say(hub, person, comment(f"{canvas}#xywh=1,2,30,40", "Named by its author"), Slug="a-galled-leaf")
    said["choice"] = _say(hub, person, _choice(hub.addresses.pid(specimen.key)))
    said["context"] = _say(hub, person, comment(canvas, **{"@context": [ANNO, {"ex": "http://ex.org/"}], "ex:weight": 3}))
    return Collection(hub, specimen, media, person, run, said)


def _find(runtime: Runtime, session: Any, finding: Finding, run: Run, media: Media) -> str:
    source = StatementSource(run, finding.kind, media, runtime.addresses, runtime.clock())
    how = {"media": media, "run_key": run.key, "addresses": runtime.addresses, "at": runtime.clock()}
    how |= {"kind": finding.kind, "value": finding.value, "unit": finding.unit, "confidence": finding.confidence}
    return annotations.create_machine(session, statement(finding, 1, source), **how).key


def _say(hub: Hub, person: Person, document: dict[str, Any], **headers: str) -> str:
    said = {"Content-Type": "application/ld+json", **person.bearer, **headers}
    answer = hub.client.post("/annotations/", json=document, headers=said)
    assert answer.status_code == 201, answer.json
    key: str = answer.json["id"].rpartition("/")[2]
    return key


def _choice(target: str) -> dict[str, Any]:
    items = [{"type": "TextualBody", "value": name, "language": "la"} for name in ("Quercus robur L.", "Quercus petraea")]
    body = {"type": "Choice", "items": items}
    return {"@context": ANNO, "type": "Annotation", "motivation": "identifying", "target": target, "body": body}
