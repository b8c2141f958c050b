"""What there is as a whole: dumps, their description (VoID and DCAT), the map of the site, and what robots may fetch."""

import re
from collections.abc import Iterator
from typing import Any
from xml.sax.saxutils import escape

from flask import Blueprint, Response, request, send_file

from annotations.datasets import service as datasets
from app.discovery import dump as dumps
from app.discovery.dump import Dump
from app.runtime import context, ids
from app.runtime.addresses import Addresses
from app.runtime.clock import iso
from app.runtime.context import Runtime
from app.runtime.errors import NotFound
from app.runtime.http import answer, encode, etag_of
from app.web.names import negotiation, representations
from app.web.names.negotiation import Offer
from iiif.catalogue import service as catalogue
from iiif.descriptions import head
from ontology import rdf

blueprint = Blueprint("whole", __name__)
ON_A_MAP = 40_000  # addresses that one map of the site is meant to have; 50,000 are allowed
MOST_ON_A_MAP = 50_000
VOCABULARIES = (
    "http://rs.tdwg.org/dwc/terms/", "http://rs.tdwg.org/ac/terms/", "http://www.w3.org/ns/oa#", "http://www.w3.org/ns/prov#",
    "http://qudt.org/schema/qudt/",
)  # fmt: skip
CLOSED_TO_ROBOTS = ("/api/", "/search/", "/iiif/2/", "/account", "/login", "/join", "/review", "/audit", "/sparql", "/events")
DATASETS_LISTED = 100
XML = "application/xml; charset=utf-8"


class UnknownDump(NotFound):
    """There is no such dump, or no such file of one."""


class UnknownMap(NotFound):
    """There is no such map of the site."""


@blueprint.get("/dumps")
def read_dumps() -> Response:
    """What the newest dump holds. Raises UnknownDump before the first."""
    runtime = context.current()
    return answer(_dump_json(_newest(runtime), runtime.addresses))


@blueprint.get("/dumps/<name>/<file>")
def read_dump(name: str, file: str) -> Response:
    """A file of a dump, whole or a range of it. Raises UnknownDump."""
    path = dumps.folder_of(context.current()) / name / file
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d{6}Z", name) or file not in (*dumps.FILES, dumps.SUMS) or not path.is_file():
        raise UnknownDump(f"There is no file {file[:40]!r} of a dump {name[:40]!r} here; /dumps names the newest.")
    kind = "text/plain" if file == dumps.SUMS else "application/gzip"
    return send_file(path, mimetype=kind, conditional=True, max_age=86_400, download_name=f"{name}-{file}")


@blueprint.get("/.well-known/void")
def read_void() -> Response:
    """The hub as a whole (VoID, and DCAT 3), in the form of RDF that the client likes best."""
    runtime = context.current()
    offers = [
        Offer(suffix, rdf.FORMS[suffix].media_type, aliases=representations.ALIASES.get(suffix, ())) for suffix in FIRST_TURTLE
    ]
    form = rdf.FORMS[negotiation.best(request.headers.get("Accept", ""), offers).address]
    document = _void(runtime)
    if form.suffix == "jsonld":
        body, kind = encode(document), form.media_type
    else:
        base = runtime.addresses.base
        body, kind = (
            rdf.text(rdf.of_document(document, base, thing=str(document["id"])), form, base),
            f"{form.media_type}; charset=utf-8",
        )
    response = Response(body, content_type=kind)
    response.vary.add("Accept")
    response.set_etag(etag_of(body))
    response.make_conditional(request)
    return response


FIRST_TURTLE = ("ttl", "jsonld", "nt", "rdf")


def _newest(runtime: Runtime) -> Dump:
    found = dumps.newest(runtime)
    if found is None:
        raise UnknownDump("No dump was written yet: `lectotype dump` writes one.")
    return found


def _dump_json(dump: Dump, addresses: Addresses) -> dict[str, Any]:
    files = [
        {"url": f"{addresses.base}/dumps/{dump.name}/{name}", "mediaType": dumps.FILES[name], **file}
        for name, file in dump.files.items()
    ]
    return {
        "id": f"{addresses.base}/dumps/{dump.name}/{dumps.SUMS}",
        "created": dumps.moment_of(dump),
        "things": dict(dump.things),
        "triples": dump.triples,
        "unreadable": dump.unreadable,
        "files": files,
    }


