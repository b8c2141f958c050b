"""Persistent identifiers and the JSON-LD context over HTTP.

An ARK is resolved by its shoulder to the address that shows such a thing; whether the thing exists is seen there.
"""

import json
from functools import cache
from importlib import resources
from typing import Any

from flask import Blueprint, Response, request

from app.runtime import context, ids
from app.runtime.errors import NotFound
from app.runtime.http import JSON, JSON_LD, answer

blueprint = Blueprint("ontology", __name__)
HTML = "text/html"
YEAR_S = 31_536_000
# Shoulder to the path of each media type; the first is for clients that want none in particular.
SHOWN_AT = {
    ids.SPECIMEN: {HTML: "specimens/{}", JSON_LD: "iiif/presentation/3/{}/manifest.json", JSON: "api/specimens/{}"},
    ids.MEDIA: {JSON: "api/media/{}", JSON_LD: "iiif/3/{}/info.json"},
    ids.ANNOTATION: {JSON_LD: "annotations/{}"},
    ids.REGION: {HTML: "segments/{}", JSON_LD: "iiif/presentation/3/{}/manifest.json", JSON: "api/segments/{}"},
    ids.RUN: {HTML: "runs/{}", JSON: "api/runs/{}"},
    ids.INGEST: {HTML: "runs/{}", JSON: "api/runs/{}"},
    ids.AGENT: {JSON: "api/agents/{}"},
}


class UnknownIdentifier(NotFound):
    """The text is no identifier of this hub."""


@blueprint.get("/ark:<naan>/<name>")
@blueprint.get("/ark:/<naan>/<name>")
def resolve(naan: str, name: str) -> Response:
    """303 to what the client likes best of what there is (CETAF level 1 and 2; ARK specification, hyphens mean nothing).

    Raises:
        UnknownIdentifier: another authority's name, one whose check character is wrong, or of no kind that is shown.
    """
    settings = context.current().settings
    key = name.replace("-", "")
    if naan != settings.naan:
        raise UnknownIdentifier(f"This hub answers for names of ark:{settings.naan}, not for ark:{naan[:20]}.")
    if not ids.is_key(key, naan):
        raise UnknownIdentifier(f"{name[:40]!r} is not a name of this hub: its form or its check character is wrong.")
    if key[:2] not in SHOWN_AT:
        raise UnknownIdentifier(f"Things whose names begin with {key[:2]!r} are not shown by themselves.")
    shown = SHOWN_AT[key[:2]]
    best = request.accept_mimetypes.best_match(list(shown), default=next(iter(shown)))
    response = Response(status=303, headers={"Location": f"{settings.base_url}/{shown[best].format(key)}"})
    response.vary.add("Accept")
    return response


@blueprint.get("/ns/1/context.jsonld")
def read_context() -> Response:
    """The terms that annotations of this hub use beside the Web Annotation's; never changed once published."""
    response = answer(_context(context.current().settings.base_url), JSON_LD)
    response.cache_control.public = True
    response.cache_control.max_age = YEAR_S
    response.cache_control.immutable = True
    return response


@cache
def _context(base_url: str) -> Any:
    """The bundled context with `hub:` bound to this hub's own vocabulary."""
    text = resources.files("ontology").joinpath("context.jsonld").read_text(encoding="utf-8")
    return json.loads(text.replace("{base}", base_url))
