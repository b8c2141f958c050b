"""The distributed engine: Elasticsearch 8.

    <alias>                       points at the index that stands
    <alias>-<digest>-<moment>     one index; the digest is that of the fields
    <that>-w                      the name by which it is written, so that a late write never brings a removed index back

Each batch is written to the index that stands and to the one that a rebuild is filling, if any. The version of a document
is Elasticsearch's external version, so writers may come in any order; what was taken out is remembered for an hour.
Documents are not kept in the index (no `_source`): the database has them. An index for other fields is written as far as it
has ours, and asked as far as it has them.
"""

import re
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, TypeVar

import numpy as np
import structlog
from elasticsearch import ApiError, Elasticsearch, NotFoundError, TransportError
from numpy.typing import NDArray

from app.runtime.search import aggregations, columns, elasticsearch_columns, words
from app.runtime.search.elasticsearch_columns import BYTES, WORDS
from app.runtime.search.elasticsearch_query import translate
from app.runtime.search.facets import count as count_facets
from app.runtime.search.port import (
    EVERYTHING,
    RELEVANCE,
    After,
    Cell,
    Document,
    Field,
    FieldsLacking,
    Found,
    Hit,
    IndexMissing,
    Query,
    SearchDown,
    SearchEngine,
    Sort,
    Spread,
    Standing,
    Value,
)

ANSWER_S, WRITE_S = 5.0, 60.0
BATCH = 500  # documents in one bulk request
PAGE = 5_000  # keys in one page of `scan` and `versions`
KEPT = "10m"  # so long a moment is remembered after its last page
DEEPEST = 100_000  # hits that paging may reach
MISSING = (None, "Infinity", "-Infinity", 2**63 - 1, -(2**63))  # what it says that a document without a value is sorted by
CANDIDATES = 500  # vectors looked at for the nearest
MOST = 10_000  # vectors that Elasticsearch gives; of more that are as near as the last one asked for, chance decides
TIED = 32  # so many more are fetched than were asked for, and more again where these are as near as the last
T = TypeVar("T")
log = structlog.get_logger()


