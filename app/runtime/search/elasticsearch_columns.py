"""The columns of an index of Elasticsearch: made from our fields, filled from our documents, and read from an index that stands.

A vector is kept twice: as Elasticsearch finds it, and as the bytes that the embedded engine keeps, from which the score is
reckoned here as it is there.
"""

from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.runtime.search import columns
from app.runtime.search.columns import Column
from app.runtime.search.port import Document, Field

WORDS = "_words"  # column of the distinct words of a text, for autocompletion
BYTES = "_bytes"  # column of a vector's half floats, little endian
_HNSW = {"type": "hnsw", "m": 24, "ef_construction": 192}
_TYPES: dict[Column, str] = {
    "words": "text",
    "stems": "text",
    "keyword": "keyword",
    "float": "double",
    "integer": "long",
    "flag": "boolean",
    "vector": "dense_vector",
}


def mappings(fields: Iterable[Field]) -> dict[str, Any]:
    """Those of a new index."""
    return {"dynamic": "strict", "_source": {"enabled": False}, "properties": _properties(fields)}


def source(given: Document, fields: Mapping[str, Field]) -> dict[str, Any]:
    """The document as far as the index has the fields."""
    ours = given
    if not given.fields.keys() <= fields.keys():
        ours = Document(given.key, given.version, {name: held for name, held in given.fields.items() if name in fields})
    held = columns.of(ours, fields)
    texts = [column for column in held if column in fields and fields[column].kind == "text"]
    distinct = {column + WORDS: sorted({word for text in held[column] for word in text.split()}) for column in texts}
    places = [one for one in fields.values() if one.kind == "point" and one.name + columns.LATITUDE in held]
    points = {one.name: [held[one.name + side][0] for side in (columns.LONGITUDE, columns.LATITUDE)] for one in places}
    halves = columns.vectors(ours, fields)
    vectors = {one: _exact(vector, fields[one]) for one, vector in halves.items()}
    kept = {one + BYTES: b64encode(vector.astype("<f2").tobytes()).decode() for one, vector in halves.items()}
    return {"key": given.key, **held, **distinct, **points, **vectors, **kept}


def half_floats(kept: str) -> NDArray[np.float16]:
    """The (dimensions,) vector of a column of bytes."""
    return np.frombuffer(b64decode(kept), "<f2")


def standing(held: Mapping[str, Any], fields: Mapping[str, Field]) -> dict[str, Field]:
    """Those of the fields that an index has, whoever made it; `held` are the properties of its mappings."""
    return {name: field for name, field in fields.items() if _has(held, field)}


def _has(held: Mapping[str, Any], field: Field) -> bool:
    needed = {column: mapped["type"] for column, mapped in _properties([field]).items()}
    same_types = all(held.get(column, {}).get("type") == kind for column, kind in needed.items())
    return same_types and held.get(field.name, {}).get("dims", field.dimensions) == field.dimensions


def _properties(fields: Iterable[Field]) -> dict[str, Any]:
    properties: dict[str, Any] = {"key": {"type": "keyword"}}
    for field in fields:
        properties |= {column: {"type": _TYPES[kind]} for column, kind in columns.layout(field).items()}
        match field.kind:
            case "text":
                properties[field.name]["analyzer"] = "whitespace"
                properties[field.name + columns.STEM] |= {"analyzer": "whitespace", "index_options": "freqs"}
                properties[field.name + WORDS] = {"type": "keyword", "index": False}
            case "point":
                properties[field.name] = {"type": "geo_point"}
            case "vector":
                properties[field.name] |= {
                    "dims": field.dimensions,
                    "index": True,
                    "similarity": "cosine",
                    "index_options": _HNSW,
                }
                properties[field.name + BYTES] = {"type": "binary", "doc_values": True}
    return properties


def _exact(vector: NDArray[np.float16], field: Field) -> list[float]:
    """The same direction at length 1 as a float has it: what is nearly 1, Elasticsearch takes for 1."""
    found = columns.unit(vector, field.dimensions)
    return [] if found is None else found.tolist()
