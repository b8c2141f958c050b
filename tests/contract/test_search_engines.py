"""One suite over both search engines: the same documents and questions, the same ids, totals and facets."""

import itertools
import math
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from app.runtime.search import elasticsearch_engine, tantivy_nearest
from app.runtime.search.port import (
    After,
    And,
    Document,
    Everything,
    Field,
    FieldsLacking,
    Fuzzy,
    InBox,
    IndexMissing,
    Near,
    Not,
    Or,
    Overlaps,
    Phrase,
    Prefix,
    Query,
    Range,
    SearchDown,
    SearchEngine,
    Shared,
    Sort,
    Standing,
    Term,
    Value,
    Words,
)
from app.runtime.search.tantivy_engine import TantivyEngine
from tests.services import free_port

FIELDS = (
    Field("text", "text", many=True),
    Field("family", "keyword", many=True),
    Field("label", "keyword"),
    Field("year", "number"),
    Field("when", "date"),
    Field("ruler", "flag"),
    Field("place", "point"),
    Field("collected", "interval"),
    Field("embedding", "vector", dimensions=4),
    Field("leaf", "vector", dimensions=2),
)
OAK = Document(
    "specimen/oak",
    1,
    {
        "text": ["Quercus robur L.", "Meise, in silva; leaves large, S-M-12 BM001128287"],
        "family": "Fagaceae",
        "label": "Quercus robur",
        "year": 1887,
        "when": "1887-06-12T00:00:00Z",
        "ruler": True,
        "place": "50.93,4.33",
        "collected": "1887-06-12",
        "embedding": [3, 4, 0, 0],
        "leaf": [0.0, 2.0],
    },
)
BIRCH = Document(
    "specimen/birch",
    1,
    {
        "text": ["Bétula péndula Roth, Übersee, leaf small S-M-13"],
        "family": ["Betulaceae", "Fagales"],
        "label": "Betula pendula",
        "year": 1901.0,
        "when": "1901-01-01",
        "place": "-16.5,179.9",
        "collected": "1899-05/1901",
        "embedding": [0, 0, 0, -0.5],
    },
)
BARE = Document("annotation/bare", 1, {"label": "nothing read", "ruler": False})
Connect = Callable[[], SearchEngine]
_numbers = itertools.count(time.time_ns())


@pytest.fixture(params=["tantivy", "elasticsearch"])
def connect(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Connect]:
    """Opens one more handle on the same, at first missing, index."""
    opened: list[SearchEngine] = []
    alias = f"test{next(_numbers)}"
    url = request.getfixturevalue("elasticsearch_url") if request.param == "elasticsearch" else ""

    def connect(fields: Sequence[Field] = FIELDS) -> SearchEngine:
        opened.append(elasticsearch_engine.connect(url, alias, fields) if url else TantivyEngine(tmp_path / "index", fields))
        return opened[-1]

    yield connect
    for engine in opened:
        engine.close()


@pytest.fixture
def engine(connect: Connect) -> SearchEngine:
    engine = connect()
    engine.write([OAK, BIRCH, BARE])
    return engine


def keys(engine: SearchEngine, query: Query, **how: object) -> list[str]:
    found = engine.find(query, **how)  # type: ignore[arg-type]  # keywords of find
    assert found.total >= len(found.hits)
    return [hit.key.partition("/")[2] for hit in found.hits]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (Everything(), ["bare", "birch", "oak"]),
        (Words("text", "quercus"), ["oak"]),
        (Words("text", "QUERCUS silva"), ["oak"]),
        (Words("text", "quercus birch"), []),
        (Words("text", "betula pendula ubersee"), ["birch"]),
        (Words("text", "BM001128287"), ["oak"]),
        (Words("text", "large leave"), ["oak"]),
        (Words("text", "leave", stem=False), []),
        (Words("text", "…"), []),
        (Phrase("text", "S-M-12"), ["oak"]),
        (Phrase("text", "s m"), ["birch", "oak"]),
        (Phrase("text", "robur quercus"), []),
        (Phrase("text", "l meise"), []),
        (Prefix("text", "bm0011"), ["oak"]),
        (Prefix("text", "pend"), ["birch"]),
        (Prefix("text", "S-M-1"), ["birch", "oak"]),
        (Prefix("text", ".*"), []),
        (Fuzzy("text", "quercis"), ["oak"]),
        (Fuzzy("text", "qeurcus"), ["oak"]),
        (Fuzzy("text", "quarkus", edits=2), ["oak"]),
        (Fuzzy("text", "quarkus"), []),
        (Term("family", ("Fagaceae",)), ["oak"]),
        (Term("family", ("Fagales", "Fagaceae")), ["birch", "oak"]),
        (Term("family", ("fagaceae",)), []),
        (Term("family", ()), []),
        (Term("year", (1887,)), ["oak"]),
        (Term("ruler", (False,)), ["bare"]),
        (Range("year", 1887, 1900), ["oak"]),
        (Range("year", 1888), ["birch"]),
        (Range("year", None, 1887), ["oak"]),
        (Range("year"), ["birch", "oak"]),
        (Range("year", "x"), []),
        (Range("family"), ["birch", "oak"]),
        (Range("when", "1890-01-01", "1901-01-01T00:00:00+00:00"), ["birch"]),
        (Not(Range("year")), ["bare"]),
        (And((Words("text", "s"), Not(Term("family", ("Fagaceae",))))), ["birch"]),
        (Or((Words("text", "quercus"), Term("ruler", (False,)))), ["bare", "oak"]),
        (And(()), []),
        (InBox("place", 4, 50, 5, 51), ["oak"]),
        (InBox("place", 4.33, 50.93, 4.33, 50.93), ["oak"]),
        (InBox("place", 4.34, 50, 5, 51), []),
        (InBox("place", 170, -20, -170, -10), ["birch"]),
        (InBox("place", -170, -20, 170, -10), []),
        (InBox("place", -180, -90, 180, 90), ["birch", "oak"]),
        (Near("place", 50.9, 4.3, 3_900), []),
        (Near("place", 50.9, 4.3, 4_000), ["oak"]),
        (Near("place", -16.5, -179.9, 21_300), []),
        (Near("place", -16.5, -179.9, 21_400), ["birch"]),
        (Near("place", 90, 0, 4_400_000), ["oak"]),
        (Near("place", 0, 0, 30_000_000), ["birch", "oak"]),
        (Near("place", 0, 0, -1), []),
        (Range("place"), ["birch", "oak"]),
        (Overlaps("collected", "1850", "1900"), ["birch", "oak"]),
        (Overlaps("collected", "1887-06-12", "1887-06-12"), ["oak"]),
        (Overlaps("collected", "1887-06-13", "1899-04"), []),
        (Overlaps("collected", None, "1899-04-30"), ["oak"]),
        (Overlaps("collected", "1901-12-31T23:59:59.999Z"), ["birch"]),
        (Overlaps("collected", "1902"), []),
        (Overlaps("collected"), ["birch", "oak"]),
        (Overlaps("collected", "spring"), []),
        (Not(Range("collected")), ["bare"]),
    ],
    ids=str,
)
def test_a_question_finds_exactly_these(engine: SearchEngine, query: Query, expected: list[str]) -> None:
    assert sorted(keys(engine, query)) == expected