class ElasticsearchEngine:
    """One alias in one cluster; see `SearchEngine` for what it does."""

    def __init__(self, client: Elasticsearch, alias: str, fields: Sequence[Field]) -> None:
        self._client = client
        self._alias = alias
        self._reads = alias
        self._fields = {field.name: field for field in fields}
        self._digest = columns.digest(fields)
        self._whole = False  # whether the index that stands was seen to have all of our fields
        self._known: dict[str, dict[str, Field]] = {}  # index to those of our fields that it has

    def write(self, documents: Iterable[Document], *, begin: bool = True) -> None:
        batch = list(documents)
        for _ in range(3 if batch else 0):
            if all(self._bulk(name, batch) for name in self._written(begin=begin)):
                return
        if batch:
            raise SearchDown("The search index is being replaced.")

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
        dsl = self._translated(query)
        lacking = self._check_has({sort.field})
        answers: list[Any] = []
        first: dict[str, Any] = {"size": limit, "track_total_hits": True, "from_": offset}
        if after is not None and (sort.field or not columns.ranks(query)):
            behind = [self._sorts_as(after.value, sort), after.key] if sort.field else [after.key]
            first |= {"from_": 0, "search_after": behind}

        def ask(aggregations: Mapping[str, Any]) -> Mapping[str, Any]:
            page = {"size": 0} if answers else first
            found = self._search(query=dsl, sort=self._sort(sort, query), aggregations=dict(aggregations) or None, **page)
            answers.append(found)
            return found.get("aggregations", {}) if found else {name: {"buckets": []} for name in aggregations}

        known = [name for name in facets if name not in lacking]
        counted = count_facets(ask, known, facet_size) if known else dict(ask({}))
        if answers[0] is None:
            return Found((), 0, counted)
        hits = answers[0]["hits"]
        listed = (
            Hit(hit["_id"], hit.get("_score") or 0.0, _sorted_by(hit["sort"][0]) if sort.field else None) for hit in hits["hits"]
        )
        return Found(tuple(listed), hits["total"]["value"], counted)

    def terms(self, field: str, prefix: str, limit: int = 10, *, query: Query) -> tuple[tuple[str, int], ...]:
        begun = words.split(prefix)[-1:]
        self._check_has({field})
        if not begun:
            return ()
        terms = {"field": field + WORDS, "include": begun[0] + ".*", "size": limit}
        found = self._search(query=self._translated(query), size=0, aggregations={"terms": {"terms": terms}})
        return tuple((one["key"], one["doc_count"]) for one in found["aggregations"]["terms"]["buckets"]) if found else ()

    def scan(self, query: Query, after: str = "") -> Iterator[str]:
        yield from (hit["_id"] for hit in self._walk(query, after))

    def versions(self) -> Iterator[tuple[str, int]]:
        yield from ((hit["_id"], hit["_version"]) for hit in self._walk(EVERYTHING))

    def spread(self, field: str, query: Query, bins: int = 24, step: float = 1.0) -> Spread | None:
        return aggregations.spread(self._asker(query, field), columns.first(self._fields[field]), bins, step)

    def grid(self, field: str, query: Query, degrees: float) -> tuple[Cell, ...]:
        return aggregations.grid(self._asker(query, field), field, degrees)

    def _asker(self, query: Query, field: str) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
        """Takes aggregations over a field and gives what they found in what matches. Raises FieldsLacking."""
        self._check_has({field})
        dsl = self._translated(query)

        def ask(asked: Mapping[str, Any]) -> Mapping[str, Any]:
            found = self._search(query=dsl, size=0, track_total_hits=False, aggregations=dict(asked))
            answers: Mapping[str, Any] = (
                found["aggregations"] if found else {name: {"value": None, "buckets": []} for name in asked}
            )
            return answers

        return ask

    def nearest(self, field: str, vector: Sequence[float], query: Query = EVERYTHING, limit: int = 10) -> tuple[Hit, ...]:
        direction = columns.unit(vector, self._fields[field].dimensions)
        self._check_has({field})
        if direction is None:
            return ()
        number = min(limit + TIED, MOST)
        while True:
            near = self._measured(field, direction, query, number)
            enough = len(near) < number or near[-1][0] > near[limit - 1][0] + columns.slack(len(direction))
            if enough or number == MOST:
                return tuple(Hit(key, -score) for score, key in near[:limit])
            number = min(number * 8, MOST)

    def _measured(self, field: str, direction: NDArray[np.float32], query: Query, number: int) -> list[tuple[float, str]]:
        """What Elasticsearch holds for the nearest, so many at most: cosine with a minus, and key, the nearest first."""
        kept = field + BYTES
        knn = {
            "field": field,
            "query_vector": direction.tolist(),
            "k": number,
            "num_candidates": min(MOST, max(CANDIDATES, number * 10)),
            "filter": self._translated(query),
        }
        found = self._search(knn=knn, size=number, docvalue_fields=[kept], track_total_hits=False)
        hits = found["hits"]["hits"] if found else []
        if not hits:
            return []
        held = np.stack([elasticsearch_columns.half_floats(hit["fields"][kept][0]) for hit in hits])
        scores = columns.cosines(direction, held).tolist()
        return sorted((-score, hit["_id"]) for score, hit in zip(scores, hits, strict=True))

    def tend(self, stop: Callable[[], bool]) -> None:
        """Elasticsearch does that by itself."""

    def lacking(self) -> frozenset[str]:
        if self._whole:
            return frozenset()
        aliases = self._ours()
        standing = [name for name in aliases if self._alias in aliases[name]]
        self._whole = any(map(self._fits, standing))
        known = [self._fields_of(name).keys() for name in standing]
        return frozenset(self._fields.keys() - set.intersection(*map(set, known))) if known else frozenset()

    def standing(self) -> Standing:
        aliases = self._ours()
        stands = [name for name in aliases if self._alias in aliases[name]]
        filled = any(self._fits(name) for name in aliases if name not in stands)
        if not stands:
            return Standing("none", filled)
        return Standing("current" if self._fits(stands[0]) else "other", filled)

    def _walk(self, query: Query, key: str = "") -> Iterator[Mapping[str, Any]]:
        """The hits beyond that key, by key ascending, of one moment."""
        dsl = self._translated(query)
        try:
            moment = _asked(lambda: self._client.open_point_in_time(index=self._reads, keep_alive=KEPT))["id"]
        except NotFoundError:
            return
        try:
            after: list[Any] | None = [key] if key else None
            while True:
                page = {"pit": {"id": moment, "keep_alive": KEPT}, "size": PAGE, "search_after": after, "track_total_hits": False}
                found = self._search(query=dsl, sort=[{"key": "asc"}], version=True, **page)
                if found is None:
                    raise SearchDown("The search index was made anew meanwhile, or the search was left for too long: ask again.")
                moment, hits = found.get("pit_id", moment), found["hits"]["hits"]
                yield from hits
                if len(hits) < PAGE:
                    return
                after = hits[-1]["sort"]
        finally:
            _forget(self._client, moment)

    @contextmanager
    def rebuild(self) -> Iterator[SearchEngine]:
        """See `SearchEngine`. What others write meanwhile reaches the new index too. Of two at once the first to end wins."""
        fresh = self._create()
        try:
            yield _Filling(self, fresh)
            self._point_to(fresh)
        except BaseException:
            _asked(lambda: self._client.indices.delete(index=fresh, ignore_unavailable=True))
            raise

    def close(self) -> None:
        self._client.close()

    def _translated(self, query: Query) -> dict[str, Any]:
        """Raises FieldsLacking."""
        self._check_has(columns.fields_of(query))
        return translate(query, self._fields)

    def _check_has(self, names: Collection[str]) -> frozenset[str]:
        """What the index that stands lacks at all. Raises FieldsLacking where one of these is among it."""
        lacking = self.lacking()
        if asked := lacking.intersection(names):
            raise FieldsLacking(asked)
        return lacking

    def _written(self, *, begin: bool) -> list[str]:
        """The index that stands, whatever its fields, and those for our fields that are filled. See `write` for `begin`."""
        aliases = self._ours()
        standing = [name for name in aliases if self._alias in aliases[name]]
        if not standing:
            if not begin:
                raise IndexMissing
            standing = [self._create()]
            _asked(lambda: self._client.indices.put_alias(index=standing[0], name=self._alias))
        return sorted({*standing, *filter(self._fits, aliases)})

    def _ours(self) -> dict[str, set[str]]:
        """Every index of this alias with its aliases. Another hub's alias may begin like ours; its indices are not ours."""
        found = _asked(lambda: self._client.indices.get_alias(index=f"{self._alias}-*"))
        name_of_ours = re.compile(rf"{re.escape(self._alias)}-[0-9a-f]{{8}}-\d+")
        return {name: set(state["aliases"]) for name, state in found.items() if name_of_ours.fullmatch(name)}

    def _fields_of(self, name: str) -> dict[str, Field]:
        """Those of our fields that the index has."""
        if self._fits(name):
            return self._fields
        if name not in self._known:
            held = next(iter(_asked(lambda: self._client.indices.get_mapping(index=name)).values()))["mappings"]["properties"]
            self._known[name] = elasticsearch_columns.standing(held, self._fields)
        return self._known[name]

    def _sort(self, sort: Sort, query: Query) -> list[dict[str, Any]]:
        by_key = {"key": {"order": "asc"}}
        if sort.field:
            column = columns.first(self._fields[sort.field])
            order = "desc" if sort.descending else "asc"
            return [{column: {"order": order, "missing": "_last"}}, by_key]
        return [{"_score": {"order": "desc"}}, by_key] if columns.ranks(query) else [by_key]

    def _sorts_as(self, value: Value | None, sort: Sort) -> Value | None:
        """What a missing value is sorted by: the last of all."""
        column = next(iter(columns.layout(self._fields[sort.field]).values()))
        if value is not None or column == "keyword":
            return value
        if column == "float":
            return "-Infinity" if sort.descending else "Infinity"
        return -(2**63) if sort.descending else 2**63 - 1

    def _fits(self, name: str) -> bool:
        return name.startswith(f"{self._alias}-{self._digest}-")

    def _create(self) -> str:
        name = f"{self._alias}-{self._digest}-{time.time_ns()}"
        patient = self._client.options(request_timeout=WRITE_S)
        mappings = elasticsearch_columns.mappings(self._fields.values())
        _asked(lambda: patient.indices.create(index=name, mappings=mappings, settings=_settings(), aliases={_writing(name): {}}))
        return name

    def _point_to(self, fresh: str) -> None:
        """In one step the alias moves, and every other index of ours goes."""
        patient = self._client.options(request_timeout=WRITE_S)
        _asked(lambda: patient.indices.refresh(index=fresh))
        actions: list[dict[str, Any]] = [{"remove_index": {"index": name}} for name in self._ours() if name != fresh]
        actions.append({"add": {"index": fresh, "alias": self._alias}})
        _asked(lambda: patient.indices.update_aliases(actions=actions))

    def _bulk(self, name: str, batch: Sequence[Document], *, refresh: bool = True) -> bool:
        """Write to one index; False if it was removed meanwhile. SearchDown where Elasticsearch takes it not now."""
        patient = self._client.options(request_timeout=WRITE_S)
        for start in range(0, len(batch), BATCH):
            operations = [line for document in batch[start : start + BATCH] for line in self._lines(name, document)]
            answer = _asked(partial(patient.bulk, operations=operations, refresh=refresh, require_alias=True))
            for item in (item for items in answer["items"] for item in items.values()):
                error = item.get("error")
                if error and error["type"] == "index_not_found_exception":
                    return False
                if error and (item["status"] == 429 or item["status"] >= 500):
                    raise SearchDown(f"Elasticsearch cannot take documents now: {error.get('reason', error['type'])}")
                if error and item["status"] != 409:  # 409: a newer version is there
                    log.error("left out of the index; check-index will name it", key=item["_id"], reason=error.get("reason"))
        return True

    def _lines(self, name: str, document: Document) -> Iterator[dict[str, Any]]:
        about = {"_index": _writing(name), "_id": document.key, "version": document.version, "version_type": "external_gte"}
        if document.deleted:
            yield {"delete": about}
            return
        yield {"index": about}
        yield elasticsearch_columns.source(document, self._fields_of(name))

    def _search(self, **asked: Any) -> Any:
        """The answer, or None where there is no index yet."""
        where: dict[str, Any] = {} if "pit" in asked else {"index": self._reads}
        try:
            return _asked(lambda: self._client.search(**where, **asked))
        except NotFoundError:
            return None


