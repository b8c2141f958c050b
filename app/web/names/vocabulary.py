"""The hub's vocabulary and its shapes over HTTP: `/ns` as a page and in every form of RDF."""

from flask import Blueprint, Response, request

from app.runtime import context
from app.runtime.http import encode, etag_of
from app.web import layout
from app.web.names import negotiation, representations
from app.web.names.negotiation import Offer
from ontology import rdf, shapes, vocabulary

blueprint = Blueprint("vocabulary", __name__, template_folder="templates")
TURTLE = "text/turtle; charset=utf-8"


@blueprint.get("/ns")
def read_vocabulary() -> Response:
    """The vocabulary in the form that the client likes best; a term's address (`/ns#mask`) comes here, too."""
    offers = [Offer("html", representations.HTML, aliases=("application/xhtml+xml",))]
    aliases = representations.ALIASES
    offers += [Offer(form.suffix, form.media_type, aliases=aliases.get(form.suffix, ())) for form in rdf.FORMS.values()]
    liked = negotiation.best(request.headers.get("Accept", ""), offers).address
    response = _page() if liked == "html" else _of(rdf.FORMS[liked])
    response.vary.add("Accept")
    return response


@blueprint.get("/ns/vocabulary.<any('ttl','nt','rdf','jsonld'):suffix>")
def read_form(suffix: str) -> Response:
    return _of(rdf.FORMS[suffix])


@blueprint.get("/ns/shapes.ttl")
def read_shapes() -> Response:
    """What graphs are checked by (SHACL)."""
    return _sent(shapes.text(context.current().addresses.base).encode(), TURTLE)


def _page() -> Response:
    base = context.current().addresses.base
    forms = [(f"{base}/ns/vocabulary.{form.suffix}", form.title) for form in rdf.FORMS.values()]
    response = layout.page("vocabulary.html", here="", terms=vocabulary.terms(base), forms=forms, base=base)
    for address, _ in forms:
        response.headers.add("Link", f'<{address}>; rel="describedby"')
    return response


def _of(form: rdf.Form) -> Response:
    base = context.current().addresses.base
    if form.suffix == "ttl":
        return _sent(vocabulary.text(base).encode(), TURTLE)
    triples = vocabulary.triples(base)
    if form.suffix == "jsonld":
        return _sent(encode(rdf.as_json_ld(triples)), form.media_type)
    return _sent(rdf.text(triples, form, base), form.media_type)


def _sent(body: bytes, media_type: str) -> Response:
    response = Response(body, content_type=media_type)
    response.set_etag(etag_of(body))
    response.cache_control.max_age = 3600
    response.make_conditional(request)
    return response