def test_an_index_that_was_never_written_is_empty(connect: Connect) -> None:
    engine = connect()
    found = engine.find(Words("text", "oak"), facets=["family"])
    assert (found.hits, found.total, dict(found.facets)) == ((), 0, {"family": ()})
    assert engine.terms("text", "a", query=Everything()) == ()
    assert list(engine.versions()) == []


def test_who_may_not_begin_an_index_writes_to_one_that_stands_alone(connect: Connect) -> None:
    with pytest.raises(IndexMissing):
        connect().write([Document("specimen/s1", 1, {})], begin=False)
    assert connect().standing().state == "none"
    connect().write([Document("specimen/s1", 1, {})])
    connect().write([Document("specimen/s2", 1, {})], begin=False)
    assert list(connect().scan(Everything())) == ["specimen/s1", "specimen/s2"]


def test_facets_count_all_that_match_by_count_then_value(engine: SearchEngine) -> None:
    engine.write([Document(f"s/{n}", 1, {"family": ["Fagaceae", f"F{n % 7}"], "year": 1800 + n % 3}) for n in range(30)])
    found = engine.find(Everything(), facets=["family", "year", "ruler"], facet_size=4, limit=1)
    assert found.facets["family"] == (("Fagaceae", 31), ("F0", 5), ("F1", 5), ("F2", 4))
    assert found.facets["year"] == (("1800", 10), ("1801", 10), ("1802", 10), ("1887", 1))
    assert found.facets["ruler"] == (("false", 1), ("true", 1))
    assert found.total == 33


def test_numbers_are_spread_over_bins_and_points_over_squares(engine: SearchEngine) -> None:
    assert engine.spread("year", Words("text", "nowhere")) is None
    assert engine.grid("place", Words("text", "nowhere"), 10) == ()
    engine.write(
        [
            Document(f"s/{n}", 1, {"text": "spread", "year": 1800 + n, "place": f"{n % 3 * 20 - 20},{n % 2 * 5}"})
            for n in range(100)
        ]
    )
    spread = engine.spread("year", Words("text", "spread"), bins=10)
    assert spread is not None
    assert (spread.low, spread.high, spread.width) == (1800, 1899, 10)
    assert spread.bins == tuple((1800 + 10 * n, 10) for n in range(10))
    cells = engine.grid("place", Words("text", "spread"), 10)
    assert [(cell.south, cell.west, cell.count) for cell in cells] == [(-20, 0, 34), (0, 0, 33), (20, 0, 33)]
    assert [round(cell.latitude) for cell in cells] == [-20, 0, 20]
    assert all(0 < cell.longitude < 5 for cell in cells)
    engine.write([Document(f"w/{n}", 1, {"text": "hardly", "year": year}) for n, year in enumerate((32.1, 271.1))])
    more = engine.spread("year", Words("text", "hardly"), bins=24)  # a bin is to be hardly more than ten wide
    assert more is not None
    assert sum(count for _, count in more.bins) == 2


def test_sorting_puts_the_missing_last_and_breaks_ties_by_key(engine: SearchEngine) -> None:
    engine.write([Document(f"s/{n:02}", 1, {"year": n % 2, "text": "same words"}) for n in (5, 3, 1, 4, 2, 0)])
    assert keys(engine, Everything(), sort=Sort("year", descending=False)) == [
        *("00", "02", "04", "01", "03", "05"),
        *("oak", "birch", "bare"),
    ]
    assert keys(engine, Everything(), sort=Sort("year")) == ["birch", "oak", "01", "03", "05", "00", "02", "04", "bare"]
    assert keys(engine, Everything(), sort=Sort("label", descending=False), limit=3) == ["birch", "oak", "bare"]
    assert keys(engine, Everything(), sort=Sort("label"), limit=5, offset=2) == ["birch", "00", "01", "02", "03"]
    assert keys(engine, Words("text", "word")) == ["00", "01", "02", "03", "04", "05"]


