"""Specimens with images that count as ready, without files: what tests of manifests and annotations stand on."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.runtime import tokens
from app.runtime.addresses import Addresses
from app.runtime.context import Runtime
from app.runtime.principal import Principal
from app.web import create_app
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media, Specimen

ANNO = "http://www.w3.org/ns/anno.jsonld"
QUERCUS = {"scientificName": "Quercus robur L.", "eventDate": "1887-06-12", "country": "Belgium", "license": "CC BY 4.0"}


@dataclass(frozen=True)
class Hub:
    """The whole application in memory, on a runtime of the test's own, and a token to write with."""

    runtime: Runtime
    client: FlaskClient
    token: str

    @property
    def addresses(self) -> Addresses:
        return self.runtime.addresses

    def get(self, iri: str, **headers: str) -> TestResponse:
        path = iri.removeprefix(self.addresses.base)
        return self.client.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def write(self, method: str, iri: str, document: Any = None, **headers: str) -> TestResponse:
        """With the token, as JSON-LD; header names take _ for -."""
        said = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/ld+json"}
        said |= {name.replace("_", "-"): value for name, value in headers.items()}
        data = document if isinstance(document, bytes | None) else json.dumps(document)
        return self.client.open(iri.removeprefix(self.addresses.base), method=method, data=data, headers=said)

    def post(self, document: Any, **headers: str) -> TestResponse:
        return self.write("POST", "/annotations/", document, **headers)


def make_hub(runtime: Runtime) -> Hub:
    app = create_app(runtime)
    with runtime.db.begin() as session:
        token = tokens.create(session, "test", runtime.clock(), by=Principal.of_system())
    return Hub(runtime, app.test_client(), token)


def add_sheet(
    runtime: Runtime,
    number: str = "BR 0001",
    terms: Mapping[str, str] | None = None,
    sizes: Sequence[tuple[int, int]] = ((4000, 6000),),
    **media: str,
) -> tuple[Specimen, tuple[Media, ...]]:
    """A specimen with one ready image of each size, in pixels."""
    at, naan = runtime.clock(), runtime.settings.naan
    with runtime.db.begin() as session:
        draft = catalogue.SpecimenDraft(number, dict(QUERCUS if terms is None else terms), {}, "test")
        specimen = catalogue.add_specimen(session, draft, naan=naan, at=at)
        for index, (width, height) in enumerate(sizes):
            sha256 = hashlib.sha256(f"{specimen.key} {index}".encode()).hexdigest()
            said = {"file_name": f"{number} {index}.jpg", **media}
            added = catalogue.add_media(
                session, catalogue.MediaDraft(specimen.key, sha256, 10, "image/jpeg", **said), naan=naan, at=at
            )
            catalogue.media_ready(session, added.key, catalogue.Derivative(width, height, 1, "", sha256, 1), at=at)
        return specimen, catalogue.media_of(session, specimen.key)


def comment(target: Any, text: str = "A galled leaf", **more: Any) -> dict[str, Any]:
    """A W3C annotation with one text."""
    body = {"type": "TextualBody", "value": text, "format": "text/plain", "language": "en"}
    return {"@context": ANNO, "type": "Annotation", "motivation": "commenting", "body": body, "target": target, **more}
