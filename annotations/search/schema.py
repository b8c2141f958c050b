"""The fields of the index: one schema for specimens and annotations, so that one query asks for both.

Darwin Core terms keep their names. Lengths are millimetres, areas square millimetres, boxes canvas units. A change of this
list, or of a field's `edition`, has every index made anew by the relay.
"""

from dataclasses import replace

from annotations.search import audience
from app.runtime.search.port import Field

DARWIN_CORE_FACETS = (
    "scientificName",
    "family",
    "genus",
    "country",
    "stateProvince",
    "recordedBy",
    "typeStatus",
    "institutionCode",
    "collectionCode",
    "basisOfRecord",
)
MEASURES = ("length", "width", "area")  # kinds of annotations whose value is a size; of several on a sheet, all count
TERM_WORDS = "terms"  # of a specimen: `habitat` for each term of its record that is given, `habitat meadow` for each word of it
THING = "sort"  # "specimen" or "annotation": the column of `type`, named before `sort` meant the order

LOOKS, LOOKS_MODEL = "looks", "looksModel"  # a vector, and the digest of the network that made it

FIELDS: tuple[Field, ...] = (
    Field(THING, "keyword"),
    Field(audience.FIELD, "keyword", many=True),
    Field("pid", "keyword"),  # the ARK, without a host
    Field("specimen", "keyword", many=True),  # an annotation lies on several where its targets do
    Field("media", "keyword", many=True),
    Field("label", "keyword"),  # what the specimen is called in lists
    Field("catalogNumber", "keyword"),
    *(Field(term, "keyword", many=True) for term in DARWIN_CORE_FACETS),
    Field("year", "number"),
    Field("eventDate", "interval"),
    Field("coordinates", "point"),  # where it was collected
    Field("text", "text", many=True),
    Field("name", "text", many=True),  # the words of names of taxa
    Field("collector", "text", many=True),
    Field("place", "text", many=True),
    Field("kind", "keyword", many=True, edition=2),  # what was found: see `vocabulary`; of a specimen that of all annotations
    Field("segment", "keyword", many=True),  # `stamp`, and `stamp 2`, `stamp 3` … up to how many there are
    Field(TERM_WORDS, "keyword", many=True),
    Field("none", "keyword", many=True),  # what was looked for and not found
    Field("layer", "keyword", many=True),
    Field("state", "keyword", many=True),  # the review state; of a specimen: those of its annotations
    Field("motivation", "keyword", many=True),
    Field("run", "keyword", many=True),
    Field("unit", "keyword"),
    Field("confidence", "number"),
    Field("value", "number"),
    *(Field(corner, "number") for corner in ("x0", "y0", "x1", "y1")),
    *(Field(measure, "number", many=True) for measure in MEASURES),
    Field("pxPerMm", "number", many=True),
    Field("hasRuler", "flag"),
    Field("images", "number"),
    Field("annotations", "number"),
    Field("created", "date"),
    Field("modified", "date"),
    Field(LOOKS, "vector", dimensions=256),  # of a segment, and of the first image of a specimen: see `looks`
    Field(LOOKS_MODEL, "keyword"),
)
SHOWING_PLACES = tuple(replace(field, edition=field.edition + 1000) if field.kind == "point" else field for field in FIELDS)
"""The same of a hub that shows withheld places, so that an index is made anew when that changes."""
OWN_ONLY = (LOOKS, LOOKS_MODEL, THING, TERM_WORDS, audience.FIELD)  # what nobody asks for by name
BY_NAME = {field.name: field for field in FIELDS if field.name not in OWN_ONLY}  # what may be