@pytest.mark.parametrize("sort", [Sort(), Sort("year"), Sort("label", descending=False), Sort("when")])
def test_pages_are_a_partition(connect: Connect, sort: Sort) -> None:
    engine = connect()
    batches = [
        [Document(f"s/{n * 7 % 50:02}", 1, {"year": n % 4, "text": "oak " * (n % 3 + 1)}) for n in range(start, start + 10)]
        for start in range(0, 50, 10)
    ]
    for batch in batches:
        engine.write(batch)
    pages = [keys(engine, Words("text", "oak"), sort=sort, offset=offset, limit=7) for offset in range(0, 56, 7)]
    whole = keys(engine, Words("text", "oak"), sort=sort, limit=50)
    assert list(itertools.chain.from_iterable(pages)) == whole
    assert len(set(whole)) == 50
    assert engine.find(Words("text", "oak"), offset=100_000 - 20).hits == ()


def test_pages_are_a_partition_where_very_many_are_equally_relevant(connect: Connect) -> None:
    engine = connect()
    for start in (0, 800):
        engine.write([Document(f"s/{n:04}", 1, {"text": "oak"}) for n in range(start, start + 800)])
    engine.write([Document(f"t/{n}", 1, {"text": "oak oak"}) for n in range(3)])
    seen = [key for offset in range(0, 1700, 100) for key in keys(engine, Words("text", "oak"), offset=offset, limit=100)]
    assert len(seen) == len(set(seen)) == 1603
    assert seen[:3] == ["0", "1", "2"]


@pytest.mark.parametrize(
    "sort",
    [Sort(name, descending=down) for name in ("", "year", "label", "when", "ruler", "collected") for down in (True, False)],
)
def test_a_place_in_an_order_leads_on_while_others_write(connect: Connect, sort: Sort) -> None:
    engine = connect()
    some = {"year": [3.5, -2, 0], "label": ["b", "ä", "B"], "when": ["1887-06-12T00:00:00Z", "1901-01-01T00:00:00Z"]}
    more = {"ruler": [True, False], "collected": ["1899-05/1901", "1850"]}

    def fields(n: int) -> dict[str, Value | Sequence[Value]]:
        held: dict[str, Value | Sequence[Value]] = {name: values[n % 3 % len(values)] for name, values in (some | more).items()}
        return held if n % 4 else {}

    engine.write([Document(f"s/{n:02}", 1, fields(n)) for n in range(30)])
    whole = [hit.key for hit in engine.find(Everything(), sort=sort, limit=50).hits]
    seen: list[str] = []
    after = None
    for number in range(10):
        found = engine.find(Everything(), sort=sort, limit=4, after=after, facets=["ruler"])
        assert found.total == 30 + number
        seen += [hit.key for hit in found.hits]
        after = After(found.hits[-1].key, found.hits[-1].value) if found.hits else after
        first = whole[0] if number % 2 else seen[0]
        engine.write([Document(f"{first}+{number}", 1, fields(int(first[2:4])))])  # comes before what is still to be seen
    assert [key for key in seen if "+" not in key] == whole
    assert len(seen) == len(set(seen))


def test_the_more_relevant_comes_first(engine: SearchEngine) -> None:
    engine.write(
        [Document("s/often", 1, {"text": "beech beech beech"}), Document("s/once", 1, {"text": "beech and many other trees"})]
    )
    assert keys(engine, Words("text", "beech")) == ["often", "once"]


def test_an_exact_word_outranks_its_other_endings(engine: SearchEngine) -> None:
    engine.write([Document("s/0", 1, {"text": "flowering"}), Document("s/1", 1, {"text": "flowers"})])
    assert keys(engine, Words("text", "flowers")) == ["1", "0"]


def test_words_for_autocompletion_come_with_their_counts(engine: SearchEngine) -> None:
    assert engine.terms("text", "lea", query=Everything()) == (("leaf", 1), ("leaves", 1))
    assert engine.terms("text", "S", query=Everything())[:2] == (("s", 2), ("silva", 1))
    assert engine.terms("text", "", query=Everything()) == ()
    engine.write([Document("specimen/birch", 2, deleted=True)])
    assert engine.terms("text", "lea", query=Everything()) == (("leaves", 1),)


def test_words_for_autocompletion_are_those_of_the_documents_that_match(engine: SearchEngine) -> None:
    engine.write(
        [
            Document("s/open", 1, {"text": "zebra zelkova", "family": "Shown"}),
            Document("s/closed", 1, {"text": "zelkova zebrina", "family": "Hidden"}),
        ]
    )
    assert engine.terms("text", "ze", query=Term("family", ("Shown",))) == (("zebra", 1), ("zelkova", 1))
    assert engine.terms("text", "ze", query=Not(Term("family", ("Shown",)))) == (("zebrina", 1), ("zelkova", 1))


def test_writing_again_replaces_and_older_never_replaces_newer(engine: SearchEngine) -> None:
    engine.write([Document("specimen/oak", 3, {"text": "third"})])
    engine.write([Document("specimen/oak", 2, {"text": "second"}), Document("specimen/oak", 1, deleted=True)])
    assert keys(engine, Words("text", "third")) == ["oak"]
    assert keys(engine, Words("text", "quercus")) == []
    engine.write([Document("specimen/oak", 3, {"text": "repeated"})])
    assert keys(engine, Words("text", "repeated")) == ["oak"]
    engine.write(
        [Document("a/new", 1, {"text": "old"}), Document("a/new", 2, {"text": "new"}), Document("a/new", 1, {"text": "old"})]
    )
    assert keys(engine, Words("text", "new")) == ["new"]


