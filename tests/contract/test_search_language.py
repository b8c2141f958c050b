"""The language of questions over one collection on both engines: the same hits, counts, facets and cursors.
And relations of segments, against what the boxes in the database say.
"""

import itertools
import random
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from annotations.search import consistency, service
from annotations.search.documents import of_index_key
from annotations.search.schema import FIELDS
from annotations.search.service import Question
from annotations.segments.tables import SegmentRow
from app import compose
from app.runtime import context
from app.runtime.context import Runtime
from app.runtime.errors import Invalid, TooMuch
from app.runtime.search import elasticsearch_engine
from app.runtime.search.port import SearchEngine
from app.runtime.settings import Settings
from iiif.catalogue.tables import MediaRow
from tests import databases
from tests.bench import collection

SPECIMENS, OF_EACH = 60, (2, 10)
Both = tuple[Runtime, SearchEngine]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, elasticsearch_url: str) -> Iterator[Both]:
    """A hub with the embedded engine, and an index of the same collection in Elasticsearch."""
    runtime = compose.build(Settings(data_dir=tmp_path_factory.mktemp("language"), base_url="http://hub.test"))
    databases.prepare(runtime)
    context.use(runtime)
    with runtime.database.engine.begin() as connection:
        collection.fill(connection, SPECIMENS, of_each=OF_EACH)
    theirs = elasticsearch_engine.connect(elasticsearch_url, f"language{time.time_ns()}", FIELDS)
    for engine in (runtime.search, theirs):
        with runtime.reads.begin() as session:
            consistency.rebuild(session, engine, runtime.addresses, lambda _: None)
    yield runtime, theirs
    theirs._client.indices.delete(index=list(theirs._ours()), ignore_unavailable=True)
    theirs.close()
    runtime.search.close()
    runtime.database.engine.dispose()


@pytest.fixture(autouse=True)
def _hub_of_the_process(both: Both) -> None:
    context.use(both[0])


def keys(runtime: Runtime, q: str, kind: str = "specimen") -> list[str]:
    with runtime.reads.begin() as session:
        return list(service.scan(session, runtime.search, Question(q=q, type=kind)))


SPECIMEN_PARTS = (
    "family:fagaceae", "family:(Rosaceae OR Betulaceae)", "genus:Carex", 'country:"Fiji"', "country:Portugal", "year:1850..1900",
    "year>1950", "year<=1820", "date:1890..1891", "date>1899-06", "date<1810-02-05", "date:1850/1860", 'near:"10,20,2000km"',
    "near:0,180,4000km", 'box:"170,-60,-170,60"', "box:-30,-30,40,40", "has:typeStatus", "missing:typeStatus", "missing:barcode",
    "habitat:meadow", 'habitat:"wet meadow"', "locality:station", "locality:997", "missing:sex", "has:habitat",
    "collector:7", "recordedBy:*", "taxon:Rosaceae", "taxon:qurcus~", "species:querc*", "length:5..9cm", "length>120mm",
    "width<1cm", "area:0.5..1cm2", "area>=100", "segment:stamp", "segment:stamp>=2", "segment:label=2", "segment:ruler<1",
    "segment:stamps>2", "state:accepted", "state:unreviewed", "kind:ruler", "images=2", "annotations>=20", "run:r1bench003",
    "bacebabas", "bace*", "bacebabas~", '"B 000000007"', "wet", "created:2026-01", "created>2026-01-01", "modified<=2026-01-01",
    "collectionCode:h", "typeStatus:holotype",
)  # fmt: skip
ANNOTATION_PARTS = (
    "kind:label", "kind:(stamp OR ruler)", "confidence>=0.5", "confidence<0.25", "confidence:0.2..0.8", "state:accepted",
    "run:r1bench003", "layer:machine", "value>50", "unit:mm", "length:2..6cm", "family:Rosaceae", "bacebabas", "bace*",
    "created:2026-01-01", "created>2026-01-01", "year:1850..1900", "near:0,180,4000km", "has:value", "missing:value", "x0<500",
)  # fmt: skip
FACETS = ("family", "genus", "kind", "year", "segment", "state")


def _questions(parts: tuple[str, ...], number: int) -> Iterator[str]:
    chance = random.Random(5)
    yield from parts
    for _ in range(number):
        some = chance.sample(parts, 3)
        signs = [chance.choice(("", "", "-")) for _ in some]
        one, other, third = (sign + part for sign, part in zip(signs, some, strict=True))
        yield chance.choice((f"{one} {other}", f"{one} OR {other}", f"({one} OR {other}) {third}", f"{one} -({other} {third})"))


