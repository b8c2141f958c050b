"""The embedded engine: tantivy in a folder that can be thrown away.

    index/current                 the name of the folder that stands
    index/<digest>-<n>/           one index; the digest is that of the fields
    index/<digest>-<n>/vectors/   the vectors of its documents and their graphs, see `vectors`
    index/write.lock              held by whoever writes, for one batch (flock: let go by the system if its process dies)
    index/rebuild.lock            held by a rebuild, as long as it lasts
    index/journal                 documents written during a rebuild, to be written to the new index too

Any process may read and any may write; each batch is one commit. What was taken out is not remembered: a document comes
back if an older state of it is written after, which the relay does not do, as it writes what stands in the database.
"""

import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import tantivy

from app.runtime.file_lock import is_free, locked
from app.runtime.panics import is_panic
from app.runtime.search import aggregations, columns, tantivy_nearest
from app.runtime.search.port import (
    EVERYTHING,
    RELEVANCE,
    After,
    Cell,
    Document,
    Field,
    Found,
    Hit,
    IndexDamaged,
    IndexMissing,
    Query,
    SearchDown,
    SearchEngine,
    Sort,
    Spread,
    Standing,
)
from app.runtime.search.tantivy_index import TantivyIndex, newest

MEMORY_OF_REBUILD = 150_000_000  # bytes that its writer may fill before it writes a segment