def test_fields_that_documents_share_are_found_in_each_but_where_one_has_its_own(engine: SearchEngine) -> None:
    shared = Shared({"family": ["Rosaceae"], "text": ["prunus avium"], "year": 1900})
    engine.write([Document(f"s/{n}", 1, {**shared.fields, "label": f"L{n}"}, shared=shared) for n in range(3)])
    engine.write([Document("s/own", 1, {**shared.fields, "year": 1950}, shared=shared)])
    assert keys(engine, Words("text", "prunus")) == ["0", "1", "2", "own"]
    assert keys(engine, Term("year", (1900,))) == ["0", "1", "2"]
    assert keys(engine, Term("label", ("L1",))) == ["1"]


def test_a_moment_is_a_date_like_its_text(engine: SearchEngine) -> None:
    engine.write(
        [Document("s/m", 1, {"when": datetime(1950, 2, 1, 12, tzinfo=UTC)}), Document("s/t", 1, {"when": "1950-02-01T12:00:00Z"})]
    )
    assert keys(engine, Term("when", ("1950-02-01T12:00:00Z",))) == ["m", "t"]
    with engine.rebuild() as fresh:
        engine.write([Document("s/j", 1, {"when": datetime(1950, 2, 1, 12, tzinfo=UTC)})])
        fresh.write([BARE])
    assert keys(engine, Term("when", ("1950-02-01T12:00:00Z",))) == ["j"]


def test_a_tombstone_takes_out_and_may_be_repeated(engine: SearchEngine) -> None:
    for _ in range(2):
        engine.write([Document("specimen/oak", 2, deleted=True), Document("specimen/never", 1, deleted=True)])
    assert keys(engine, Everything()) == ["bare", "birch"]
    assert list(engine.versions()) == [("annotation/bare", 1), ("specimen/birch", 1)]


def test_versions_come_in_the_order_of_keys(engine: SearchEngine) -> None:
    engine.write([Document(key, 7, {"text": "x"}) for key in ("b~", "B", "a.b", "a-b", "a_b", "Z1")])
    listed = list(engine.versions())
    assert listed == sorted(listed)
    assert len(listed) == 9


def test_another_handle_sees_a_write_at_once(connect: Connect) -> None:
    writer, reader = connect(), connect()
    for version in range(1, 6):
        writer.write([Document("s/1", version, {"year": version})])
        assert keys(reader, Term("year", (version,))) == ["1"]


def test_a_rebuild_takes_the_place_in_one_step(connect: Connect, engine: SearchEngine) -> None:
    reader = connect()
    with engine.rebuild() as fresh:
        fresh.write([OAK])
        assert keys(reader, Everything()) == ["bare", "birch", "oak"]
    assert keys(reader, Everything()) == ["oak"]
    assert keys(engine, Everything()) == ["oak"]


def test_what_is_written_during_a_rebuild_is_in_the_new_index(connect: Connect, engine: SearchEngine) -> None:
    relay = connect()
    with engine.rebuild() as fresh:
        relay.write(
            [
                Document("specimen/oak", 2, {"text": "changed"}),
                Document("specimen/birch", 2, deleted=True),
                Document("s/new", 1, {"text": "new"}),
            ]
        )
        fresh.write([OAK, BIRCH, BARE])
        relay.write([Document("annotation/bare", 2, deleted=True)])
        assert keys(relay, Words("text", "changed")) == ["oak"]
    assert list(relay.versions()) == [("s/new", 1), ("specimen/oak", 2)]
    relay.write([Document("s/after", 1, {"text": "after"})])
    assert keys(engine, Words("text", "after")) == ["after"]


def test_a_rebuild_that_fails_leaves_the_old_index(engine: SearchEngine) -> None:
    def fail() -> None:
        with engine.rebuild() as fresh:
            fresh.write([Document("s/half", 1, {"text": "half"})])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert keys(engine, Everything()) == ["bare", "birch", "oak"]
    engine.write([Document("s/after", 1, {"text": "after"})])
    with engine.rebuild() as fresh:
        fresh.write([BARE])
    assert keys(engine, Everything()) == ["bare"]


def _rebuild_for_ever(connect: Connect, began: object) -> None:
    with connect().rebuild() as fresh:
        fresh.write([Document("s/half", 1, {"text": "half"})])
        began.set()  # type: ignore[attr-defined]  # an event of multiprocessing
        time.sleep(60)


def test_a_rebuild_that_is_killed_leaves_the_old_index(connect: Connect, engine: SearchEngine) -> None:
    fork = multiprocessing.get_context("fork")
    began = fork.Event()
    process = fork.Process(target=_rebuild_for_ever, args=(connect, began))
    process.start()
    assert began.wait(30)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert keys(engine, Everything()) == ["bare", "birch", "oak"]
    engine.write([Document("s/after", 1, {"text": "after"})])
    with engine.rebuild() as fresh:
        fresh.write([BARE])
    assert list(connect().versions()) == [("annotation/bare", 1)]


def _write_for_ever(connect: Connect, began: object) -> None:
    engine = connect()
    for version in itertools.count(1):
        engine.write([Document(f"s/{number}", version, {"year": version}) for number in range(20)])
        began.set()  # type: ignore[attr-defined]  # an event of multiprocessing


def test_a_writer_that_is_killed_leaves_whole_batches(connect: Connect, engine: SearchEngine) -> None:
    fork = multiprocessing.get_context("fork")
    for _ in range(3):
        began = fork.Event()
        process = fork.Process(target=_write_for_ever, args=(connect, began))
        process.start()
        assert began.wait(30)
        time.sleep(0.05)
        process.kill()
        process.join()
        assert len([key for key, _ in connect().versions() if key.startswith("s/")]) == 20
    engine.write([Document(f"s/{number}", 1_000_000, deleted=True) for number in range(20)])
    assert keys(engine, Everything()) == ["bare", "birch", "oak"]


