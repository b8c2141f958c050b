"""The hub's own words over HTTP: the JSON-LD context."""

from flask import Blueprint, Response

from app.runtime import context
from app.runtime.http import JSON_LD, answer
from ontology import contexts

blueprint = Blueprint("ontology", __name__)
YEAR_S = 31_536_000


@blueprint.get("/ns/1/context.jsonld")
def read_context() -> Response:
    """The terms that annotations of this hub use beside the Web Annotation's; never changed once published."""
    response = answer(contexts.own(context.current().settings.base_url), JSON_LD)
    response.cache_control.public = True
    response.cache_control.max_age = YEAR_S
    response.cache_control.immutable = True
    return response
