"""The columns of an index of tantivy: made from our fields, filled from our documents, and read from an index that stands."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tantivy

from app.runtime.search import columns
from app.runtime.search.columns import Column
from app.runtime.search.port import Document, Field

HEADS = ("key_begin", "key_next")  # the first eight bytes of a key, and the next eight, as numbers: they order as keys do
_TYPES: dict[tuple[str, str], Column] = {
    ("text", "position"): "words",
    ("text", "freq"): "stems",
    ("text", "basic"): "keyword",
    ("f64", ""): "float",
    ("i64", ""): "integer",
    ("bool", ""): "flag",
    ("u64", ""): "vector",
}


def schema(fields: Sequence[Field]) -> tantivy.Schema:
    """A vector is the number of its row in a file beside the index."""
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("key", stored=True, fast=True, tokenizer_name="raw", index_option="basic")
    builder.add_unsigned_field("version", stored=True)
    for name in HEADS:
        builder.add_unsigned_field(name, indexed=True, fast=True)
    for field in fields:
        for name, kind in columns.layout(field).items():
            _add(builder, name, kind)
    return builder.build()


def document(given: Document, fields: Mapping[str, Field], rows: Mapping[str, int], schema: tantivy.Schema) -> tantivy.Document:
    """As far as the index has the fields; `rows` are those of its vectors, by field."""
    if not given.fields.keys() <= fields.keys():
        given = Document(given.key, given.version, {name: held for name, held in given.fields.items() if name in fields})
    begin, following = heads(given.key)
    own = {"key": given.key, "version": given.version, HEADS[0]: begin, HEADS[1]: following}
    return tantivy.Document.from_dict({**own, **rows, **columns.of(given, fields)}, schema)


def heads(key: str) -> tuple[int, int]:
    """Equal keys have equal ones, and a greater key has no lesser ones."""
    begun = key.encode()[:16].ljust(16, b"\0")
    return int.from_bytes(begun[:8], "big"), int.from_bytes(begun[8:], "big")


def standing(folder: Path) -> dict[str, Column]:
    """The columns of the index in that folder with their types, whoever made it."""
    listed: list[dict[str, Any]] = json.loads((folder / "meta.json").read_text())["schema"]
    found = {}
    for one in listed:
        record = one["options"]["indexing"]["record"] if one["type"] == "text" else ""
        found[one["name"]] = _TYPES.get((one["type"], record))
    return {name: kind for name, kind in found.items() if kind is not None}


def _add(builder: tantivy.SchemaBuilder, name: str, kind: Column) -> None:
    match kind:
        case "words":
            builder.add_text_field(name, tokenizer_name="whitespace", index_option="position")
        case "stems":
            builder.add_text_field(name, tokenizer_name="whitespace", index_option="freq")
        case "keyword":
            builder.add_text_field(name, fast=True, tokenizer_name="raw", index_option="basic")
        case "float":
            builder.add_float_field(name, indexed=True, fast=True)
        case "integer":
            builder.add_integer_field(name, indexed=True, fast=True)
        case "flag":
            builder.add_boolean_field(name, indexed=True, fast=True)
        case "vector":
            builder.add_unsigned_field(name, indexed=True, fast=True)
