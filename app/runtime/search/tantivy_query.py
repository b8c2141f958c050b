"""Our query tree as tantivy's queries. User text never meets tantivy's parser."""

import re
from collections.abc import Mapping
from typing import Any

import tantivy
from tantivy import FieldType, Occur

from app.runtime.search import columns, tantivy_places, words
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

_TYPES = {int: FieldType.Integer, float: FieldType.Float}


class Translator:
    """For one state of an index, and those of its fields that are ours.

    What has no words or values left matches nothing. KeyError where it asks for a field that the index lacks.
    """

    def __init__(self, schema: tantivy.Schema, fields: Mapping[str, Field], searcher: tantivy.Searcher) -> None:
        self._schema = schema
        self._fields = fields
        self._searcher = searcher

    def translate(self, query: Query) -> tantivy.Query:
        match query:
            case Everything():
                return tantivy.Query.all_query()
            case And(parts):
                return _boolean(Occur.Must, [self.translate(part) for part in parts])
            case Or(parts):
                return _boolean(Occur.Should, [self.translate(part) for part in parts])
            case Not(part):
                inner = self.translate(part)
                return tantivy.Query.boolean_query([(Occur.Must, tantivy.Query.all_query()), (Occur.MustNot, inner)])
            case Words(field, text, stem):
                return self._words(field, words.split(text), stem=stem)
            case Phrase(field, text):
                return self._phrase(field, words.split(text))
            case _:
                return tantivy.Query.const_score_query(self._leaf(query), 0.0)

    def _leaf(self, query: Leaf) -> tantivy.Query:
        match query:
            case Prefix(field, text):
                return self._prefix(field, words.split(text))
            case Fuzzy(field, text, edits):
                return self._fuzzy(field, words.split(text), edits)
            case Term(field, values):
                return self._term(field, columns.values(self._fields[field].kind, values))
            case Range():
                return self._range(query)
            case InBox() | Overlaps():
                alternatives = [_boolean(Occur.Must, [self._between(*one) for one in all_of]) for all_of in columns.bounds(query)]
                return _boolean(Occur.Should, alternatives)
            case Near():
                return tantivy_places.near(query, self._schema, self._searcher)

    def having(self, query: tantivy.Query, column: str, value: Any) -> tantivy.Query:
        """Those of the query whose column has this value as held, or none if it is None."""
        if value is None:
            return tantivy.Query.boolean_query([(Occur.Must, query), (Occur.MustNot, tantivy.Query.exists_query(column))])
        return _boolean(Occur.Must, [query, tantivy.Query.term_query(self._schema, column, value)])

    def beyond(self, query: tantivy.Query, column: str, value: float | bool, *, descending: bool) -> tantivy.Query:
        """Those of the query whose column of numbers or flags holds more than the value, or less where that is descending."""
        if isinstance(value, bool):
            return self.having(query, column, value=not value) if value == descending else tantivy.Query.empty_query()
        low, high = (None, value) if descending else (value, None)
        open_ends = {"include_upper": False} if descending else {"include_lower": False}
        more = tantivy.Query.range_query(self._schema, column, _TYPES[type(value)], low, high, **open_ends)
        return _boolean(Occur.Must, [query, more])

    def having_any(self, query: tantivy.Query, column: str) -> tantivy.Query:
        """Those of the query whose column holds something."""
        return _boolean(Occur.Must, [query, tantivy.Query.exists_query(column)])

    def _words(self, field: str, split: list[str], *, stem: bool) -> tantivy.Query:
        exact = [tantivy.Query.term_query(self._schema, field, word, "freq") for word in split]
        if not stem or not split:
            return _boolean(Occur.Must, exact)
        stems = [tantivy.Query.term_query(self._schema, field + columns.STEM, one, "freq") for one in words.stems(split)]
        return tantivy.Query.boolean_query([*((Occur.Must, one) for one in stems), *((Occur.Should, one) for one in exact)])

    def _phrase(self, field: str, split: list[str]) -> tantivy.Query:
        if len(split) < 2:
            return self._words(field, split, stem=False)
        return tantivy.Query.phrase_query(self._schema, field, list(split))

    def _prefix(self, field: str, split: list[str]) -> tantivy.Query:
        """All but the last of the words in full, in order, then one that begins so."""
        if not split:
            return tantivy.Query.empty_query()
        patterns = [*map(re.escape, split[:-1]), re.escape(split[-1]) + ".*"]
        if len(patterns) == 1:
            return tantivy.Query.regex_query(self._schema, field, patterns[0])
        return tantivy.Query.regex_phrase_query(self._schema, field, list(patterns))

    def _fuzzy(self, field: str, split: list[str], edits: int) -> tantivy.Query:
        return _boolean(Occur.Must, [tantivy.Query.fuzzy_term_query(self._schema, field, word, edits) for word in split])

    def _term(self, field: str, values: list[Any]) -> tantivy.Query:
        return _boolean(Occur.Should, [tantivy.Query.term_query(self._schema, field, value) for value in values])

    def _range(self, query: Range) -> tantivy.Query:
        field = self._fields[query.field]
        if query.low is None and query.high is None:
            return tantivy.Query.exists_query(columns.first(field))
        low, high = (None if end is None else (columns.values(field.kind, end) or [None])[0] for end in (query.low, query.high))
        if (low is None and query.low is not None) or (high is None and query.high is not None):
            return tantivy.Query.empty_query()
        return self._between(field.name, low, high)

    def _between(self, column: str, low: float | None, high: float | None) -> tantivy.Query:
        """The column's number, at least and at most; whether there is one where both are None."""
        if low is None and high is None:
            return tantivy.Query.exists_query(column)
        ends = [end for end in (low, high) if end is not None]
        kind = FieldType.Integer if all(isinstance(end, int) for end in ends) else FieldType.Float
        return tantivy.Query.range_query(self._schema, column, kind, low, high)


def _boolean(occur: Occur, parts: list[tantivy.Query]) -> tantivy.Query:
    if not parts:
        return tantivy.Query.empty_query()
    return parts[0] if len(parts) == 1 else tantivy.Query.boolean_query([(occur, part) for part in parts])