def _write_vectors_for_ever(connect: Connect, began: object) -> None:
    engine = connect()
    for version in itertools.count(1):
        turned = [math.cos(version), math.sin(version), 0, 0]
        engine.write([Document(f"s/{number}", version, {"embedding": turned, "year": version}) for number in range(20)])
        began.set()  # type: ignore[attr-defined]  # an event of multiprocessing


def test_vectors_agree_with_their_documents_after_a_writer_was_killed(connect: Connect) -> None:
    fork = multiprocessing.get_context("fork")
    for _ in range(3):
        began = fork.Event()
        process = fork.Process(target=_write_vectors_for_ever, args=(connect, began))
        process.start()
        assert began.wait(30)
        time.sleep(0.05)
        process.kill()
        process.join()
        engine = connect()
        versions = {version for key, version in engine.versions()}
        for version in versions:
            asked = [math.cos(version), math.sin(version), 0, 0]
            found = engine.nearest("embedding", asked, Term("year", (version,)), limit=20)
            assert len(found) == sum(held == version for _, held in engine.versions())
            assert all(hit.score > 0.999 for hit in found)
        assert len(engine.nearest("embedding", [1, 0, 0, 0], limit=50)) == 20


def _write_for(connect: Connect, name: str, seconds: float) -> None:
    engine, end, version = connect(), time.monotonic() + seconds, 0
    while time.monotonic() < end:
        version += 1
        engine.write([Document(f"{name}/{number}", version, {"text": f"oak {name}", "year": version}) for number in range(5)])


def test_readers_and_writers_of_several_processes_get_along_with_rebuilds(connect: Connect, engine: SearchEngine) -> None:
    """Two processes write all the time, a third rebuilds, and a reader never fails nor sees half a batch."""
    fork = multiprocessing.get_context("fork")
    writers = [fork.Process(target=_write_for, args=(connect, name, 4.0)) for name in ("a", "b")]
    for process in writers:
        process.start()
    reader, rebuilder = connect(), connect()
    began = time.monotonic()
    while time.monotonic() < began + 4.0:
        with rebuilder.rebuild() as fresh:
            fresh.write([OAK, BIRCH, BARE])
            for name in ("a", "b"):
                fresh.write([Document(f"{name}/{number}", 1, {"text": f"oak {name}", "year": 1}) for number in range(5)])
            assert reader.find(Everything()).total in (3, 8, 13)
        assert reader.find(Everything()).total in (3, 8, 13)
    for process in writers:
        process.join(30)
        assert process.exitcode == 0
    last = dict(reader.versions())
    assert len(last) == 13
    for name in ("a", "b"):
        assert len({last[f"{name}/{number}"] for number in range(5)}) == 1


def test_every_key_of_a_question_comes_in_order(engine: SearchEngine) -> None:
    for start in (0, 12_000):
        made = [Document(f"s/{n * 7919 % 24_001:06}", 1, {"year": n % 2}) for n in range(start, start + 12_000)]
        engine.write([*made, Document("s/000000000000000001", 1, {"year": 1}), Document("s/ü", 1, {"year": 1})])
    found = list(engine.scan(Term("year", (1,))))
    assert found == sorted(found)
    assert len(found) == len(set(found)) == 12_002
    assert list(engine.scan(Words("text", "quercus"))) == ["specimen/oak"]
    assert list(engine.scan(Term("year", (7,)))) == []


def test_a_scan_goes_on_beyond_any_key(engine: SearchEngine) -> None:
    held = sorted(["s/1", "s/10", "s/2", "s/ü", "s/12345678", "s/123456789", "s/1234567890123456x", "s/1234567890123456y", "t/1"])
    engine.write([Document(key, 1, {"year": 1}) for key in held])
    for after in ("", *held, "s/11", "s/1234567890123456", "a", "s/", "u"):
        assert list(engine.scan(Term("year", (1,)), after)) == [key for key in held if key > after], after


def test_keys_are_those_of_one_moment(engine: SearchEngine) -> None:
    engine.write([Document(f"s/{number:05}", 1, {"year": 1}) for number in range(11_000)])
    stream = engine.scan(Term("year", (1,)))
    assert next(stream) == "s/00000"
    engine.write([Document(f"s/{number:05}", 2, {"year": 2}) for number in range(5_000, 11_000)])
    assert len(list(stream)) == 10_999
    stream = engine.scan(Term("year", (2,)))
    next(stream)
    with engine.rebuild() as fresh:
        fresh.write([BARE])
    if isinstance(engine, TantivyEngine):
        assert len(list(stream)) == 5_999
    else:
        with pytest.raises(SearchDown):
            list(stream)


def test_the_nearest_vectors_come_first(engine: SearchEngine) -> None:
    engine.write([Document("s/1", 1, {"embedding": [1, 0, 0, 0], "year": 1}), Document("s/0", 1, {"embedding": [9, 0, 0, 0]})])
    found = engine.nearest("embedding", [1, 0, 0, 0])
    assert [(hit.key, round(hit.score, 3)) for hit in found] == [
        ("s/0", 1.0),
        ("s/1", 1.0),
        ("specimen/oak", 0.6),
        ("specimen/birch", 0.0),
    ]
    assert [hit.key for hit in engine.nearest("embedding", [1, 0, 0, 0], limit=1)] == ["s/0"]
    assert [hit.key for hit in engine.nearest("embedding", [1, 0, 0, 0], Range("year"), limit=2)] == ["s/1", "specimen/oak"]
    assert [hit.key for hit in engine.nearest("leaf", [1, 1])] == ["specimen/oak"]


