"""The embedded engine: tantivy in a folder that can be thrown away.

    index/current                 the name of the folder that stands
    index/<digest>-<n>/           one index; the digest is that of the fields
    index/write.lock              held by whoever writes, for one batch (flock: let go by the system if its process dies)
    index/rebuild.lock            held by a rebuild, as long as it lasts
    index/journal                 documents written during a rebuild, to be written to the new index too

Any process may read and any may write; each batch is one commit. What was taken out is not remembered: a document comes
back if an older state of it is written after, which the relay does not do, as it writes what stands in the database.
"""

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import tantivy

from app.runtime.file_lock import is_free, locked
from app.runtime.search import columns, words
from app.runtime.search.facets import count as count_facets
from app.runtime.search.port import RELEVANCE, Document, Field, Found, Hit, Query, SearchDown, SearchEngine, Sort
from app.runtime.search.tantivy_query import Translator

MEMORY, MEMORY_OF_REBUILD = 30_000_000, 150_000_000  # bytes that a writer may fill before it writes a segment
TIED = 1_000  # so many documents of equal relevance are put in the order of their keys; more stay in that of the index


class TantivyEngine:
    """One folder of indexes; see `SearchEngine` for what it does."""

    def __init__(self, root: Path, fields: Sequence[Field]) -> None:
        self._root = root
        self._fields = {field.name: field for field in fields}
        self._digest = columns.digest(fields)
        self._schema = _schema(fields)
        self._translator = Translator(self._schema, self._fields)
        self._open: _Index | None = None

    def write(self, documents: Iterable[Document]) -> None:
        newest = _newest(documents)
        if not newest:
            return
        self._root.mkdir(parents=True, exist_ok=True)
        with locked(self._root / "write.lock"):
            journal = self._root / "journal"
            if journal.exists():
                self._note(journal, newest)
            index = self._current() or self._begin()
            index.write(newest, self._fields)

    def find(
        self,
        query: Query,
        *,
        facets: Sequence[str] = (),
        facet_size: int = 20,
        sort: Sort = RELEVANCE,
        offset: int = 0,
        limit: int = 20,
    ) -> Found:
        index = self._current()
        if index is None:
            return Found((), 0, dict.fromkeys(facets, ()))
        searcher = index.searcher()
        translated = self._translator.translate(query)
        total = _count(searcher, translated)
        wanted = min(offset + limit, total)
        if wanted <= offset:
            hits: list[Hit] = []
        elif sort.field:
            hits = self._by_field(searcher, query, sort, wanted)
        elif columns.ranks(query):
            hits = _by_relevance(searcher, translated, wanted)
        else:
            hits = _by_key(searcher, translated, wanted)
        counted = count_facets(lambda asked: searcher.aggregate(translated, dict(asked)), facets, facet_size)
        return Found(tuple(hits[offset:]), total, counted)

    def terms(self, field: str, prefix: str, limit: int = 10, *, query: Query) -> tuple[tuple[str, int], ...]:
        index, begun = self._current(), words.split(prefix)[-1:]
        if index is None or not begun:
            return ()
        found = index.searcher().terms_with_prefix(field, begun[0], filter_query=self._translator.translate(query))
        return tuple(found[:limit])

    def versions(self) -> Iterator[tuple[str, int]]:
        index = self._current()
        if index is None:
            return
        searcher = index.searcher()
        hits = searcher.search(
            tantivy.Query.all_query(), limit=max(searcher.num_docs, 1), order_by_field="key", order=tantivy.Order.Asc
        ).hits
        for key, address in hits:
            yield key, searcher.doc(address)["version"][0]

    @contextmanager
    def rebuild(self) -> Iterator[SearchEngine]:
        """See `SearchEngine`. SearchDown while another rebuild runs. What others write meanwhile reaches the new index too."""
        self._root.mkdir(parents=True, exist_ok=True)
        if not is_free(self._root / "rebuild.lock"):
            raise SearchDown("The index is being rebuilt already.")
        with locked(self._root / "rebuild.lock"):
            with locked(self._root / "write.lock"):
                (self._root / "journal").write_bytes(b"")
                fresh = self._next_folder()
            try:
                index = _Index(fresh, self._schema)
                filling = _Filling(self, index)
                yield filling
                filling.commit()
                with locked(self._root / "write.lock"):
                    for batch in self._noted():
                        index.write(batch, self._fields)
                    self._point_to(fresh)
            except BaseException:
                shutil.rmtree(fresh, ignore_errors=True)
                raise
            finally:
                (self._root / "journal").unlink(missing_ok=True)

    def close(self) -> None:
        self._open = None

    def _note(self, journal: Path, documents: Sequence[Document]) -> None:
        """Keep the documents for the rebuild that is under way; drop the journal of one that died."""
        if is_free(self._root / "rebuild.lock"):
            journal.unlink(missing_ok=True)
            return
        with journal.open("a", encoding="utf-8") as file:
            file.write(json.dumps([self._digest, [asdict(document) for document in documents]], default=list) + "\n")

    def _noted(self) -> Iterator[list[Document]]:
        with (self._root / "journal").open(encoding="utf-8") as file:
            for line in file:
                digest, documents = json.loads(line)
                if digest != self._digest:
                    raise SearchDown("Something of another version wrote to the index during the rebuild: stop it first.")
                yield [Document(**one) for one in documents]

    def _current(self) -> "_Index | None":
        """The index that stands, opened again when the pointer has moved. SearchDown if it is for other fields."""
        for last_try in (False, False, True):
            try:
                name = (self._root / "current").read_text().strip()
            except FileNotFoundError:
                return None
            if self._open is not None and self._open.folder.name == name:
                break
            if not name.startswith(self._digest):
                raise SearchDown("The search index is of another version: run `lectotype reindex`.")
            try:
                self._open = _Index(self._root / name, self._schema)
            except ValueError:  # a rebuild took it away after we had read its name
                if last_try:
                    raise
        return self._open

    def _begin(self) -> "_Index":
        fresh = self._next_folder()
        self._open = _Index(fresh, self._schema)
        self._point_to(fresh)
        return self._open

    def _next_folder(self) -> Path:
        numbers = [int(path.name.rpartition("-")[2]) for path in self._root.glob("????????-*") if path.is_dir()]
        folder = self._root / f"{self._digest}-{max(numbers, default=0) + 1}"
        folder.mkdir()
        return folder

    def _point_to(self, fresh: Path) -> None:
        """In one step; then throw the others away (a reader that has one open goes on in it until its next question)."""
        moved = self._root / "current.new"
        moved.write_text(fresh.name)
        moved.replace(self._root / "current")
        for path in self._root.glob("????????-*"):
            if path.is_dir() and path != fresh:
                shutil.rmtree(path.rename(path.with_name(f"old-{path.name}")), ignore_errors=True)

    def _by_field(self, searcher: tantivy.Searcher, query: Query, sort: Sort, wanted: int) -> list[Hit]:
        """The first hits by a field; those that share the last value are asked for again, by key."""
        order = tantivy.Order.Desc if sort.descending else tantivy.Order.Asc
        translated = self._translator.translate(query)
        hits = searcher.search(translated, limit=wanted, order_by_field=sort.field, order=order).hits
        last = hits[-1][0]
        before = [(value, searcher.doc(address)["key"][0]) for value, address in hits if value != last]
        ordered = [key for group in _groups(before) for key in sorted(key for _, key in group)]
        tied = self._translator.having(translated, sort.field, last)
        return [*(Hit(key, 0.0) for key in ordered), *_by_key(searcher, tied, wanted - len(ordered))]


