"""One index of tantivy in its folder: written in commits, read as of the last one, whichever process made it."""

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import tantivy
from tantivy import FieldType, Occur, Order

from app.runtime.search import columns, tantivy_columns, words
from app.runtime.search.facets import count as count_facets
from app.runtime.search.port import After, Document, Field, FieldsLacking, Found, Hit, Query, Sort
from app.runtime.search.tantivy_columns import HEADS, heads
from app.runtime.search.tantivy_query import Translator
from app.runtime.search.vectors import VectorRows

MEMORY = 30_000_000  # bytes that a writer may fill before it writes a segment
TIED = 1_000  # so many documents of equal relevance are put in the order of their keys; more stay in that of the index
PAGE = 10_000  # keys fetched at a time where all are wanted


class TantivyIndex:
    """`fields` are those of ours that the index has; it may have others, of another version of this code."""

    def __init__(self, folder: Path, index: tantivy.Index, fields: Sequence[Field]) -> None:
        self.folder = folder
        self._index = index
        self._index.config_reader("manual")
        self._schema = index.schema
        self._seen = (0, 0)
        held = tantivy_columns.standing(folder)
        self.fields = {field.name: field for field in fields if columns.layout(field).items() <= held.items()}
        self.lacking = frozenset(field.name for field in fields if field.name not in self.fields)
        self._has_heads = HEADS[0] in held
        vectors = [field for field in self.fields.values() if field.kind == "vector"]
        self.vectors = {field.name: VectorRows(folder / "vectors", field.name, field.dimensions) for field in vectors}

    @classmethod
    def create(cls, folder: Path, fields: Sequence[Field]) -> "TantivyIndex":
        """A new one, in an empty folder."""
        return cls(folder, tantivy.Index(tantivy_columns.schema(fields), str(folder)), fields)

    @classmethod
    def open(cls, folder: Path, fields: Sequence[Field]) -> "TantivyIndex":
        """Raises ValueError, FileNotFoundError if it is gone."""
        return cls(folder, tantivy.Index.open(str(folder)), fields)

    def searcher(self) -> tantivy.Searcher:
        """Of the last commit, whichever process made it; of what is open, if a rebuild has just taken the folder away."""
        try:
            found = (self.folder / "meta.json").stat()
            if (state := (found.st_mtime_ns, found.st_ino)) != self._seen:
                self._index.reload()
                self._seen = state
        except FileNotFoundError:
            pass
        except ValueError:
            if self.folder.exists():
                raise
        return self._index.searcher()

    def write(self, documents: Iterable[Document]) -> None:
        """One commit. Documents older than what stands are left out."""
        searcher = self.searcher()
        fresh, rows = [], {}
        for one in newest(documents):
            version, address = self._standing(searcher, one.key)
            if one.version >= version:
                fresh.append(one)
                if address is not None and self.vectors:
                    rows[one.key] = self._rows(searcher, address)
        writer = self.writer(MEMORY)
        self.put(writer, fresh, rows)
        writer.commit()
        writer.wait_merging_threads()

    def writer(self, memory: int) -> tantivy.IndexWriter:
        """The one writer that an index may have at a time."""
        return self._index.writer(memory, 1)

    def put(
        self, writer: tantivy.IndexWriter, documents: Sequence[Document], standing: Mapping[str, Mapping[str, int]] | None = None
    ) -> None:
        """Each key at most once. `standing` are the rows of vectors, by key and field, that may go on if they are the same."""
        rows = self._write_vectors(documents, standing or {})
        for document in documents:
            writer.delete_documents_by_term("key", document.key)
            if not document.deleted:
                writer.add_document(tantivy_columns.document(document, self.fields, rows.get(document.key, {}), self._schema))

    def translate(self, query: Query, searcher: tantivy.Searcher) -> tantivy.Query:
        """Raises FieldsLacking."""
        self.check_has(columns.fields_of(query))
        return Translator(self._index.schema, self.fields, searcher).translate(query)

    def check_has(self, names: Collection[str]) -> None:
        """Raises FieldsLacking."""
        if lacking := self.lacking.intersection(names):
            raise FieldsLacking(lacking)

    def find(
        self,
        query: Query,
        facets: Sequence[str],
        facet_size: int,
        sort: Sort,
        offset: int,
        limit: int,
        after: After | None = None,
    ) -> Found:
        """See `SearchEngine.find`."""
        searcher = self.searcher()
        translated = self.translate(query, searcher)
        self.check_has({sort.field})
        total = count(searcher, translated)
        upto = min(offset + limit, total)
        hits: list[Hit]
        if after is not None and not sort.field and not columns.ranks(query):
            begin = _first_beyond(searcher, translated, "key", after.key, descending=False)
            hits, offset = _by_key(searcher, translated, limit, begin=begin), 0
        elif after is not None and sort.field:
            hits, offset = self._behind(searcher, translated, sort, after, limit), 0
        elif upto <= offset:
            hits = []
        elif sort.field:
            hits = self._by_field(searcher, translated, sort, upto)
        elif columns.ranks(query):
            hits = _by_relevance(searcher, translated, upto)
        else:
            hits = _by_key(searcher, translated, upto)
        known = [name for name in facets if name not in self.lacking]
        counted = count_facets(lambda asked: searcher.aggregate(translated, dict(asked)), known, facet_size)
        return Found(tuple(hits[offset:]), total, {name: counted[name] for name in known})

    def asker(self, query: Query, field: str) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
        """Takes aggregations over a field and gives what they found in what matches. Raises FieldsLacking."""
        self.check_has({field})
        searcher = self.searcher()
        translated = self.translate(query, searcher)
        return lambda asked: searcher.aggregate(translated, dict(asked))

    def terms(self, field: str, prefix: str, limit: int, query: Query) -> tuple[tuple[str, int], ...]:
        begun = words.split(prefix)[-1:]
        self.check_has({field})
        if not begun:
            return ()
        searcher = self.searcher()
        found = searcher.terms_with_prefix(field, begun[0], filter_query=self.translate(query, searcher))
        return tuple(found[:limit])

    def walk(self, query: Query, after: str = "") -> Iterator[tuple[str, int]]:
        """Key and version of what matches, by key ascending, as of now; only keys beyond `after`."""
        searcher = self.searcher()
        translated = self.translate(query, searcher)
        if after and self._has_heads:
            translated = _both(translated, self.from_(HEADS[0], heads(after)[0]))
        pages = self.in_order(searcher, translated, *HEADS) if self._has_heads else [_all(searcher, translated)]
        for page in pages:
            documents = (searcher.doc(address) for _, address in page)
            held = sorted((document["key"][0], int(document["version"][0])) for document in documents)
            yield from (one for one in held if one[0] > after)

    def in_order(self, searcher: tantivy.Searcher, query: tantivy.Query, *by: str) -> Iterator[list[tuple[int, Any]]]:
        """Pages of (value, address) by columns of unsigned numbers ascending; those of equal numbers are in one page.

        The value is that of the first column. Where it is the same for more than a page, the next column parts them.
        """
        column, *rest = by
        above = -1
        while above < 2**64 - 1:
            beyond = query if above < 0 else _both(query, self._unsigned(column, above + 1, None))
            hits = searcher.search(beyond, limit=PAGE, count=False, order_by_field=column, order=Order.Asc).hits
            if not hits:
                return
            above = hits[-1][0]
            whole = [hit for hit in hits if hit[0] != above] if len(hits) == PAGE else hits
            if whole:
                yield whole
                above = whole[-1][0]
                continue
            alike = _both(query, self._unsigned(column, above, above))
            if rest:
                yield from self.in_order(searcher, alike, *rest)
            else:
                found = searcher.search(alike, limit=count(searcher, alike), count=False).hits
                yield [(above, address) for _, address in found]

    def below(self, column: str, value: int) -> tantivy.Query:
        return self._unsigned(column, None, value - 1) if value else tantivy.Query.empty_query()

    def from_(self, column: str, value: int) -> tantivy.Query:
        return self._unsigned(column, value, None)

    def among(self, column: str, values: Sequence[int]) -> tantivy.Query:
        return tantivy.Query.term_set_query(self._index.schema, column, list(values))

    def _unsigned(self, column: str, low: int | None, high: int | None) -> tantivy.Query:
        return tantivy.Query.range_query(self._index.schema, column, FieldType.Unsigned, low, high)

    def _write_vectors(
        self, documents: Sequence[Document], standing: Mapping[str, Mapping[str, int]]
    ) -> dict[str, dict[str, int]]:
        """The rows of the documents' vectors, by key and field, written where they do not stand already."""
        rows: dict[str, dict[str, int]] = {}
        for name, store in self.vectors.items():
            fresh = []
            for document in documents:
                given = {name: document.fields[name]} if name in document.fields else {}
                vector = columns.vectors(Document(document.key, 0, given), self.fields).get(name)
                row = standing.get(document.key, {}).get(name)
                if vector is not None and row is not None and np.array_equal(store.at(row), vector):
                    rows.setdefault(document.key, {})[name] = row
                elif vector is not None:
                    fresh.append((document.key, vector))
            if fresh:
                first = store.append(np.stack([vector for _, vector in fresh]))
                for number, (key, _) in enumerate(fresh):
                    rows.setdefault(key, {})[name] = first + number
        return rows

    def _standing(self, searcher: tantivy.Searcher, key: str) -> tuple[int, Any]:
        """Version and address of the document; -1 and None if there is none."""
        term = tantivy.Query.term_query(self._index.schema, "key", key)
        hits = searcher.search(term, limit=1, count=False).hits
        return (int(searcher.doc(hits[0][1])["version"][0]), hits[0][1]) if hits else (-1, None)

    def _rows(self, searcher: tantivy.Searcher, address: Any) -> dict[str, int]:
        held = ((name, searcher.fast_field_values(name, [address])[0]) for name in self.vectors)
        return {name: int(row) for name, row in held if row is not None}

    def _by_field(
        self, searcher: tantivy.Searcher, translated: tantivy.Query, sort: Sort, upto: int, begin: int = 0
    ) -> list[Hit]:
        """So many hits by a field; those that share the last value are asked for again, by key.

        `begin` is the place of the first: no hit before it has the same value.
        """
        order, column = Order.Desc if sort.descending else Order.Asc, columns.first(self.fields[sort.field])
        hits = searcher.search(translated, limit=upto, offset=begin, order_by_field=column, order=order).hits
        last = hits[-1][0]
        before = [(value, searcher.doc(address)["key"][0]) for value, address in hits if value != last]
        ordered = [Hit(key, 0.0, value) for group in _groups(before) for value, key in sorted(group, key=itemgetter(1))]
        tied = Translator(self._index.schema, self.fields, searcher).having(translated, column, last)
        return [*ordered, *_by_key(searcher, tied, upto - len(ordered), last)]

    def _behind(self, searcher: tantivy.Searcher, translated: tantivy.Query, sort: Sort, after: After, limit: int) -> list[Hit]:
        """The first hits by a field of those that come after that place; what has no value comes last."""
        column = columns.first(self.fields[sort.field])
        translator = Translator(self._index.schema, self.fields, searcher)
        tied = translator.having(translated, column, after.value)
        begin = _first_beyond(searcher, tied, "key", after.key, descending=False)
        hits = _by_key(searcher, tied, limit, after.value, begin)
        if len(hits) == limit or after.value is None:
            return hits
        if isinstance(after.value, str):  # tantivy has no ranges of words
            beyond = translator.having_any(translated, column)
            begin = _first_beyond(searcher, beyond, column, after.value, descending=sort.descending)
        else:
            beyond, begin = translator.beyond(translated, column, after.value, descending=sort.descending), 0
        there = min(limit - len(hits), count(searcher, beyond) - begin)
        hits += self._by_field(searcher, beyond, sort, there, begin) if there else []
        missing = translator.having(translated, column, None)
        return hits if len(hits) == limit else [*hits, *_by_key(searcher, missing, limit - len(hits))]