def test_both_engines_measure_the_same_vectors_alike_to_the_last_bit(elasticsearch_url: str, tmp_path: Path) -> None:
    """Scores and their order, also of vectors that single precision cannot tell apart, whatever the page."""
    chance = np.random.default_rng(11)
    dimensions, asked = 128, chance.normal(size=128)
    vectors = [asked + chance.normal(size=dimensions) * 10.0 ** -(n % 5) for n in range(400)]
    vectors += [vectors[n] * 3.0 for n in range(0, 400, 4)]  # the same directions again
    documents = [Document(f"s/{n * 7919 % 5003:04}", 1, {"embedding": vector.tolist()}) for n, vector in enumerate(vectors)]
    fields = (Field("embedding", "vector", dimensions=dimensions),)
    ours = TantivyEngine(tmp_path, fields)
    theirs = elasticsearch_engine.connect(elasticsearch_url, f"test{next(_numbers)}", fields)
    try:
        for one in (ours, theirs):
            one.write(documents)
        for direction in (asked.tolist(), (-asked).tolist(), chance.normal(size=dimensions).tolist()):
            found = ours.nearest("embedding", direction, limit=500)
            assert found == theirs.nearest("embedding", direction, limit=500)
            assert list(found) == sorted(found, key=lambda hit: (-hit.score, hit.key))
            for limit in (1, 7, 50):
                assert ours.nearest("embedding", direction, limit=limit) == found[:limit]
                assert theirs.nearest("embedding", direction, limit=limit) == found[:limit]
    finally:
        theirs._client.indices.delete(index=list(theirs._ours()), ignore_unavailable=True)
        theirs.close()


@pytest.mark.parametrize("vector", [[], [1, 2, 3], [0, 0, 0, 0], [float("nan"), 0, 0, 1], ["a", 0, 0, 0]])
def test_a_vector_that_is_none_is_neither_kept_nor_near(engine: SearchEngine, vector: list[float]) -> None:
    engine.write([Document("s/0", 1, {"embedding": vector, "year": 5})])
    assert keys(engine, And((Term("year", (5,)), Range("embedding")))) == []
    assert keys(engine, Term("year", (5,))) == ["0"]
    assert engine.nearest("embedding", vector) == ()


def test_vectors_are_changed_and_deleted_with_their_documents(connect: Connect, engine: SearchEngine) -> None:
    engine.write([Document("specimen/oak", 2, {"embedding": [0, 0, 0, -1]}), Document("specimen/birch", 2, {"year": 1})])
    assert [(hit.key, hit.score) for hit in connect().nearest("embedding", [0, 0, 0, -1])] == [("specimen/oak", 1.0)]
    engine.write([Document("specimen/oak", 3, deleted=True)])
    assert engine.nearest("embedding", [0, 0, 0, -1]) == ()
    assert connect().nearest("leaf", [0, 1]) == ()


def test_vectors_written_during_a_rebuild_are_in_the_new_index(connect: Connect, engine: SearchEngine) -> None:
    with engine.rebuild() as fresh:
        connect().write([Document("specimen/oak", 2, {"embedding": np.array([0, 1, 0, 0])})])
        fresh.write([OAK, BIRCH, BARE])
    assert [hit.key for hit in engine.nearest("embedding", [0, 1, 0, 0], limit=1)] == ["specimen/oak"]
    assert len(engine.nearest("embedding", [0, 1, 0, 0])) == 2


def test_of_the_truly_nearest_nearly_all_are_found_whatever_the_filter(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """Recall at 10 is 0.95 or better over 3,000 vectors in 300 clusters, of which a third was replaced and a tenth deleted."""
    monkeypatch.setattr(tantivy_nearest, "MEASURED", 100)
    chance = np.random.default_rng(7)
    centres = chance.normal(size=(300, 32))
    vectors = centres[np.arange(3000) % 300] + 0.3 * chance.normal(size=(3000, 32))
    engine = connect((Field("year", "number"), Field("embedding", "vector", dimensions=32)))
    made = [Document(f"s/{n:04}", 1, {"embedding": vectors[n].tolist(), "year": n % 20}) for n in range(3000)]
    engine.write(made[:2000])
    engine.tend(lambda: False)
    vectors[:1000] = vectors[:1000][::-1].copy()
    engine.write([Document(f"s/{n:04}", 2, {"embedding": vectors[n].tolist(), "year": n % 20}) for n in range(1000)])
    engine.write(made[2000:])
    engine.tend(lambda: False)
    gone = range(0, 3000, 10)
    engine.write([Document(f"s/{n:04}", 3, deleted=True) for n in gone])
    engine.write([Document(f"s/{n:04}", 2, {"embedding": vectors[n].tolist(), "year": n % 20}) for n in range(2990, 3000)][1:])
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    for query, allowed in (
        (Everything(), np.ones(3000, bool)),
        (Term("year", (3,)), np.arange(3000) % 20 == 3),
        (Range("year", 0, 9), np.arange(3000) % 20 < 10),
    ):
        allowed[list(gone)] = False
        found = 0
        for asked in unit[5:3000:100]:
            exact = np.argsort(-np.where(allowed, unit @ asked, -9), kind="stable")[:10]
            hits = engine.nearest("embedding", asked.tolist(), query)
            found += len({f"s/{n:04}" for n in exact} & {hit.key for hit in hits})
            assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
            assert all(allowed[int(hit.key[2:])] for hit in hits)
            assert len(hits) == 10
        assert found >= 0.95 * 300, (query, found)


def test_a_graph_of_which_much_was_deleted_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tantivy_nearest, "MEASURED", 10)
    engine = TantivyEngine(tmp_path, FIELDS)
    engine.write([Document(f"s/{n:03}", 1, {"embedding": [1, n, 0, 0]}) for n in range(100)])
    engine.tend(lambda: True)
    assert list(tmp_path.glob("*/vectors/*.graph")) == []  # it was told to stop
    engine.tend(lambda: False)
    engine.write([Document(f"s/{n:03}", 2, deleted=True) for n in range(20, 80)])
    engine.tend(lambda: False)
    index = engine._current()
    assert index is not None
    assert index.vectors["embedding"].in_graph() == 40
    assert [hit.key for hit in engine.nearest("embedding", [1, 50, 0, 0], limit=2)] == ["s/080", "s/081"]
    assert [hit.key for hit in engine.nearest("embedding", [1, 0, 0, 0], limit=2)] == ["s/000", "s/001"]


