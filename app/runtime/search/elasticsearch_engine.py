"""The distributed engine: Elasticsearch 8.

    <alias>                       points at the index that stands
    <alias>-<digest>-<moment>     one index; the digest is that of the fields
    <that>-w                      the name by which it is written, so that a late write never brings a removed index back

Each batch is written to the index that stands and to the one that a rebuild is filling, if any. The version of a document
is Elasticsearch's external version, so writers may come in any order; what was taken out is remembered for an hour.
Documents are not kept in the index (no `_source`): the database has them.
"""

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

import structlog
from elasticsearch import ApiError, Elasticsearch, NotFoundError, TransportError

from app.runtime.search import columns, words
from app.runtime.search.elasticsearch_query import translate
from app.runtime.search.facets import count as count_facets
from app.runtime.search.port import RELEVANCE, Document, Field, Found, Hit, Query, SearchDown, SearchEngine, Sort

ANSWER_S, WRITE_S = 5.0, 60.0
BATCH = 500  # documents in one bulk request
PAGE = 5_000  # keys in one page of `versions`
DEEPEST = 100_000  # hits that paging may reach
WORDS = "_words"  # column of the distinct words of a text, for autocompletion
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

    def write(self, documents: Iterable[Document]) -> None:
        batch = list(documents)
        for _ in range(3 if batch else 0):
            if all(self._bulk(name, batch) for name in self._written()):
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
    ) -> Found:
        dsl = translate(query, self._fields)
        answers: list[Any] = []

        def ask(aggregations: Mapping[str, Any]) -> Mapping[str, Any]:
            page = {"from_": offset, "size": limit, "track_total_hits": True} if not answers else {"size": 0}
            found = self._search(query=dsl, sort=_sort(sort, query), aggregations=dict(aggregations) or None, **page)
            answers.append(found)
            return found.get("aggregations", {}) if found else {name: {"buckets": []} for name in aggregations}

        counted = count_facets(ask, facets, facet_size) if facets else dict(ask({}))
        if answers[0] is None:
            return Found((), 0, counted)
        hits = answers[0]["hits"]
        return Found(tuple(Hit(hit["_id"], hit.get("_score") or 0.0) for hit in hits["hits"]), hits["total"]["value"], counted)

    def terms(self, field: str, prefix: str, limit: int = 10, *, query: Query) -> tuple[tuple[str, int], ...]:
        begun = words.split(prefix)[-1:]
        if not begun:
            return ()
        terms = {"field": field + WORDS, "include": begun[0] + ".*", "size": limit}
        found = self._search(query=translate(query, self._fields), size=0, aggregations={"terms": {"terms": terms}})
        return tuple((one["key"], one["doc_count"]) for one in found["aggregations"]["terms"]["buckets"]) if found else ()

    def versions(self) -> Iterator[tuple[str, int]]:
        try:
            moment = _asked(lambda: self._client.open_point_in_time(index=self._reads, keep_alive="5m"))["id"]
        except NotFoundError:
            return
        try:
            after: list[Any] | None = None
            while True:
                page = {"pit": {"id": moment, "keep_alive": "5m"}, "size": PAGE, "search_after": after, "track_total_hits": False}
                hits = self._search(sort=[{"key": "asc"}], version=True, **page)["hits"]["hits"]
                yield from ((hit["_id"], hit["_version"]) for hit in hits)
                if len(hits) < PAGE:
                    return
                after = hits[-1]["sort"]
        finally:
            _asked(lambda: self._client.close_point_in_time(id=moment))

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

    def _written(self) -> list[str]:
        """The index that stands (made now if none does) and those that are being filled. SearchDown if it is for other fields."""
        aliases = self._ours()
        standing = [name for name in aliases if self._alias in aliases[name]]
        if not standing:
            standing = [self._create()]
            _asked(lambda: self._client.indices.put_alias(index=standing[0], name=self._alias))
        elif not self._fits(standing[0]):
            raise SearchDown("The search index is of another version: run `lectotype reindex`.")
        return sorted({*standing, *filter(self._fits, aliases)})

    def _ours(self) -> dict[str, set[str]]:
        """Every index of this alias with its aliases. Another hub's alias may begin like ours; its indices are not ours."""
        found = _asked(lambda: self._client.indices.get_alias(index=f"{self._alias}-*"))
        name_of_ours = re.compile(rf"{re.escape(self._alias)}-[0-9a-f]{{8}}-\d+")
        return {name: set(state["aliases"]) for name, state in found.items() if name_of_ours.fullmatch(name)}

    def _fits(self, name: str) -> bool:
        return name.startswith(f"{self._alias}-{self._digest}-")

    def _create(self) -> str:
        name = f"{self._alias}-{self._digest}-{time.time_ns()}"
        patient = self._client.options(request_timeout=WRITE_S)
        mappings = {"dynamic": "strict", "_source": {"enabled": False}, "properties": _properties(self._fields.values())}
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
        held = columns.of(document, self._fields)
        texts = [column for column in held if column in self._fields and self._fields[column].kind == "text"]
        distinct = {column + WORDS: sorted({word for text in held[column] for word in text.split()}) for column in texts}
        yield {"index": about}
        yield {"key": document.key, **held, **distinct}

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

    def write(self, documents: Iterable[Document]) -> None:
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


def _writing(name: str) -> str:
    return f"{name}-w"


def _settings() -> dict[str, Any]:
    return {"number_of_shards": 1, "auto_expand_replicas": "0-1", "max_result_window": DEEPEST, "gc_deletes": "1h"}


def _properties(fields: Iterable[Field]) -> dict[str, Any]:
    properties: dict[str, Any] = {"key": {"type": "keyword"}}
    types = {"keyword": "keyword", "number": "double", "date": "long", "flag": "boolean"}
    for field in fields:
        if field.kind != "text":
            properties[field.name] = {"type": types[field.kind]}
            continue
        text = {"type": "text", "analyzer": "whitespace"}
        properties[field.name] = text
        properties[field.name + columns.STEM] = text | {"index_options": "freqs"}
        properties[field.name + WORDS] = {"type": "keyword", "index": False}
    return properties


def _sort(sort: Sort, query: Query) -> list[dict[str, Any]]:
    by_key = {"key": {"order": "asc"}}
    if sort.field:
        return [{sort.field: {"order": "desc" if sort.descending else "asc", "missing": "_last"}}, by_key]
    return [{"_score": {"order": "desc"}}, by_key] if columns.ranks(query) else [by_key]