class _Filling(ElasticsearchEngine):
    """What a rebuild hands out: it writes to the new index and reads there."""

    def __init__(self, parent: ElasticsearchEngine, fresh: str) -> None:
        super().__init__(parent._client, parent._alias, tuple(parent._fields.values()))
        self._reads = fresh
        self._whole = True

    def write(self, documents: Iterable[Document], *, begin: bool = True) -> None:  # noqa: ARG002 - the new index is there
        if not self._bulk(self._reads, list(documents), refresh=False):
            raise SearchDown("Another rebuild of the search index has ended first.")


def connect(url: str, alias: str, fields: Sequence[Field]) -> ElasticsearchEngine:
    """The engine at that address, which is not asked anything yet."""
    return ElasticsearchEngine(Elasticsearch(url, request_timeout=ANSWER_S, max_retries=1, retry_on_timeout=False), alias, fields)


def _asked(request: Callable[[], T]) -> T:
    """What Elasticsearch answers. SearchDown if it does not, or says that it cannot at the moment."""
    try:
        return request()
    except TransportError as error:
        raise SearchDown("The search engine does not answer.") from error
    except ApiError as error:
        if error.status_code in (429, 502, 503, 504):
            raise SearchDown("The search engine is busy.") from error
        raise


def _sorted_by(value: Any) -> Value | None:
    """None for what stands in the place of a value that is missing."""
    return None if value in MISSING else value


def _writing(name: str) -> str:
    return f"{name}-w"


def _settings() -> dict[str, Any]:
    return {"number_of_shards": 1, "auto_expand_replicas": "0-1", "max_result_window": DEEPEST, "gc_deletes": "1h"}


def _forget(client: Elasticsearch, moment: str) -> None:
    """It would be forgotten by itself."""
    with suppress(TransportError, ApiError):
        client.close_point_in_time(id=moment)