def newest(documents: Iterable[Document]) -> list[Document]:
    """Each key once, at its highest version; of equal ones the last."""
    found: dict[str, Document] = {}
    for document in documents:
        if document.key not in found or document.version >= found[document.key].version:
            found[document.key] = document
    return list(found.values())


def count(searcher: tantivy.Searcher, query: tantivy.Query) -> int:
    return searcher.search(query, limit=1).count or 0  # type: ignore[attr-defined]  # the stub of 0.27 lacks it


def _both(one: tantivy.Query, other: tantivy.Query) -> tantivy.Query:
    return tantivy.Query.boolean_query([(Occur.Must, one), (Occur.Must, other)])


def _all(searcher: tantivy.Searcher, query: tantivy.Query) -> list[tuple[Any, Any]]:
    """Of an index of the first release, whose keys have no numbers to page by: all at once."""
    found: list[tuple[Any, Any]] = searcher.search(query, limit=max(count(searcher, query), 1), count=False).hits
    return found


def _by_key(searcher: tantivy.Searcher, query: tantivy.Query, most: int, value: Any = None, begin: int = 0) -> list[Hit]:
    hits = searcher.search(query, limit=most, offset=begin, count=False, order_by_field="key", order=Order.Asc).hits
    return [Hit(key, 0.0, value) for key, _ in hits]