@pytest.mark.parametrize(("kind", "parts", "number"), [("specimen", SPECIMEN_PARTS, 120), ("annotation", ANNOTATION_PARTS, 60)])
def test_both_engines_understand_alike(both: Both, kind: str, parts: tuple[str, ...], number: int) -> None:
    runtime, theirs = both
    some_found = some_left = 0
    with runtime.reads.begin() as session:
        whole = set(service.scan(session, runtime.search, Question(type=kind)))
        for q in _questions(parts, number):
            asked = Question(q=q, type=kind, sort="-year", facets=FACETS, size=10)
            mine, yours = (service.find(session, engine, asked)[0] for engine in (runtime.search, theirs))
            assert (mine.total, mine.facets) == (yours.total, yours.facets), q
            assert [hit.key for hit in mine.hits] == [hit.key for hit in yours.hits], q
            found = list(service.scan(session, runtime.search, asked))
            assert found == list(service.scan(session, theirs, asked)), q
            assert len(found) == mine.total
            denied = service.scan(session, runtime.search, replace(asked, q=f"-({q})"))
            assert set(denied) == whole - set(found), q
            some_found, some_left = some_found + bool(found), some_left + (0 < len(found) < len(whole))
    assert some_found > 0.7 * len(parts)
    assert some_left > 0.5 * len(parts)


def boxes(runtime: Runtime) -> dict[str, list[SegmentRow]]:
    """The segments of each image."""
    with runtime.reads.begin() as session:
        found: dict[str, list[SegmentRow]] = {}
        for row in session.scalars(select(SegmentRow)):
            found.setdefault(row.media_key, []).append(row)
        return found


def specimens_where(runtime: Runtime, holds: object) -> list[str]:
    """Those of which the first class has some segment on an image for which it holds with one of the second."""
    found = set()
    with runtime.reads.begin() as session:
        home = {row[0]: row[1] for row in session.execute(select(MediaRow.key, MediaRow.specimen_key))}
    for media_key, rows in boxes(runtime).items():
        if any(holds(one, other) for one, other in itertools.product(rows, rows)):  # type: ignore[operator]
            found.add(home[media_key])
    return sorted(found)


def gap(one: SegmentRow, other: SegmentRow) -> float:
    across = max(one.x, other.x) - min(one.x + one.width, other.x + other.width)
    down = max(one.y, other.y) - min(one.y + one.height, other.y + other.height)
    return float((max(across, 0) ** 2 + max(down, 0) ** 2) ** 0.5)


def classes(one: SegmentRow, other: SegmentRow, *names: str) -> bool:
    return (one.class_name, other.class_name) == names and one.key != other.key


def test_how_segments_lie_is_what_their_boxes_say(both: Both) -> None:
    runtime, _ = both
    scale = 22.0  # px/mm, of every ruler of the collection
    near = specimens_where(runtime, lambda a, b: classes(a, b, "stamp", "label") and gap(a, b) <= 600)
    assert 5 < len(near) < SPECIMENS
    assert keys(runtime, 'relation:"stamp near label 600px"') == near
    in_mm = specimens_where(runtime, lambda a, b: classes(a, b, "stamp", "label") and gap(a, b) <= 30 * scale)
    assert keys(runtime, 'relation:"stamp within 30mm of label"') == in_mm
    assert keys(runtime, 'relation:"stamp within 3cm of label" year>1900') == sorted({*in_mm} & {*keys(runtime, "year>1900")})
    assert keys(runtime, '-relation:"stamp within 30mm of label"') == sorted({*keys(runtime, "")} - {*in_mm})
    either = keys(runtime, 'relation:"stamp within 3cm of label" OR year>1980')
    assert either == sorted({*in_mm} | {*keys(runtime, "year>1980")})
    touching = specimens_where(runtime, lambda a, b: classes(a, b, "ruler", "label") and gap(a, b) == 0)
    assert keys(runtime, 'relation:"ruler touching label"') == touching
    large = specimens_where(runtime, lambda a, _: a.class_name == "ruler" and a.width * a.height > 64_000)
    assert keys(runtime, "segment:ruler>64000px2") == large
    assert keys(runtime, f"segment:ruler>{299 / scale}mm") == keys(runtime, "segment:ruler")
    assert keys(runtime, f"segment:ruler>{301 / scale}mm") == []
    assert len(keys(runtime, "segment:ruler>299px", "segment")) == SPECIMENS * OF_EACH[0]


def test_how_segments_lie_is_looked_up_among_so_many_alone(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime, _ = both
    monkeypatch.setattr("annotations.search.relations.MOST", 20)
    with pytest.raises(TooMuch, match="among 20 specimens at most"):
        keys(runtime, 'relation:"stamp near label"')
    assert len(keys(runtime, 'relation:"stamp near label 9000px" family:Rosaceae')) == SPECIMENS / 5
    with pytest.raises(Invalid, match="of specimens or of segments"):
        keys(runtime, 'relation:"stamp near label"', "annotation")
    with pytest.raises(Invalid, match="are asked of specimens"):
        keys(runtime, "habitat:meadow", "annotation")


def test_a_scan_of_each_type_is_in_order(both: Both, tmp_path: Path) -> None:
    runtime, theirs = both
    for kind in service.KINDS_OF_THINGS:
        with runtime.reads.begin() as session:
            found = list(service.scan(session, theirs, Question(type=kind)))
        assert found == sorted(found) == [of_index_key(f"{kind}/{key}")[1] for key in keys(runtime, "", kind)]
