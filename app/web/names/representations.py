"""In which forms a thing is there, and where each is."""

from collections.abc import Mapping
from typing import Any

from annotations.bodies import several
from app.linked.things import Described
from app.runtime import ids
from app.runtime.addresses import Addresses
from app.runtime.http import JSON, JSON_LD
from app.web.names.negotiation import Offer
from app.web.names.signposting import Signposts
from ontology import contexts, rdf

HTML = "text/html"
PRESENTATION, IMAGE = "http://iiif.io/api/presentation/3/context.json", "http://iiif.io/api/image/3/context.json"
ALIASES = {
    "ttl": ("text/n3", "text/rdf+n3", "application/x-turtle", "application/turtle", "application/n3"),
    "rdf": ("application/xml", "text/xml", "application/rdf", "text/rdf"),
    "nt": ("text/ntriples", "text/nt"),
}
PAGES = {"specimen": "specimens", "segment": "segments", "run": "runs"}  # kinds with a page of their own
RECORDS = {"specimen": "specimens", "segment": "segments", "run": "runs", "image": "media", "person": "agents"}
OWN_FIRST = {"image": JSON, "annotation": JSON_LD, "person": JSON}  # what who asks for nothing in particular has always got


def page_of(thing: Described, addresses: Addresses) -> str:
    """The page that shows it to people."""
    own = PAGES.get(thing.kind)
    return f"{addresses.base}/{own}/{thing.key}" if own else f"{pid_of(thing, addresses)}.html"


def pid_of(thing: Described, addresses: Addresses) -> str:
    """Its persistent identifier; that of an annotation with a name of its author's follows from the name."""
    return addresses.pid(addresses.annotation_key(thing.key) if thing.kind == "annotation" else thing.key)


def offers(thing: Described, addresses: Addresses) -> list[Offer]:
    """All forms; the first is for who wants none in particular."""
    pid = pid_of(thing, addresses)
    found = [Offer(page_of(thing, addresses), HTML, aliases=("application/xhtml+xml",), title="Page")]
    found += [
        Offer(f"{pid}.{form.suffix}", form.media_type, aliases=ALIASES.get(form.suffix, ()), title=form.title)
        for form in rdf.FORMS.values()
    ]
    if record := _record(thing, addresses):
        found.append(Offer(record, JSON, title="JSON"))
    found += _of_other_apis(thing, addresses)
    first = OWN_FIRST.get(thing.kind)
    return sorted(found, key=lambda one: one.media_type != first or (first == JSON_LD and not one.profile))


def _record(thing: Described, addresses: Addresses) -> str:
    if thing.kind == "pipeline":
        return next((one["id"] for one in several(thing.document.get("isVersionOf"))), "")
    return f"{addresses.base}/api/{RECORDS[thing.kind]}/{thing.key}" if thing.kind in RECORDS else ""


def _of_other_apis(thing: Described, addresses: Addresses) -> list[Offer]:
    """JSON-LD as other specifications have it, for who names their profile."""
    match thing.kind:
        case "annotation":
            return [Offer(addresses.annotation(thing.key), JSON_LD, contexts.ANNO, title="Web Annotation")]
        case "specimen" if "hub:depictedIn" in thing.document:
            return [Offer(addresses.manifest(thing.key), JSON_LD, PRESENTATION, title="IIIF manifest")]
        case "segment":
            return [Offer(addresses.manifest(thing.key), JSON_LD, PRESENTATION, title="IIIF manifest")]
        case "image" if "hasServiceAccessPoint" in thing.document:
            return [Offer(f"{addresses.image(thing.key)}/info.json", JSON_LD, IMAGE, title="IIIF image")]
    return []


def signposts(thing: Described, addresses: Addresses) -> Signposts:
    """What its page tells programs."""
    pid, document = pid_of(thing, addresses), thing.document
    points = [one for one in several(document.get("hasServiceAccessPoint")) if isinstance(one, Mapping)]
    whole = tuple((str(one["accessURI"]), "image/jpeg") for one in points if str(one["id"]).endswith("#whole"))
    manifest = document.get("hub:depictedIn")
    shown = ((str(manifest["id"]), JSON_LD),) if isinstance(manifest, Mapping) else ()
    return Signposts(
        cite_as=pid,
        described_by=tuple((f"{pid}.{form.suffix}", form.media_type) for form in rdf.FORMS.values()),
        items=whole + shown,
        authors=tuple(iri for one in several(document.get("creator")) if (iri := _iri(one)).startswith("http")),
        licence=licence_of(document),
        types=TYPES.get(thing.kind, ()),
        linkset=f"{pid}.linkset",
        more=((INBOX, f"{addresses.base}/inbox"),),
    )


INBOX = "http://www.w3.org/ns/ldp#inbox"
TYPES: Mapping[str, tuple[str, ...]] = {
    "image": ("https://schema.org/ImageObject", "http://rs.tdwg.org/ac/terms/Media"),
    "annotation": ("https://schema.org/Comment", "http://www.w3.org/ns/oa#Annotation"),
    "pipeline": ("https://schema.org/SoftwareSourceCode",),
    "model": ("https://schema.org/SoftwareApplication",),
    "segment": ("https://schema.org/ImageObject", "http://rs.tdwg.org/ac/terms/RegionOfInterest"),
    "specimen": ("https://schema.org/CreativeWork", "http://rs.dissco.eu/opends/terms/DigitalSpecimen"),
    "person": ("https://schema.org/Person",),
    "run": ("https://schema.org/CreateAction",),
}


def licence_of(document: Mapping[str, Any]) -> str:
    """The address of the licence, empty where none is known."""
    return next((iri for name in ("license", "rights") if (iri := _iri(document.get(name))).startswith("http")), "")


def _iri(value: Any) -> str:
    if isinstance(value, Mapping):
        return str(value.get("id", ""))
    return value if isinstance(value, str) else ""


def title_of(document: Mapping[str, Any]) -> str:
    """What people may call the thing."""
    for name in ("label", "name", "dcterms:title"):
        if isinstance(document.get(name), str) and document[name]:
            return str(document[name])
    return ""


def ark_of(thing: Described, addresses: Addresses) -> str:
    return ids.ark(addresses.annotation_key(thing.key) if thing.kind == "annotation" else thing.key, addresses.naan)