def _void(runtime: Runtime) -> dict[str, Any]:
    addresses, settings, dump = runtime.addresses, runtime.settings, dumps.newest(runtime)
    base = addresses.base
    with runtime.reads.begin() as session:
        known = datasets.page(session, limit=DATASETS_LISTED)
    publisher = {"id": settings.provider_url or f"{base}/", "type": "Organization", "name": settings.provider_name}
    described: dict[str, Any] = {
        **head(addresses),
        "id": f"{base}/.well-known/void#all",
        "type": [VOID + "Dataset", "dcat:Catalog"],
        "dct:title": f"Specimens, images and statements of {settings.provider_name}",
        "dct:publisher": publisher,
        "dcat:landingPage": {"id": f"{base}/"},
        VOID + "uriSpace": f"{base}/",
        VOID + "sparqlEndpoint": {"id": f"{base}/sparql"},
        VOID + "vocabulary": [{"id": iri} for iri in (*VOCABULARIES, f"{base}/ns#")],
        VOID + "exampleResource": [{"id": f"{base}/ns"}],
        "dcat:dataset": [{"id": addresses.pid(one.key), "type": "dcat:Resource", "dct:title": one.title} for one, _ in known],
        "dcat:service": {
            "id": f"{base}/activity/changes", "type": "dcat:DataService",
            "dct:title": "IIIF Change Discovery", "dcat:endpointURL": {"id": f"{base}/activity/changes"},
        },
    }  # fmt: skip
    return described | (_of_dump(dump, addresses) if dump else {})


VOID = "http://rdfs.org/ns/void#"


def _of_dump(dump: Dump, addresses: Addresses) -> dict[str, Any]:
    told = _dump_json(dump, addresses)
    return {
        "dct:modified": {"@value": told["created"], "@type": "xsd:dateTime"},
        VOID + "triples": dump.triples,
        VOID + "entities": sum(dump.things.values()),
        VOID + "dataDump": [{"id": file["url"]} for file in told["files"] if file["mediaType"] == dumps.FILES[dumps.QUADS]],
        "dcat:distribution": [
            {
                "id": file["url"],
                "type": "dcat:Distribution",
                "dcat:downloadURL": {"id": file["url"]},
                "dcat:mediaType": {"id": f"http://www.iana.org/assignments/media-types/{file['mediaType']}"},
                "dcat:compressFormat": {"id": "http://www.iana.org/assignments/media-types/application/gzip"},
                "dcat:byteSize": {"@value": str(file["bytes"]), "@type": "xsd:nonNegativeInteger"},
                "contentId": ids.ni(file["sha256"]),
            }
            for file in told["files"]
        ],
    }


@blueprint.get("/robots.txt")
def read_robots() -> Response:
    """What robots may fetch: pages and documents, not answers that are made anew for each question."""
    base = context.current().addresses.base
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in CLOSED_TO_ROBOTS), "", f"Sitemap: {base}/sitemap.xml"]
    return Response("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


@blueprint.get("/sitemap.xml")
def read_map_of_maps() -> Response:
    """The maps of the site: of specimens by the first characters of their keys, which are random, so that all are alike long."""
    base = context.current().addresses.base
    names = ["datasets", *(f"specimens-{prefix}" for prefix in _prefixes())]
    entries = "".join(f"<sitemap><loc>{escape(f'{base}/sitemap/{name}.xml')}</loc></sitemap>" for name in names)
    return _xml(f'<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{entries}</sitemapindex>')


@blueprint.get("/sitemap/<name>.xml")
def read_map(name: str) -> Response:
    """One map: the pages of datasets, or of the specimens whose keys begin so. Raises UnknownMap."""
    if name == "datasets":
        return _xml(_map(_datasets()))
    prefix = name.removeprefix("specimens-")
    if not name.startswith("specimens-") or not re.fullmatch(rf"{ids.SPECIMEN}[{ids.ALPHABET}]{{0,4}}", prefix):
        raise UnknownMap(f"There is no map {name[:40]!r} of this site; /sitemap.xml names them.")
    return _xml(_map(_specimens(prefix)))


def _prefixes() -> list[str]:
    """As many characters as make no map too long."""
    with context.current().reads.begin() as session:
        count = catalogue.count_specimens(session)
    prefixes = [ids.SPECIMEN]
    while count > ON_A_MAP * len(prefixes):
        prefixes = [prefix + char for prefix in prefixes for char in ids.ALPHABET]
    return prefixes


def _specimens(prefix: str) -> Iterator[tuple[str, str]]:
    addresses = context.current().addresses
    with context.current().reads.begin() as session:
        for key, at in catalogue.list_changes(session, prefix, limit=MOST_ON_A_MAP):
            yield addresses.specimen_page(key), iso(at)


def _datasets() -> Iterator[tuple[str, str]]:
    addresses, after = context.current().addresses, ""
    with context.current().reads.begin() as session:
        while found := datasets.page(session, after=after, limit=500):
            after = found[-1][0].key
            yield from ((addresses.dataset_page(one.key), iso(one.created_at)) for one, _ in found)


def _map(pages: Iterator[tuple[str, str]]) -> str:
    entries = "".join(f"<url><loc>{escape(address)}</loc><lastmod>{at}</lastmod></url>" for address, at in pages)
    return f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{entries}</urlset>'


def _xml(document: str) -> Response:
    return Response(f'<?xml version="1.0" encoding="UTF-8"?>\n{document}\n', content_type=XML)