class _Filling(TantivyEngine):
    """What a rebuild hands out: it fills the new index, which nobody else knows yet, in one commit at the end."""

    def __init__(self, parent: TantivyEngine, index: "_Index") -> None:
        super().__init__(parent._root, tuple(parent._fields.values()))
        self._filled = index
        self._writer: tantivy.IndexWriter | None = index.writer(MEMORY_OF_REBUILD)

    def write(self, documents: Iterable[Document]) -> None:
        if self._writer is None:
            raise ValueError("the rebuild is over")
        _put(self._writer, _newest(documents), self._fields)

    def commit(self) -> None:
        if self._writer is not None:
            self._writer.commit()
            self._writer.wait_merging_threads()
            self._writer = None

    def _current(self) -> "_Index | None":
        self.commit()
        return self._filled


class _Index:
    """One tantivy index, open; read again whenever somebody has committed."""

    def __init__(self, folder: Path, schema: tantivy.Schema) -> None:
        self.folder = folder
        self._index = tantivy.Index(schema, str(folder))
        self._index.config_reader("manual")
        self._seen = (0, 0)

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

    def write(self, documents: Iterable[Document], fields: Mapping[str, Field]) -> None:
        """One commit. Documents older than what stands are left out."""
        searcher = self.searcher()
        standing = self._index.schema
        fresh = [one for one in _newest(documents) if one.version >= _version(searcher, standing, one.key)]
        writer = self.writer(MEMORY)
        _put(writer, fresh, fields)
        writer.commit()
        writer.wait_merging_threads()

    def writer(self, memory: int) -> tantivy.IndexWriter:
        """The one writer that an index may have at a time."""
        return self._index.writer(memory, 1)


