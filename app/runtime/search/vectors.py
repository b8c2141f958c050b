"""The vectors of one field beside an index of tantivy: a file of rows, and a graph over them for finding the nearest (HNSW).

    vectors/<field>.rows        (rows, dimensions) float16, little endian; a row is written once and never again
    vectors/<field>.<n>.graph   usearch's graph over those of the rows below n that were in use when it was made

The index holds the number of each document's row and is the only truth: rows are on disk before the commit that names them,
so a row that no commit names is merely room. A graph is a proposal: whoever asks it looks up which of its rows still count,
measures these again, and measures all rows behind n. So a graph may be late, or missing.
"""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from app.runtime.search import columns

if TYPE_CHECKING:
    from usearch.index import Index

CONNECTIONS, EXPANSION_ADD, EXPANSION_SEARCH = 24, 192, 768  # of HNSW: edges of a node, nodes looked at for adding and finding
ADDED = 256  # vectors added to a graph at a time: it holds the interpreter's lock meanwhile
Rows = NDArray[np.int64]


class VectorRows:
    """The rows and the graph of one field in one folder."""

    def __init__(self, folder: Path, field: str, dimensions: int) -> None:
        self._folder = folder
        self._field = field
        self._dimensions = dimensions
        self._path = folder / f"{field}.rows"
        self._open: tuple[tuple[int, int], Index] | None = None

    def append(self, vectors: NDArray[np.float16]) -> int:
        """Write (N, dimensions) float16 behind the rest, to the disk; the number of the first. For one writer at a time."""
        self._folder.mkdir(exist_ok=True)
        size = 2 * self._dimensions
        with self._path.open("ab") as file:
            first = file.tell() // size
            file.truncate(first * size)  # a writer that was killed may have left half a row
            file.write(vectors.astype("<f2").tobytes())
            file.flush()
            os.fsync(file.fileno())
        return first

    def nearest(self, vector: NDArray[np.float32], rows: Rows, limit: int) -> tuple[Rows, NDArray[np.float64]]:
        """Places among `rows`, and cosines (see `columns.cosines`), of the `limit` nearest to the (dimensions,) vector of
        length 1, and of whatever is as near as the last of them.

        All are measured in singles, which is quick, and exactly what may be among the nearest by that.
        """
        held = np.memmap(self._path, "<f2", "r").reshape(-1, self._dimensions)[rows]
        singles = held.astype(np.float32)
        rough = (singles @ vector) / np.linalg.norm(singles, axis=1)
        least = np.partition(rough, -limit)[-limit] - columns.slack(self._dimensions) if len(rows) > limit else -np.inf
        places = np.flatnonzero(rough >= least)
        return places, columns.cosines(vector, held[places])

    def at(self, row: int) -> NDArray[np.float16]:
        """(dimensions,) float16"""
        found: NDArray[np.float16] = np.fromfile(self._path, "<f2", self._dimensions, offset=2 * self._dimensions * row)
        return found

    def covered(self) -> int:
        """The graph covers the rows below this one; 0 where there is no graph."""
        return max((number for number, _ in self._graphs()), default=0)

    def in_graph(self) -> int:
        """How many rows the graph has, those that no longer count among them."""
        graph = self._graph()
        return len(graph) if graph is not None else 0

    def propose(self, vector: NDArray[np.float32], number: int) -> Rows:
        """The rows that the graph holds for the nearest, so many if it has them."""
        graph = self._graph()
        if graph is None:
            return np.empty(0, np.int64)
        graph.expansion_search = max(EXPANSION_SEARCH, number)  # type: ignore[misc]  # it has a setter, defined twice
        found: Rows = np.asarray(graph.search(vector, number).keys, np.uint64).astype(np.int64)
        return found

    def extend(self, pages: Iterable[Rows], upto: int, *, anew: bool, stop: Callable[[], bool]) -> None:
        """Write a graph of what is in the present one, unless `anew`, and of these rows; it covers all below `upto`."""
        from usearch.index import Index  # slow to import, and rarely needed

        path = next((path for number, path in self._graphs() if number == self.covered()), None)
        graph = Index(ndim=self._dimensions, metric="cos", dtype="f16", connectivity=CONNECTIONS, expansion_add=EXPANSION_ADD)
        if path is not None and not anew:
            graph.load(path)
        held = np.memmap(self._path, "<f2", "r").reshape(-1, self._dimensions)
        for rows in pages:
            for start in range(0, len(rows), ADDED):
                if stop():
                    return
                some = rows[start : start + ADDED]
                graph.add(some.astype(np.uint64), np.array(held[some]), threads=1)
        made = self._folder / f"{self._field}.{upto}.graph"
        fresh = made.with_suffix(".new")
        graph.save(fresh)
        fresh.replace(made)
        for number, path in self._graphs():
            if number != upto:
                path.unlink(missing_ok=True)

    def _graph(self) -> "Index | None":
        """The newest graph, in memory as far as it is used."""
        from usearch.index import Index

        covered = self.covered()
        if not covered:
            return None
        path = self._folder / f"{self._field}.{covered}.graph"
        state = covered, path.stat().st_mtime_ns
        if self._open is None or self._open[0] != state:
            found: Any = Index.restore(path, view=True)
            self._open = state, found
        return self._open[1]

    def _graphs(self) -> list[tuple[int, Path]]:
        found = ((path.name.split(".")[-2], path) for path in self._folder.glob(f"{self._field}.*.graph"))
        return [(int(number), path) for number, path in found if number.isdigit()]