class TantivyEngine:
    """One folder of indexes; see `SearchEngine` for what it does."""

    def __init__(self, root: Path, fields: Sequence[Field]) -> None:
        self._root = root
        self._fields = {field.name: field for field in fields}
        self._digest = columns.digest(fields)
        self._open: TantivyIndex | None = None

    def write(self, documents: Iterable[Document], *, begin: bool = True) -> None:
        batch = newest(documents)
        if not batch:
            return
        self._root.mkdir(parents=True, exist_ok=True)
        with locked(self._root / "write.lock"), self._sound():
            journal = self._root / "journal"
            if journal.exists():
                self._note(journal, batch)
            index = self._current()
            if index is None and not begin:
                raise IndexMissing
            (index or self._begin()).write(batch)

    def find(
        self,
        query: Query,
        *,
        facets: Sequence[str] = (),
        facet_size: int = 20,
        sort: Sort = RELEVANCE,
        offset: int = 0,
        limit: int = 20,
        after: After | None = None,
    ) -> Found:
        with self._sound():
            index = self._current()
            if index is None:
                return Found((), 0, dict.fromkeys(facets, ()))
            return index.find(query, facets, facet_size, sort, offset, limit, after)

    def terms(self, field: str, prefix: str, limit: int = 10, *, query: Query) -> tuple[tuple[str, int], ...]:
        with self._sound():
            index = self._current()
            return index.terms(field, prefix, limit, query) if index else ()

    def scan(self, query: Query, after: str = "") -> Iterator[str]:
        yield from (key for key, _ in self._walk(query, after))

    def versions(self) -> Iterator[tuple[str, int]]:
        yield from self._walk(EVERYTHING)

    def _walk(self, query: Query, after: str = "") -> Iterator[tuple[str, int]]:
        with self._sound():
            index = self._current()
            if index is not None:
                yield from index.walk(query, after)

    def spread(self, field: str, query: Query, bins: int = 24, step: float = 1.0) -> Spread | None:
        with self._sound():
            index = self._current()
            return (
                aggregations.spread(index.asker(query, field), columns.first(self._fields[field]), bins, step) if index else None
            )

    def grid(self, field: str, query: Query, degrees: float) -> tuple[Cell, ...]:
        with self._sound():
            index = self._current()
            return aggregations.grid(index.asker(query, field), field, degrees) if index else ()

    def nearest(self, field: str, vector: Sequence[float], query: Query = EVERYTHING, limit: int = 10) -> tuple[Hit, ...]:
        direction = columns.unit(vector, self._fields[field].dimensions)
        with self._sound():
            for last_try in (False, True):
                index = self._current()
                if index is None or direction is None:
                    break
                index.check_has({field})
                try:
                    return tantivy_nearest.find(index, field, direction, query, limit)
                except FileNotFoundError:  # a rebuild took the folder away meanwhile
                    if last_try:
                        raise
        return ()

    def tend(self, stop: Callable[[], bool]) -> None:
        with self._sound():
            index = self._current()
            if index is not None:
                tantivy_nearest.tend(index, stop)

    def lacking(self) -> frozenset[str]:
        with self._sound():
            index = self._current()
            return index.lacking if index else frozenset()

    def standing(self) -> Standing:
        # the journal is looked at first, as to try a lock is to hold it for a moment
        rebuilding = (self._root / "journal").exists() and not is_free(self._root / "rebuild.lock")
        try:
            fits = (self._root / "current").read_text().startswith(f"{self._digest}-")
        except FileNotFoundError:
            return Standing("none", rebuilding)
        except UnicodeDecodeError as error:
            raise IndexDamaged from error
        return Standing("current" if fits else "other", rebuilding)

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
                index = TantivyIndex.create(fresh, tuple(self._fields.values()))
                filling = _Filling(self, index)
                yield filling
                filling.commit()
                with locked(self._root / "write.lock"):
                    for batch in self._noted():
                        index.write(batch)
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
            file.write(json.dumps([self._digest, [_told(document) for document in documents]], default=_plain) + "\n")

    def _noted(self) -> Iterator[list[Document]]:
        with (self._root / "journal").open(encoding="utf-8") as file:
            for line in file:
                digest, documents = json.loads(line)
                if digest != self._digest:
                    raise SearchDown("Something of another version wrote to the index during the rebuild: stop it first.")
                yield [Document(**one) for one in documents]

    def _current(self) -> TantivyIndex | None:
        """The index that stands, opened again when the pointer has moved; it may be for other fields."""
        for last_try in (False, False, True):
            try:
                name = (self._root / "current").read_text().strip()
            except FileNotFoundError:
                return None
            if self._open is not None and self._open.folder.name == name:
                break
            try:
                self._open = TantivyIndex.open(self._root / name, tuple(self._fields.values()))
            except (ValueError, FileNotFoundError):  # a rebuild took it away after we had read its name
                if last_try:
                    raise
        return self._open

    @contextmanager
    def _sound(self) -> Iterator[None]:
        """Raises IndexMissing where the block fails because somebody deletes the index, IndexDamaged where files are damaged.

        Tantivy says so by the errors of wrong questions, or panics; then the index is opened anew and asked something that no
        sound one fails at.
        """
        try:
            yield
        except (ValueError, OSError) as error:
            if self._opens():
                raise
            raise IndexDamaged from error
        except BaseException as error:
            if is_panic(error):
                raise IndexDamaged from error
            raise

    def _opens(self) -> bool:
        try:
            name = (self._root / "current").read_text().strip()
            index = TantivyIndex.open(self._root / name, tuple(self._fields.values()))
            index.find(EVERYTHING, (), 0, RELEVANCE, 0, 1)
        except FileNotFoundError as error:
            if not (self._root / "current").exists():
                raise IndexMissing from error
            return False
        except (ValueError, OSError):
            return False
        except BaseException as error:
            if is_panic(error):
                return False
            raise
        return True

    def _begin(self) -> TantivyIndex:
        fresh = self._next_folder()
        self._open = TantivyIndex.create(fresh, tuple(self._fields.values()))
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


def _told(document: Document) -> dict[str, Any]:
    return {"key": document.key, "version": document.version, "fields": document.fields, "deleted": document.deleted}


def _plain(value: Any) -> Any:
    """What JSON lacks, as it has it: moments as text, tuples and arrays as lists."""
    if isinstance(value, datetime):
        return value.isoformat()
    return np.asarray(value).tolist()


class _Filling(TantivyEngine):
    """What a rebuild hands out: it fills the new index, which nobody else knows yet, in one commit at the end."""

    def __init__(self, parent: TantivyEngine, index: TantivyIndex) -> None:
        super().__init__(parent._root, tuple(parent._fields.values()))
        self._filled = index
        self._writer: tantivy.IndexWriter | None = index.writer(MEMORY_OF_REBUILD)

    def write(self, documents: Iterable[Document], *, begin: bool = True) -> None:  # noqa: ARG002 - the new index is there
        if self._writer is None:
            raise ValueError("the rebuild is over")
        self._filled.put(self._writer, newest(documents))

    def commit(self) -> None:
        if self._writer is not None:
            self._writer.commit()
            self._writer.wait_merging_threads()
            self._writer = None

    def _current(self) -> TantivyIndex | None:
        self.commit()
        return self._filled
