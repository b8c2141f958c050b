"""The hits of a search as JSON objects: what the database says of them, their thumbnails, quotations of the words asked for."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from annotations.model import Annotation, Canvas
from annotations.search import audience, segment_items, snippets, store
from annotations.search.documents import ANNOTATION, FULL, SEGMENT, SPECIMEN, of_index_key
from annotations.search.record_fields import label
from annotations.search.schema import THING
from annotations.search.snippets import Quote
from annotations.viewer_selectors import picture_of
from app.runtime import clock
from app.runtime.addresses import Addresses
from app.runtime.principal import Principal
from app.runtime.search.port import And, Query, SearchEngine, Term
from iiif.catalogue import places
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media, OwnRegion, Specimen
from iiif.catalogue.records import change_json
from iiif.catalogue.visibility import sees
from iiif.image.request import PixelBox
from iiif.image.service import segment_of, thumbnail

MOST_TEXTS = 100  # texts of annotations that are looked through for the quotations of one page
MOST_ROUNDS = 3  # times that the engine is asked for them
LONGEST_TEXT = 500  # characters of an annotation's text in a list


def items_of(
    session: Session, engine: SearchEngine, index_keys: Sequence[str], tree: Query, by: Principal, addresses: Addresses
) -> list[dict[str, Any]]:
    """The JSON objects of these hits, with quotations of the words of `tree`; what is not there any more is left out."""
    of_sort: dict[str, list[str]] = {}
    for name in index_keys:
        sort, key = of_index_key(name)
        of_sort.setdefault(SPECIMEN if sort == FULL else sort, []).append(key)
    annotations = store.annotations_by_key(session, of_sort.get(ANNOTATION, ()), by)
    specimen_keys = of_sort.get(SPECIMEN, [])
    parts = segment_items.of_hits(session, of_sort.get(SEGMENT, ()), by)
    keys = {*specimen_keys, *(annotation.specimen_key for annotation in annotations.values())}
    keys |= {part.specimen_key for part in parts.values()}
    known = catalogue.specimens_by_key(session, keys)
    media, regions = catalogue.media_of_many(session, keys), catalogue.own_regions(session, specimen_keys)
    specimens_found = {key: known[key] for key in specimen_keys if key in known}
    quoted = quote_specimens(session, engine, specimens_found, media, tree, by)
    searched = snippets.searched_words(tree)
    items: list[dict[str, Any]] = []
    for name in index_keys:
        key = of_index_key(name)[1]
        if name.startswith(SPECIMEN) and key in known:
            items.append(specimen_item(known[key], media[key], regions, quoted.get(key), addresses, by))
        elif name.startswith(ANNOTATION) and key in annotations:
            one = annotations[key]
            quote = snippets.best([("", one.text)], searched)
            items.append(annotation_item(one, known.get(one.specimen_key), media.get(one.specimen_key, ()), quote, addresses, by))
        elif name.startswith(SEGMENT) and key in parts:
            part = parts[key]
            quote = snippets.best([("", text) for text in part.texts], searched)
            items.append(segment_items.item(part, known.get(part.specimen_key), quote, addresses, by))
    return items


def quote_specimens(
    session: Session,
    engine: SearchEngine,
    known: Mapping[str, Specimen],
    media: Mapping[str, Sequence[Media]],
    tree: Query,
    by: Principal,
) -> dict[str, Quote]:
    """Where in what `by` sees of its labels, its record or its files' names the words of the question stand."""
    searched = snippets.searched_words(tree)
    if not searched or not known:
        return {}
    texts = _texts_with(session, engine, known, tree, by)
    quoted = {}
    for key, specimen in known.items():
        seen = places.public(specimen)
        record = [*seen.interpreted.items(), ("catalogNumber", specimen.catalog_number), *seen.verbatim.items()]
        files = [("file name", one.file_name) for one in media.get(key, ()) if sees(one, by)]
        found = snippets.best(((name, str(text)) for name, text in (*texts.get(key, ()), *record, *files)), searched)
        if found is not None:
            quoted[key] = found
    return quoted


