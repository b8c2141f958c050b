"""Our query tree as Elasticsearch's. Term for term what `tantivy_query` asks; no query string is parsed by the server."""

import math
from collections.abc import Mapping
from typing import Any

from app.runtime.search import columns, words
from app.runtime.search.port import (
    And,
    Everything,
    Field,
    Fuzzy,
    InBox,
    Leaf,
    Near,
    Not,
    Or,
    Overlaps,
    Phrase,
    Prefix,
    Query,
    Range,
    Term,
    Words,
)

Dsl = dict[str, Any]
NOTHING: Dsl = {"match_none": {}}
MOST_EXPANSIONS = 16_384  # words that a prefix at the end of a phrase may stand for, as in tantivy


def translate(query: Query, fields: Mapping[str, Field]) -> Dsl:
    """What has no words or values left matches nothing."""
    match query:
        case Everything():
            return {"match_all": {}}
        case Words(field, text, stem):
            return _words(field, words.split(text), stem=stem)
        case Phrase(field, text):
            return _phrase(field, words.split(text))
        case And(parts):
            return _boolean("must", [translate(part, fields) for part in parts])
        case Or(parts):
            return _boolean("should", [translate(part, fields) for part in parts])
        case Not(part):
            return {"bool": {"must": [{"match_all": {}}], "must_not": [translate(part, fields)]}}
        case _:
            return {"constant_score": {"filter": _filter(query, fields), "boost": 0.0}}


def _filter(query: Leaf, fields: Mapping[str, Field]) -> Dsl:
    match query:
        case Prefix(field, text):
            return _prefix(field, words.split(text))
        case Fuzzy(field, text, edits):
            return _boolean("must", [_fuzzy(field, word, edits) for word in words.split(text)])
        case Term(field, values):
            held = columns.values(fields[field].kind, values)
            return {"terms": {field: held}} if held else NOTHING
        case Range():
            return _range(query, fields)
        case InBox() | Overlaps():
            return _boolean("should", [_boolean("must", [_between(*one) for one in all_of]) for all_of in columns.bounds(query)])
        case Near():
            return _near(query)


def _words(field: str, split: list[str], *, stem: bool) -> Dsl:
    exact = [{"term": {field: word}} for word in split]
    if not stem or not split:
        return _boolean("must", exact)
    return {"bool": {"must": [{"term": {field + columns.STEM: one}} for one in words.stems(split)], "should": exact}}


def _phrase(field: str, split: list[str]) -> Dsl:
    if len(split) < 2:
        return _words(field, split, stem=False)
    return {"match_phrase": {field: {"query": " ".join(split)}}}


def _prefix(field: str, split: list[str]) -> Dsl:
    """All but the last of the words in full, in order, then one that begins so."""
    if not split:
        return NOTHING
    if len(split) == 1:
        return {"prefix": {field: {"value": split[0]}}}
    return {"match_phrase_prefix": {field: {"query": " ".join(split), "max_expansions": MOST_EXPANSIONS}}}


def _fuzzy(field: str, word: str, edits: int) -> Dsl:
    return {"fuzzy": {field: {"value": word, "fuzziness": edits, "prefix_length": 0, "rewrite": "constant_score"}}}


def _range(query: Range, fields: Mapping[str, Field]) -> Dsl:
    field = fields[query.field]
    if query.low is None and query.high is None:
        return _between(columns.first(field), None, None)
    low, high = (None if end is None else (columns.values(field.kind, end) or [None])[0] for end in (query.low, query.high))
    if (low is None and query.low is not None) or (high is None and query.high is not None):
        return NOTHING
    return _between(field.name, low, high)


def _between(column: str, low: float | None, high: float | None) -> Dsl:
    bounds = {name: end for name, end in (("gte", low), ("lte", high)) if end is not None}
    return {"range": {column: bounds}} if bounds else {"exists": {"field": column}}


def _near(query: Near) -> Dsl:
    if not (math.isfinite(query.metres) and query.metres >= 0):
        return NOTHING
    if query.metres >= math.pi * columns.EARTH_M:
        return {"exists": {"field": query.field}}
    here = {"lat": query.latitude, "lon": query.longitude}
    return {"geo_distance": {"distance": f"{max(query.metres, 0.001):.6f}m", query.field: here}}


def _boolean(occur: str, parts: list[Dsl]) -> Dsl:
    if not parts:
        return NOTHING
    return parts[0] if len(parts) == 1 else {"bool": {occur: parts}}