OLDER = tuple(field for field in FIELDS if field.name not in ("place", "embedding", "collected"))


def test_an_index_for_other_fields_answers_until_a_rebuild_takes_its_place(connect: Connect) -> None:
    older = connect((*OLDER, Field("dropped", "keyword"), Field("leaf2", "keyword")))
    older.write([Document("specimen/oak", 1, {"text": "Quercus", "year": 1887, "dropped": "x"})])
    newer = connect()
    assert newer.standing() == Standing("other", rebuilding=False)
    assert keys(newer, And((Words("text", "quercus"), Range("year", 1800, 1900)))) == ["oak"]
    assert newer.lacking() == {"place", "embedding", "collected"}
    for ask in (
        lambda: newer.find(InBox("place", 0, 0, 9, 60)),
        lambda: newer.find(Not(Near("place", 50, 4, 1e6))),
        lambda: newer.find(And((Words("text", "quercus"), Or((Range("place"), Range("year")))))),
        lambda: list(newer.scan(Range("place"))),
        lambda: newer.terms("text", "q", query=Range("place")),
    ):
        with pytest.raises(FieldsLacking, match="without the field place"):
            ask()
    with pytest.raises(FieldsLacking, match="without the field collected"):
        newer.find(Overlaps("collected", "1800"))
    with pytest.raises(FieldsLacking, match="without the field collected"):
        newer.find(Everything(), sort=Sort("collected"))
    with pytest.raises(FieldsLacking, match="without the field embedding"):
        newer.nearest("embedding", [1, 0, 0, 0])
    with pytest.raises(FieldsLacking, match="without the field place"):
        newer.nearest("leaf", [0, 1], Range("place"))
    counted = newer.find(Everything(), facets=["family", "ruler", "collected"])
    assert (counted.total, set(counted.facets)) == (1, {"family", "ruler"})
    assert list(newer.scan(Everything())) == ["specimen/oak"]
    newer.write([OAK, BIRCH])
    assert keys(newer, Words("text", "betula")) == ["birch"]
    assert newer.nearest("leaf", [0, 1])[0].key == "specimen/oak"  # this field it has
    with newer.rebuild() as fresh:
        assert newer.standing() == Standing("other", rebuilding=True)
        newer.write([Document("specimen/birch", 2, deleted=True)])
        fresh.write([OAK, BIRCH])
        assert keys(newer, Words("text", "quercus")) == ["oak"]
    assert newer.standing() == Standing("current", rebuilding=False)
    assert newer.lacking() == frozenset()
    assert keys(newer, InBox("place", 4, 50, 5, 51)) == ["oak"]
    assert list(newer.versions()) == [("specimen/oak", 1)]


def test_how_an_index_stands(connect: Connect) -> None:
    engine = connect()
    assert engine.standing() == Standing("none", rebuilding=False)
    engine.write([OAK])
    assert engine.standing() == Standing("current", rebuilding=False)
    edited = tuple(replace(field, edition=2) if field.name == "year" else field for field in FIELDS)
    assert connect(edited).standing() == Standing("other", rebuilding=False)


def test_a_server_that_does_not_answer_is_search_down() -> None:
    engine = elasticsearch_engine.connect(f"http://127.0.0.1:{free_port()}", "test", FIELDS)
    for ask in (
        lambda: engine.find(Everything()),
        lambda: engine.write([OAK]),
        lambda: list(engine.versions()),
        lambda: engine.terms("text", "a", query=Everything()),
        lambda: list(engine.scan(Everything())),
        lambda: engine.nearest("embedding", [1, 0, 0, 0]),
        engine.standing,
    ):
        with pytest.raises(SearchDown):
            ask()
    engine.close()


