"""What the index knows of a specimen and of an annotation, made from the database as it stands now.

An annotation carries the facets of its specimen, and a specimen the text and measures of its annotations, so that one
query combines them. A specimen with closed images has a second, full document (see `audience`). The catalogue gives a
specimen a new version whenever one of its annotations or images changes, so the version of the row is that of the document.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from annotations import placing, store
from annotations.model import Target
from annotations.search import audience, vocabulary
from annotations.search.placed import MOST_COUNTED
from annotations.search.record_fields import Fields, darwin_core, distinct, term_words, words_of
from annotations.search.schema import BY_NAME, LOOKS, LOOKS_MODEL, MEASURES, TERM_WORDS, THING
from annotations.segments import store as segment_store
from annotations.segments.store import Described
from annotations.tables import AnnotationRow
from annotations.vectors import service as vectors
from app.runtime import ids
from app.runtime.addresses import Addresses
from app.runtime.errors import Invalid
from app.runtime.search.port import Document, Held, Shared
from iiif.catalogue import places
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media, Specimen

SPECIMEN, ANNOTATION, SEGMENT, MEDIA = "specimen", "annotation", "segment", "media"
FULL, PLUS = "specimen-full", "+full"  # the second document of a specimen with closed images
NEVER = 2**53  # version of the tombstone of what the database does not know at all
LONGEST_TEXT = 200_000  # characters of all annotations of one specimen
READ = ("text", "label", "barcode", "")  # kinds whose text was on the sheet, or written by people
# the columns that are read: the documents may be big
ALL_SHOWN = (
    *("key", "version", "layer", "kind", "state", "sealed", "motivations", "run_key", "unit", "confidence", "value", "text"),
    *("x0", "y0", "x1", "y1", "created_at", "modified_at", "deleted_at", "withdrawn_at", "withdrawals", "closings"),
    *("judgements", "veil"),
)
SHOWN = (
    "key",
    "kind",
    "layer",
    "state",
    "sealed",
    "motivations",
    "run_key",
    "value",
    "unit",
    "text",
    "x0",
)  # the documents may be big
Closed = Mapping[str, set[audience.Held]]  # of annotations about closed images: in which collections
log = structlog.get_logger()


def build(session: Session, sort: str, key: str, addresses: Addresses) -> Document:
    """The document of a "specimen", its "specimen-full" one or an "annotation"; a tombstone if it is not there (any more)."""
    return build_many(session, [(sort, key)], addresses)[0]


def build_many(session: Session, objects: Sequence[tuple[str, str]], addresses: Addresses) -> list[Document]:
    """The same of several, (sort, key), in order, with a few queries for all of them."""
    if strange := {sort for sort, _ in objects} - {SPECIMEN, FULL, ANNOTATION, SEGMENT}:
        raise Invalid(f"Nothing of the sort {min(strange)!r} is indexed.")
    keys = list(dict.fromkeys(key for sort, key in objects if sort in (SPECIMEN, FULL)))
    rows = {row.key: row for row in store.some_of(session, [key for sort, key in objects if sort == ANNOTATION], ALL_SHOWN)}
    targets = store.targets_of(session, list(rows))
    lying = _lying(session, targets)
    parts = segment_store.described(session, [key for sort, key in objects if sort == SEGMENT])
    on_parts = _on_segments(session, parts)
    lie_on = chain.from_iterable((*lying.values(), *on_parts.values()))
    specimens = catalogue.specimens_by_key(session, {*keys, *lie_on})
    media = catalogue.media_of_many(session, keys)
    statements = _annotations_of(session, keys)
    shown = {one.key for several in media.values() for one in several}
    led: Mapping[str, str] = dict(segment_store.classes_led(session, sorted(shown)))
    closed = store.closed_in(session, [*rows, *(row.key for several in statements.values() for row in several)])
    made = []
    facets = _Facets(specimens, addresses)
    for sort, key in objects:
        if sort == ANNOTATION:
            images = distinct(target.media_key for target in targets.get(key, ()))
            made.append(_annotation(key, rows.get(key), images, lying.get(key, ()), facets, closed, addresses))
        elif sort == SEGMENT:
            made.append(_segment(key, parts.get(key), on_parts.get(key, ()), facets, addresses))
        else:
            about = (media.get(key, ()), statements.get(key, []), led)
            made.append(_specimen(sort, key, specimens.get(key), *about, closed, addresses))
    return _with_looks(session, made)


def _with_looks(session: Session, made: Sequence[Document]) -> list[Document]:
    """With the vector of a segment, or of the first of those images of a specimen that the document tells of."""
    shown = {one.key: _looked_at(one) for one in made if not one.deleted}
    known = vectors.of(session, list(dict.fromkeys(chain.from_iterable(shown.values()))))
    found = {key: next((known[one] for one in keys if one in known), None) for key, keys in shown.items()}
    seen = {key: {LOOKS: one.values.tolist(), LOOKS_MODEL: one.model} for key, one in found.items() if one is not None}
    return [replace(one, fields={**one.fields, **seen[one.key]}) if one.key in seen else one for one in made]


def _looked_at(document: Document) -> list[str]:
    sort, key = of_index_key(document.key)
    if sort == SEGMENT:
        return [key]
    return _list(document.fields["media"]) if sort in (SPECIMEN, FULL) else []


def build_able(session: Session, objects: Sequence[tuple[str, str]], addresses: Addresses) -> list[Document]:
    """The same without those that cannot be described, which are logged: one must not keep the others out of the index."""
    try:
        return build_many(session, objects, addresses)
    except SQLAlchemyError:
        raise
    except Exception:
        if len(objects) > 1:
            return [document for one in objects for document in build_able(session, [one], addresses)]
        log.exception("left out of the index; check-index will name it", key=index_key(*objects[0]))
        return []


def of_changed(sort: str, key: str) -> tuple[tuple[str, str], ...]:
    """The documents, (sort, key), that show an object of which the outbox says that it changed."""
    return ((FULL, key), (SPECIMEN, key)) if sort == SPECIMEN else ((sort, key),)


def index_key(sort: str, key: str) -> str:
    """The key in the index; a full document stands beside the public one of its specimen."""
    return f"{SPECIMEN}/{key}{PLUS}" if sort == FULL else f"{sort}/{key}"


def of_index_key(index_key: str) -> tuple[str, str]:
    """The (sort, key) of which that is the key in the index."""
    sort, _, key = index_key.partition("/")
    return (FULL, key.removesuffix(PLUS)) if key.endswith(PLUS) else (sort, key)


def _annotations_of(session: Session, specimen_keys: Sequence[str]) -> Mapping[str, list[AnnotationRow]]:
    """The standing ones that lie on each specimen, in the order of their keys."""
    found: dict[str, list[AnnotationRow]] = {}
    for specimen_key, row in store.of_specimens(session, specimen_keys, SHOWN):
        found.setdefault(specimen_key, []).append(row)
    return found


def _specimen(
    sort: str,
    key: str,
    specimen: Specimen | None,
    media: Sequence[Media],
    rows: Sequence[AnnotationRow],
    led: Mapping[str, str],
    closed: Closed,
    addresses: Addresses,
) -> Document:
    """The public document, or the full one, which there is where an image is closed."""
    if specimen is None:
        return Document(index_key(sort, key), NEVER, deleted=True)
    collections = {(one.institution_code, one.collection_code) for one in media if one.access == "closed"}
    if sort == SPECIMEN:
        media, rows = [one for one in media if one.access != "closed"], [row for row in rows if row.key not in closed]
        access = audience.of_shortened(collections) if collections else [audience.EVERYBODY]
    elif collections:
        rows, access = [row for row in rows if closed.get(row.key, set()) <= collections], audience.of_closed(collections)
    else:
        return Document(index_key(sort, key), specimen.version, deleted=True)
    access = audience.with_place(access) if _tells_withheld_place(specimen) else access
    fields = _of_specimen(specimen, media, rows, addresses) | {audience.FIELD: access}
    fields["segment"] = _counted(led[row.key] for row in rows if row.key in led)
    return Document(index_key(sort, key), specimen.version, fields)


def _of_specimen(specimen: Specimen, media: Sequence[Media], rows: Sequence[AnnotationRow], addresses: Addresses) -> Fields:
    fields: Fields = {
        **darwin_core(specimen, addresses),
        THING: SPECIMEN,
        "media": [one.key for one in media],
        "text": [*words_of(specimen, media), *_texts(rows)],
        TERM_WORDS: term_words(places.public(specimen).interpreted),
        "kind": distinct(map(vocabulary.found, rows)),
        "none": vocabulary.not_found(rows),
        "layer": distinct(row.layer for row in rows),
        "state": distinct(map(store.told_state, rows)),
        "motivation": distinct(motivation for row in rows for motivation in row.motivations),
        "run": distinct(row.run_key for row in rows),
        "images": len(media),
        "annotations": len(rows),
        "hasRuler": any(row.kind == "ruler" and row.value is not None for row in rows),
        "pxPerMm": [row.value for row in rows if row.kind == "ruler" and row.value is not None],
        "created": specimen.created_at,
        "modified": specimen.updated_at,
    }
    for measure in MEASURES:
        fields[measure] = [row.value for row in rows if _measures(row, measure) and row.value is not None]
    return fields


def _annotation(
    key: str,
    row: AnnotationRow | None,
    images: Sequence[str],
    lying: Sequence[str],
    facets: "_Facets",
    closed: Closed,
    addresses: Addresses,
) -> Document:
    """`lying` are the specimens that it lies on; an annotation outlives them, and then has no facets."""
    if row is None:
        return Document(index_key(ANNOTATION, key), NEVER, deleted=True)
    if not store.stands(row) or row.layer == "review" or row.veil:
        return Document(index_key(ANNOTATION, key), store.index_version(row), deleted=True)
    specimens, shared = facets.of(lying)
    fields: Fields = {
        **shared.fields,
        THING: ANNOTATION,
        audience.FIELD: _audience_of(closed.get(key, set()), specimens),
        "pid": ids.ark(key, addresses.naan),
        "specimen": list(lying),
        "media": images,
        "text": [row.text],
        "kind": [vocabulary.found(row)],
        "none": vocabulary.not_found([row]) if vocabulary.found_nothing(row) else [],
        "layer": [row.layer],
        "state": [store.told_state(row)],
        "motivation": [str(motivation) for motivation in row.motivations],
        "run": [row.run_key],
        "unit": row.unit,
        "hasRuler": row.kind == "ruler" and row.value is not None,
        "created": row.created_at,
        "modified": row.modified_at,
    }
    numbers = {name: getattr(row, name) for name in ("confidence", "value", "x0", "y0", "x1", "y1")}
    fields |= {name: number for name, number in numbers.items() if number is not None}
    for measure in MEASURES:
        if _measures(row, measure) and row.value is not None:
            fields[measure] = [row.value]
    if row.kind == "ruler" and row.value is not None:
        fields["pxPerMm"] = [row.value]
    return Document(index_key(ANNOTATION, key), store.index_version(row), fields, shared=shared)


def _segment(key: str, part: Described | None, lying: Sequence[str], facets: "_Facets", addresses: Addresses) -> Document:
    """With the facets of the specimens that it lies on, and the words of what stands behind it."""
    if part is None:
        return Document(index_key(SEGMENT, key), NEVER, deleted=True)
    segment, box = part.segment, part.segment.area
    if not segment.is_live:
        return Document(index_key(SEGMENT, key), part.index_version, deleted=True)
    specimens, shared = facets.of(lying)
    fields: Fields = {
        **shared.fields,
        THING: SEGMENT,
        audience.FIELD: _audience_of(part.closed_in, specimens),
        "pid": ids.ark(key, addresses.naan),
        "specimen": list(lying),
        "media": [segment.media_key],
        "text": distinct(part.texts),
        "kind": [segment.class_name],
        "segment": [segment.class_name],
        "layer": distinct(part.layers),
        "state": [segment.state],
        "run": distinct(part.runs),
        "created": segment.created_at,
        "modified": segment.modified_at,
        **{"x0": box.x0, "y0": box.y0, "x1": box.x1, "y1": box.y1},
    }
    return Document(index_key(SEGMENT, key), part.index_version, fields, shared=shared)


def _on_segments(session: Session, parts: Mapping[str, Described]) -> dict[str, list[str]]:
    """The keys of the specimens that each segment lies on."""
    targets = {key: [one for one in part.targets if one.media_key == part.segment.media_key] for key, part in parts.items()}
    found = placing.specimens_of(session, chain.from_iterable(targets.values()))
    return {key: distinct(one for target in several for one in found[target]) for key, several in targets.items()}


def _tells_withheld_place(specimen: Specimen) -> bool:
    """Whether its document holds a place that the record withholds, for the hub shows these."""
    return places.are_shown() and bool(places.withheld_by(specimen.interpreted))


def _audience_of(closed: set[audience.Held], specimens: Iterable[Specimen]) -> list[str]:
    """Of an annotation about images that are closed in these collections, which lies on these specimens."""
    placed = {(one.institution_code, one.collection_code) for one in specimens if _tells_withheld_place(one)}
    access = audience.of_closed(closed | placed if closed else closed)
    return audience.with_place(access) if placed else access


def _lying(session: Session, targets: Mapping[str, Sequence[Target]]) -> dict[str, list[str]]:
    """The keys of the specimens that each of the annotations lies on."""
    found = placing.specimens_of(session, chain.from_iterable(targets.values()))
    return {key: distinct(one for target in several for one in found[target]) for key, several in targets.items()}


class _Facets:
    """The facets of specimens as what lies on them has them: made once for all that lies on the same."""

    def __init__(self, known: Mapping[str, Specimen], addresses: Addresses) -> None:
        self._known = known
        self._addresses = addresses
        self._made: dict[tuple[str, ...], tuple[list[Specimen], Shared]] = {}

    def of(self, lying: Sequence[str]) -> tuple[list[Specimen], Shared]:
        """Those of the specimens that there are, and their facets."""
        keys = tuple(lying)
        if keys not in self._made:
            specimens = [self._known[one] for one in keys if one in self._known]
            self._made[keys] = specimens, Shared(_shared(specimens, self._addresses))
        return self._made[keys]


def _shared(specimens: Sequence[Specimen], addresses: Addresses) -> Fields:
    """The facets of these specimens: all values of those that may have many, of the others the first specimen's."""
    shared: Fields = {}
    for specimen in specimens:
        for name, value in darwin_core(specimen, addresses).items():
            if name in shared and BY_NAME[name].many:
                shared[name] = distinct([*_list(shared[name]), *_list(value)])
            else:
                shared.setdefault(name, value)
    return shared


def _list(value: Held) -> list[str]:
    return [value] if isinstance(value, str) else [str(one) for one in value] if isinstance(value, Sequence) else [str(value)]


def _texts(rows: Iterable[AnnotationRow]) -> list[str]:
    """Text read from the sheet or written by people, up to a limit; not that nothing was found, nor what was thought of it."""
    texts, left = [], LONGEST_TEXT
    for row in rows:
        read = (row.kind in READ or row.layer == "people") and "assessing" not in row.motivations
        if read and row.text and left > 0:
            texts.append(row.text[:left])
            left -= len(row.text)
    return texts


def _counted(classes: Iterable[str]) -> list[str]:
    """Each class, and `stamp 2`, `stamp 3` … up to how many there are of it, as far as segments are counted."""
    numbers = Counter(classes)
    return [f"{name} {nth}" if nth > 1 else name for name in numbers for nth in range(1, min(numbers[name], MOST_COUNTED) + 1)]


def _measures(row: AnnotationRow, measure: str) -> bool:
    return row.kind == measure and row.unit in ("mm", "mm2", "mm²")
