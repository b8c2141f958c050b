"""The nearest vectors in an index of tantivy: all measured where few match, else those that the graph proposes.

The order matters: the graph is looked up before the searcher is taken. A row that the graph covers was then committed before,
and what it proposes can mean no other document than the one that has that row.
"""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import tantivy
from numpy.typing import NDArray
from tantivy import Occur

from app.runtime.search.port import Hit, Query
from app.runtime.search.tantivy_index import TantivyIndex, count
from app.runtime.search.vectors import Rows

MEASURED = 50_000  # so many vectors are rather measured all
MOST_PROPOSED = 20_000  # rows asked of a graph at most; where the filter leaves too few of them, all that match are measured
Near = list[tuple[float, str]]  # cosine with a minus, key: sorted, the nearest first


def find(index: TantivyIndex, field: str, vector: NDArray[np.float32], query: Query, limit: int) -> tuple[Hit, ...]:
    """See `SearchEngine.nearest`; `vector` has length 1."""
    store = index.vectors[field]
    covered = store.covered()
    searcher = index.searcher()
    matching = _all([index.translate(query, searcher), tantivy.Query.exists_query(field)])
    measure = _Measure(index, searcher, field, vector, limit)
    if not covered or count(searcher, matching) <= MEASURED:
        near = measure.best(matching)
    else:
        proposed = _proposed(measure, matching, covered)
        late = measure.best(_all([matching, index.from_(field, covered)]))
        near = measure.best(matching) if proposed is None else sorted([*proposed, *late])[:limit]
    return tuple(Hit(key, -score) for score, key in near)


def tend(index: TantivyIndex, stop: Callable[[], bool]) -> None:
    """Bring each graph up to date where that is worth while: an eighth of its rows are new, or a third no longer count."""
    for field, store in index.vectors.items():
        covered = store.covered()
        searcher = index.searcher()
        late = count(searcher, index.from_(field, covered)) if covered else count(searcher, tantivy.Query.exists_query(field))
        stale = store.in_graph() - count(searcher, index.below(field, covered))
        anew = stale * 3 > store.in_graph()
        if late > max(MEASURED, store.in_graph() // 8) or (anew and covered):
            rows = tantivy.Query.exists_query(field) if anew or not covered else index.from_(field, covered)
            last = searcher.search(
                tantivy.Query.exists_query(field), limit=1, count=False, order_by_field=field, order=tantivy.Order.Desc
            ).hits
            pages = (_rows(page) for page in index.in_order(searcher, rows, field))
            store.extend(pages, int(last[0][0]) + 1 if last else covered, anew=anew, stop=stop)


def _proposed(measure: "_Measure", matching: tantivy.Query, covered: int) -> Near | None:
    """The best of what the graph proposes; None where too little of that matches."""
    index, store = measure.index, measure.index.vectors[measure.field]
    inside = count(measure.searcher, _all([matching, index.below(measure.field, covered)]))
    size = store.in_graph()
    if not inside:
        return []
    number = min(size, round(measure.limit * size / inside * 1.5) + 32)
    while number <= MOST_PROPOSED:
        rows = store.propose(measure.vector, number)
        found = measure.best(_all([matching, index.below(measure.field, covered), index.among(measure.field, rows.tolist())]))
        if len(found) >= min(measure.limit, inside):
            return found
        if number == size:
            return None
        number = min(size, number * 4)
    return None


class _Measure:
    """Measures what matches, page by page, and keeps the best."""

    def __init__(
        self, index: TantivyIndex, searcher: tantivy.Searcher, field: str, vector: NDArray[np.float32], limit: int
    ) -> None:
        self.index = index
        self.searcher = searcher
        self.field = field
        self.vector = vector
        self.limit = limit

    def best(self, query: tantivy.Query) -> Near:
        near: Near = []
        for page in self.index.in_order(self.searcher, query, self.field):
            near = sorted([*near, *self._keyed(page)])[: self.limit]
        return near

    def _keyed(self, page: list[tuple[int, object]]) -> Iterator[tuple[float, str]]:
        """The best of one page, and whatever is as near as the last of them."""
        places, cosines = self.index.vectors[self.field].nearest(self.vector, _rows(page), self.limit)
        for place, cosine in zip(places.tolist(), cosines.tolist(), strict=True):
            yield -cosine, self.searcher.doc(page[place][1])["key"][0]


def _rows(page: Iterable[tuple[int, object]]) -> Rows:
    return np.array([row for row, _ in page], np.int64)


def _all(parts: list[tantivy.Query]) -> tantivy.Query:
    return tantivy.Query.boolean_query([(Occur.Must, part) for part in parts])