def _texts_with(
    session: Session, engine: SearchEngine, known: Mapping[str, Specimen], tree: Query, by: Principal
) -> Mapping[str, list[tuple[str, str]]]:
    """Of each specimen (annotation key, text) of what holds a word of the question: the engine says which annotations these are,
    so that of a page of hits few texts are read, however much lies on its specimens.

    An index of an earlier version may not know what lies on a specimen: then these are the first texts there, with the words or
    without.
    """
    words = snippets.any_word(tree, "text")
    if words is None:
        return {}
    if "specimen" in engine.lacking():
        return store.texts_of_specimens(session, known, MOST_TEXTS * MOST_ROUNDS, by)
    shown, texts, left = audience.shown(session, engine, by), dict[str, list[tuple[str, str]]](), list(known)
    for _ in range(MOST_ROUNDS):
        on_them = (Term(THING, (ANNOTATION,)), Term("specimen", tuple(left)), shown)
        found = engine.find(And((words, *on_them)), limit=MOST_TEXTS)
        texts |= store.texts_of_specimens(session, left, MOST_TEXTS, by, among=[of_index_key(hit.key)[1] for hit in found.hits])
        left = [key for key in left if key not in texts]
        if not left or found.total <= len(found.hits):  # else one specimen has so many that they crowd the others out
            break
    return texts


def specimen_item(
    specimen: Specimen,
    media: Iterable[Media],
    regions: Mapping[tuple[str, str], OwnRegion],
    quote: Quote | None,
    addresses: Addresses,
    by: Principal,
) -> dict[str, Any]:
    """`regions` are those of `catalogue.own_regions`: the thumbnail shows the specimen's own."""
    ready = [one for one in media if one.state == "ready"]
    own = [(one, segment_of(one, regions.get((specimen.key, one.key)))) for one in ready]
    return {
        "type": SPECIMEN,
        "id": addresses.pid(specimen.key),
        "key": specimen.key,
        "label": label(specimen),
        "scientificName": specimen.scientific_name,
        "catalogNumber": specimen.catalog_number,
        "thumbnail": next(filter(None, (_picture(one, addresses, by, segment) for one, segment in own)), None),
        "manifest": addresses.manifest(specimen.key) if ready else None,
        "page": addresses.specimen_page(specimen.key),
        "record": addresses.specimen_record(specimen.key),
        "changes": [change_json(change, addresses) for change in places.public(specimen).changes.values()],
        "snippet": quote.to_json() if quote else None,
    }


def annotation_item(
    annotation: Annotation,
    specimen: Specimen | None,
    media: Iterable[Media],
    quote: Quote | None,
    addresses: Addresses,
    by: Principal,
) -> dict[str, Any]:
    """Its box is [x0, y0, x1, y1] in canvas units; the thumbnail shows just that, or the whole image."""
    image = next((one for one in media if one.key == annotation.media_key and one.state == "ready"), None)
    box = annotation.box
    return {
        "type": ANNOTATION,
        "id": addresses.annotation(annotation.key),
        "key": annotation.key,
        "label": label(specimen) if specimen else annotation.specimen_key,
        "kind": annotation.kind,
        "layer": annotation.layer,
        "state": annotation.state,
        "motivation": list(annotation.motivations),
        "text": annotation.text[:LONGEST_TEXT],
        "value": annotation.value,
        "unit": annotation.unit,
        "confidence": annotation.confidence,
        "run": addresses.run(annotation.run_key) if annotation.run_key else None,
        "created": clock.iso(annotation.created_at),
        "specimen": annotation.specimen_key,
        "canvas": addresses.canvas(annotation.specimen_key, annotation.media_key) if annotation.media_key else None,
        "box": [box.x0, box.y0, box.x1, box.y1] if box else None,
        "thumbnail": _detail(annotation, image, addresses, by) if image else None,
        "manifest": addresses.manifest(annotation.specimen_key) if annotation.specimen_key else None,
        "page": addresses.specimen_page(annotation.specimen_key) if annotation.specimen_key else None,
        "snippet": quote.to_json() if quote else None,
    }


def _picture(image: Media, addresses: Addresses, by: Principal, segment: PixelBox | None = None) -> dict[str, Any] | None:
    shown = thumbnail(addresses, image, by, segment=segment)
    return shown and {name: shown[name] for name in ("id", "width", "height")}


def _detail(annotation: Annotation, image: Media, addresses: Addresses, by: Principal) -> dict[str, Any] | None:
    """The annotation's box at most 400 by 400 pixels, never enlarged; None where `by` may not see it."""
    if annotation.box is None or not sees(image, by):
        return _picture(image, addresses, by)
    region = picture_of(annotation.box, Canvas(image.width_px, image.height_px))
    width, height = (max(1, int(side)) for side in region.split(",")[2:])
    scale = min(1.0, 400 / max(width, height))
    width, height = max(1, round(width * scale)), max(1, round(height * scale))
    size = f"{'!' if image.access == 'reduced' else ''}{width},{height}"
    iri = f"{addresses.image(image.key)}/{region}/{size}/0/default.jpg"
    return {"id": iri, "width": width, "height": height}