def _first_beyond(searcher: tantivy.Searcher, query: tantivy.Query, column: str, value: str, *, descending: bool) -> int:
    """How many of the query, all of which have a value there, do not come after that value in the order of a column of words."""
    order = Order.Desc if descending else Order.Asc

    def is_beyond(place: int) -> bool:
        found = searcher.search(query, limit=1, offset=place, count=False, order_by_field=column, order=order).hits
        held = found[0][0].encode()
        return bool(held < value.encode() if descending else held > value.encode())

    return bisect_left(range(count(searcher, query)), True, key=is_beyond)


def _by_relevance(searcher: tantivy.Searcher, query: tantivy.Query, upto: int) -> list[Hit]:
    """The most relevant, those of equal relevance by key, unless they are too many.

    The last ones are looked at until it is known that all of their equals are there, or that these are too many; so a
    group is in the same order whatever the page.
    """
    reach = upto + 20
    while True:
        hits = searcher.search(query, limit=reach, count=False).hits
        groups = list(_groups(hits))
        if len(hits) < reach or len(groups[-1]) > TIED or hits[-1][0] < hits[upto - 1][0]:
            break
        reach = upto + TIED + 1
    ordered: list[Hit] = []
    for group in groups:
        shown = group if len(group) <= TIED else group[: upto - len(ordered)]
        found = [Hit(searcher.doc(address)["key"][0], score) for score, address in shown]
        ordered += found if len(group) > TIED else sorted(found, key=lambda hit: hit.key)
        if len(ordered) >= upto:
            break
    return ordered[:upto]


def _groups(hits: Iterable[tuple[Any, Any]]) -> Iterator[list[tuple[Any, Any]]]:
    """Neighbours whose first members are equal."""
    for _, group in groupby(hits, key=itemgetter(0)):
        yield list(group)
