"""Every ARK of the hub: 303 to the form of the thing that the client likes best, the thing's own descriptions by suffix, what is
known of one that is gone (410), and digests of content (RFC 6920).

An ARK names the thing; pages and documents about it have addresses of their own (CETAF levels 1 to 3; ARK specification of
2024: hyphens mean nothing, `ark:/` is the older spelling, `?info` asks for a short record, what follows is passed on).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from flask import Blueprint, Response, request

from annotations.datasets import service as datasets
from app.linked import things, tombstones
from app.linked.things import Described
from app.linked.tombstones import Tombstone
from app.runtime import context, ids, principal
from app.runtime.addresses import Addresses
from app.runtime.context import Runtime
from app.runtime.errors import Gone, NotFound
from app.runtime.http import depends_on, encode, etag_of
from app.runtime.principal import Principal
from app.web import layout
from app.web.names import negotiation, pages, representations, signposting, signposts
from app.web.names.representations import HTML
from ontology import rdf

blueprint = Blueprint("names", __name__, template_folder="templates")
NAME = re.compile(r"(?P<key>[0-9a-z-]{1,64})(?:\.v(?P<version>\d{1,9}))?(?:\.(?P<form>[a-z]{2,7}))?", re.ASCII)
VERSIONS = {"annotation": "annotations", "specimen": "api/specimens", "segment": "api/segments"}  # where those of each are
# What may follow the name of a thing, and the address that it then stands for.
PASSED_ON: Mapping[str, tuple[tuple[str, str], ...]] = {
    "specimen": ((r"manifest\.json|canvas/.+", "iiif/presentation/3/{}"), (r".+", "api/specimens/{}")),
    "segment": ((r"manifest\.json|canvas/.+", "iiif/presentation/3/{}"), (r".+", "api/segments/{}")),
    "image": ((r"file", "api/media/{}"), (r".+", "iiif/3/{}")),
    "annotation": ((r".+", "annotations/{}"),),
    "run": ((r".+", "api/runs/{}"),),
}


class UnknownIdentifier(NotFound):
    """The text is no identifier of this hub."""


@dataclass(frozen=True, slots=True)
class Name:
    """What the name says: the key of a thing, a version of it (0 for none), and the suffix of a form (empty for none)."""

    key: str
    version: int
    form: str


@blueprint.get("/ark:<naan>/<name>")
@blueprint.get("/ark:/<naan>/<name>")
def resolve(naan: str, name: str) -> Response:
    """The thing of that name. Raises UnknownIdentifier, and what its kind raises."""
    runtime, by, asked = context.current(), principal.of_page(), _name(naan, name)
    if asked.key[:2] == ids.DATASET and not asked.form:
        return _to(_dataset(asked, runtime), by)
    if asked.key[:2] in (ids.INGEST, ids.QUESTION):
        return _to(_page_or_json(asked.key, runtime.addresses), by)
    kind = things.kind_of(asked.key, naan)
    if asked.version:
        return _to(_version(asked, kind.name, runtime.addresses), by)
    try:
        with runtime.reads.begin() as session:
            thing = things.describe(session, asked.key, runtime, by)
    except Gone as error:
        return _gone(tombstones.of(error, kind.title, asked.key, runtime.addresses), asked, runtime, by)
    if "info" in request.args:
        return _sent(pages.record(thing, runtime).encode(), "text/plain; charset=utf-8", by)
    if asked.form:
        return _form(thing, asked.form, runtime, by)
    return _negotiated(thing, runtime, by)


@blueprint.get("/ark:<naan>/<name>/<path:rest>")
@blueprint.get("/ark:/<naan>/<name>/<path:rest>")
def pass_on(naan: str, name: str, rest: str) -> Response:
    """What follows the name is asked of where the thing is (suffix passthrough)."""
    runtime, by, asked = context.current(), principal.of_page(), _name(naan, name)
    kind = things.kind_of(asked.key, naan)
    for pattern, there in PASSED_ON.get(kind.name, ()):
        if re.fullmatch(pattern, rest):
            raw = request.environ.get("RAW_URI") or request.environ.get("REQUEST_URI") or ""
            query = f"?{request.query_string.decode('latin-1')}" if request.query_string else ""
            tail = raw.partition(f"/{name}/")[2].partition("?")[0] if f"/{name}/" in raw else rest
            return _to(f"{runtime.addresses.base}/{there.format(asked.key)}/{tail}{query}", by, 302)
    raise UnknownIdentifier(f"Nothing is below the {kind.title.lower()} {asked.key} at {rest[:60]!r}.")


def _name(naan: str, name: str) -> Name:
    """Raises UnknownIdentifier, which tells a mistyped name from one of elsewhere."""
    own, match = context.current().settings.naan, NAME.fullmatch(name)
    if naan != own:
        raise UnknownIdentifier(f"This hub answers for names of ark:{own}, not for ark:{naan[:20]}.")
    key = match["key"].replace("-", "") if match else ""
    if match is None or re.fullmatch(ids.KEY_PATTERN, key, re.ASCII) is None:
        raise UnknownIdentifier(f"{name[:40]!r} has not the form of a name of this hub: a letter, the digit 1, ten characters.")
    if not ids.is_key(key, own):
        raise UnknownIdentifier(
            f"The check character of {name[:40]!r} is wrong: a character of it was mistyped, or two were swapped."
        )
    return Name(key, int(match["version"] or 0), match["form"] or "")


def _page_or_json(key: str, addresses: Addresses) -> str:
    """Of an ingest, or of a saved question."""
    place = "queries" if key[:2] == ids.QUESTION else "runs"
    there = f"{addresses.base}/{place}/{key}", f"{addresses.base}/api/{place}/{key}"
    offers = [negotiation.Offer(there[0], HTML), negotiation.Offer(there[1], "application/json")]
    return negotiation.best(request.headers.get("Accept", ""), offers).address


def _dataset(asked: Name, runtime: Runtime) -> str:
    """Its page, which tells also of withdrawn versions, or its description for machines. Raises UnknownDataset."""
    with runtime.reads.begin() as session:
        known = datasets.get(session, asked.key)
        if asked.version:
            datasets.get_version(session, asked.key, asked.version)
    page = runtime.addresses.dataset_page(f"{known.key}.v{asked.version}" if asked.version else known.key)
    record = f"{page}/croissant.json" if asked.version or known.newest else runtime.addresses.dataset_record(known.key)
    offers = [negotiation.Offer(page, HTML), negotiation.Offer(record, "application/ld+json")]
    offers.append(negotiation.Offer(runtime.addresses.dataset_record(known.key), "application/json"))
    return negotiation.best(request.headers.get("Accept", ""), offers).address


def _version(asked: Name, kind: str, addresses: Addresses) -> str:
    """Raises UnknownIdentifier for things without versions, and forms that versions do not have."""
    if kind not in VERSIONS:
        raise UnknownIdentifier(f"Things of the kind {kind} have no versions: leave .v{asked.version} out.")
    if asked.form:
        raise UnknownIdentifier(f"A version has no form .{asked.form[:10]}: leave it out.")
    return f"{addresses.base}/{VERSIONS[kind]}/{asked.key}/versions/{asked.version}"


def _negotiated(thing: Described, runtime: Runtime, by: Principal) -> Response:
    offers = representations.offers(thing, runtime.addresses)
    liked = negotiation.best(request.headers.get("Accept", ""), offers)
    response = signposting.add(_to(liked.address, by), representations.signposts(thing, runtime.addresses))
    for offer in offers:
        profile = f'; profile="{offer.profile}"' if offer.profile else ""
        response.headers.add("Link", f'<{offer.address}>; rel="alternate"; type="{offer.media_type}"{profile}')
    return response


def _form(thing: Described, suffix: str, runtime: Runtime, by: Principal) -> Response:
    """Raises UnknownIdentifier for a suffix that is none."""
    addresses = runtime.addresses
    signs = representations.signposts(thing, addresses)
    if suffix == "linkset":
        body = encode(signposting.linkset(signs, representations.page_of(thing, addresses)))
        return _sent(body, signposting.LINKSET, by)
    if suffix == "html":
        told = signposts.of_thing(thing.key, by)
        shown = {**pages.values(thing, runtime), "schema_org": told.schema_org, "notices": told.notices}
        response = layout.page("thing.html", by=by, here="", **shown)
        return signposting.add(response, signs)
    form = rdf.FORMS.get(suffix)
    if form is None:
        raise UnknownIdentifier(f"There is no form .{suffix[:10]}; these are: {', '.join(rdf.FORMS)}, html, linkset.")
    response = _document(thing.document, thing.iri, form, runtime, by)
    pid = representations.pid_of(thing, addresses)
    response.headers.add("Link", f'<{pid}>; rel="describes"')
    response.headers.add("Link", f'<{representations.page_of(thing, addresses)}>; rel="alternate"; type="text/html"')
    return response


def _document(
    document: Mapping[str, object], iri: str, form: rdf.Form, runtime: Runtime, by: Principal, status: int = 200
) -> Response:
    base = runtime.addresses.base
    if form.suffix == "jsonld":
        return _sent(encode(document), form.media_type, by, status)
    triples = rdf.of_document(document, base, thing=iri, passing_over=True)
    media_type = form.media_type if form.suffix == "nt" else f"{form.media_type}; charset=utf-8"
    return _sent(rdf.text(triples, form, base), media_type, by, status)


def _gone(stone: Tombstone, asked: Name, runtime: Runtime, by: Principal) -> Response:
    """410 in the form that was asked for, or that the client likes best."""
    offers = [negotiation.Offer("html", HTML, aliases=("application/xhtml+xml",))]
    offers += [
        negotiation.Offer(form.suffix, form.media_type, aliases=representations.ALIASES.get(form.suffix, ()))
        for form in rdf.FORMS.values()
    ]
    offers[1] = negotiation.Offer("jsonld", "application/ld+json", aliases=("application/json",))
    liked = asked.form or negotiation.best(request.headers.get("Accept", ""), offers).address
    if liked in rdf.FORMS:
        return _document(stone.document(runtime.addresses), stone.iri, rdf.FORMS[liked], runtime, by, 410)
    return layout.page("gone.html", by=by, status=410, here="", stone=stone)


def _to(address: str, by: Principal, status: int = 303) -> Response:
    response = Response(status=status, headers={"Location": address})
    response.vary.add("Accept")
    depends_on(response, by)
    return response


def _sent(body: bytes, media_type: str, by: Principal, status: int = 200) -> Response:
    response = Response(body, status, content_type=media_type)
    response.vary.add("Accept")
    depends_on(response, by)
    if status == 200:
        response.set_etag(etag_of(body))
        response.make_conditional(request)
    return response