def _put(writer: tantivy.IndexWriter, documents: Iterable[Document], fields: Mapping[str, Field]) -> None:
    for document in documents:
        writer.delete_documents_by_term("key", document.key)
        if not document.deleted:
            writer.add_document(_tantivy_document(document, fields))


def _schema(fields: Sequence[Field]) -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("key", stored=True, fast=True, tokenizer_name="raw", index_option="basic")
    builder.add_unsigned_field("version", stored=True)
    for field in fields:
        match field.kind:
            case "text":
                builder.add_text_field(field.name, tokenizer_name="whitespace", index_option="position")
                builder.add_text_field(field.name + columns.STEM, tokenizer_name="whitespace", index_option="freq")
            case "keyword":
                builder.add_text_field(field.name, fast=True, tokenizer_name="raw", index_option="basic")
            case "number":
                builder.add_float_field(field.name, indexed=True, fast=True)
            case "date":
                builder.add_integer_field(field.name, indexed=True, fast=True)
            case "flag":
                builder.add_boolean_field(field.name, indexed=True, fast=True)
    return builder.build()


def _tantivy_document(document: Document, fields: Mapping[str, Field]) -> tantivy.Document:
    made = tantivy.Document()
    made.add_text("key", document.key)
    made.add_unsigned("version", document.version)
    for name, held in columns.of(document, fields).items():
        kind = fields[name].kind if name in fields else "text"
        for value in held:
            match kind:
                case "text" | "keyword":
                    made.add_text(name, value)
                case "number":
                    made.add_float(name, value)
                case "date":
                    made.add_integer(name, value)
                case "flag":
                    made.add_boolean(name, value)
    return made


def _newest(documents: Iterable[Document]) -> list[Document]:
    """Each key once, at its highest version; of equal ones the last."""
    newest: dict[str, Document] = {}
    for document in documents:
        if document.key not in newest or document.version >= newest[document.key].version:
            newest[document.key] = document
    return list(newest.values())


def _version(searcher: tantivy.Searcher, schema: tantivy.Schema, key: str) -> int:
    hits = searcher.search(tantivy.Query.term_query(schema, "key", key), limit=1, count=False).hits
    return int(searcher.doc(hits[0][1])["version"][0]) if hits else -1


def _count(searcher: tantivy.Searcher, query: tantivy.Query) -> int:
    return searcher.search(query, limit=1).count or 0  # type: ignore[attr-defined]  # the stub of 0.27 lacks it


def _by_key(searcher: tantivy.Searcher, query: tantivy.Query, wanted: int) -> list[Hit]:
    hits = searcher.search(query, limit=wanted, count=False, order_by_field="key", order=tantivy.Order.Asc).hits
    return [Hit(key, 0.0) for key, _ in hits]


def _by_relevance(searcher: tantivy.Searcher, query: tantivy.Query, wanted: int) -> list[Hit]:
    """The most relevant, those of equal relevance by key, unless they are too many.

    The last ones are looked at until it is known that all of their equals are there, or that these are too many; so a
    group is in the same order whatever the page.
    """
    reach = wanted + 20
    while True:
        hits = searcher.search(query, limit=reach, count=False).hits
        groups = list(_groups(hits))
        if len(hits) < reach or len(groups[-1]) > TIED or hits[-1][0] < hits[wanted - 1][0]:
            break
        reach = wanted + TIED + 1
    ordered: list[Hit] = []
    for group in groups:
        shown = group if len(group) <= TIED else group[: wanted - len(ordered)]
        found = [Hit(searcher.doc(address)["key"][0], score) for score, address in shown]
        ordered += found if len(group) > TIED else sorted(found, key=lambda hit: hit.key)
        if len(ordered) >= wanted:
            break
    return ordered[:wanted]


def _groups(hits: Iterable[tuple[Any, Any]]) -> Iterator[list[tuple[Any, Any]]]:
    """Neighbours whose first members are equal."""
    for _, group in groupby(hits, key=itemgetter(0)):
        yield list(group)