VOCABULARY = [
    "oak",
    "oaks",
    "leaf",
    "leaves",
    "Éric",
    "eric",
    "S-M-12",
    "BM0011",
    "bm0012",
    "Straße",
    "œuvre",
    "橡樹",
    "run",
    "running",
    "don't",
    "3.14",
]
texts = st.lists(st.sampled_from(VOCABULARY), max_size=6).map(" ".join) | st.text(max_size=12)
families = st.sampled_from(["Fagaceae", "Betulaceae", "Ünïcode & <b>", "a\nb", ""])
years = st.integers(1750, 1760) | st.floats(-1e6, 1e6) | st.sampled_from([0.0, -0.0, float("nan")])
dates = st.sampled_from(["1890-01-01", "1890-01-01T00:00:00Z", "1890-01-01T00:00:00.5+01:00", "0001-01-01", "no date"])
degrees = st.integers(-1800, 1800).map(lambda number: number / 10)
places = st.builds("{},{}".format, degrees.map(lambda number: number / 2), degrees) | st.sampled_from(["", "91,0", "0;0", "50.9"])
moments = st.sampled_from(["1890", "1890-02", "1890-02-28", "1890-12-31", "1891-01-01T00:00:00Z"])
intervals = moments | st.builds("{}/{}".format, moments, moments | st.just("..")) | st.sampled_from(["", "no date", "1890/88"])
documents = st.lists(
    st.builds(
        lambda number, version, deleted, fields: Document(f"s/{number}", version, {} if deleted else fields, deleted),
        st.integers(0, 15),
        st.integers(1, 3),
        st.sampled_from([False, False, False, True]),
        st.fixed_dictionaries(
            {},
            optional={
                "text": st.lists(texts, max_size=3),
                "family": st.lists(families, max_size=2),
                "label": families,
                "year": years,
                "when": dates,
                "ruler": st.booleans(),
                "place": places,
                "collected": intervals,
                "embedding": st.lists(st.sampled_from([0.0, 1.0, -2.0, 0.5]), min_size=4, max_size=4),
            },
        ),
    ),
    max_size=20,
)
LEAVES = (  # every operator
    st.sampled_from([Everything(), And(()), Or(())]),
    st.builds(Words, st.just("text"), texts, st.booleans()),
    st.builds(Phrase, st.just("text"), texts),
    st.builds(Prefix, st.just("text"), texts | st.sampled_from(["o", "le", "bm00", "s-m-1"])),
    st.builds(Fuzzy, st.just("text"), texts, st.integers(1, 2)),
    st.builds(Term, st.just("family"), st.lists(families, max_size=2).map(tuple)),
    st.builds(Term, st.just("year"), st.lists(years, max_size=2).map(tuple)),
    st.builds(Range, st.just("year"), years | st.none(), years | st.none()),
    st.builds(Range, st.just("when"), dates | st.none(), dates | st.none()),
    st.builds(Term, st.just("ruler"), st.tuples(st.booleans())),
    st.builds(InBox, st.just("place"), degrees, st.integers(-90, 0), degrees, st.integers(0, 90)),
    st.builds(Near, st.just("place"), degrees.map(lambda number: number / 2), degrees, st.floats(0, 2e7)),
    st.builds(Overlaps, st.just("collected"), moments | st.none(), moments | st.none()),
    st.sampled_from([Range("place"), Range("collected"), Range("embedding")]),
)
queries = st.recursive(
    st.one_of(*LEAVES),
    lambda inner: st.one_of(
        st.builds(And, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(Or, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(Not, inner),
    ),
    max_leaves=5,
)
sorts = st.sampled_from(
    [
        Sort("year"),
        Sort("year", descending=False),
        Sort("label"),
        Sort("when", descending=False),
        Sort("ruler"),
        Sort("collected"),
    ]
)


DIRECTIONS = ([1, 0.5, 0.25, 0], [0.1, 0.7, -0.3, 0.2])


by_each_operator = st.tuples(*(st.tuples(leaf, sorts) for leaf in LEAVES))
by_several = st.lists(st.tuples(queries, sorts), min_size=6, max_size=10)
asked_in_all = st.builds(lambda alone, together: [*alone, *together], by_each_operator, by_several)


@settings(
    max_examples=10,
    deadline=None,
    phases=[Phase.reuse, Phase.generate],  # to shrink a failure takes minutes; the assertion names the one question
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(batches=st.lists(documents, min_size=1, max_size=2), asked=asked_in_all)
def test_both_engines_answer_alike(
    elasticsearch_url: str, tmp_path: Path, batches: list[list[Document]], asked: list[tuple[Query, Sort]]
) -> None:
    number = next(_numbers)
    ours = TantivyEngine(tmp_path / str(number), FIELDS)
    theirs = elasticsearch_engine.connect(elasticsearch_url, f"test{number}", FIELDS)
    try:
        known: dict[str, int] = {}
        for batch in batches:
            # deletions are not remembered by tantivy
            inorder = batch_of_newest([one for one in batch if one.version >= known.get(one.key, 0)])
            known |= {one.key: one.version for one in inorder}
            ours.write(inorder)
            theirs.write(inorder)
        assert list(ours.versions()) == list(theirs.versions())
        facets = ["family", "label", "year", "ruler"]
        for query, sort in asked:
            mine, yours = (
                ours.find(query, facets=facets, sort=sort, limit=50),
                theirs.find(query, facets=facets, sort=sort, limit=50),
            )
            assert (mine.total, mine.facets) == (yours.total, yours.facets), query
            assert [hit.key for hit in mine.hits] == [hit.key for hit in yours.hits], (query, sort)
            assert list(ours.scan(query)) == list(theirs.scan(query)) == sorted(hit.key for hit in mine.hits), query
            beyond = [hit for hit in sorted(hit.key for hit in mine.hits) if hit > "s/7"]
            assert list(ours.scan(query, "s/7")) == list(theirs.scan(query, "s/7")) == beyond, query
            for direction in DIRECTIONS:
                near, also_near = (one.nearest("embedding", direction, query, limit=50) for one in (ours, theirs))
                assert near == also_near, (query, direction)
            relevant, also = ours.find(query, limit=50), theirs.find(query, limit=50)
            assert {hit.key for hit in relevant.hits} == {hit.key for hit in also.hits}, query
    finally:
        theirs._client.indices.delete(index=list(theirs._ours()) or ["none"], ignore_unavailable=True)
        theirs.close()


def batch_of_newest(batch: Sequence[Document]) -> list[Document]:
    newest: dict[str, Document] = {}
    for one in batch:
        if one.key not in newest or one.version >= newest[one.key].version:
            newest[one.key] = one
    return list(newest.values())
