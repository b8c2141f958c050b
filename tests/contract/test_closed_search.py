"""What is closed is found by those who may see it, and by nobody else: hits, counts, facets, words, quotations."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from annotations import service as annotations
from annotations.search import consistency, service
from annotations.search.service import Question
from app import compose, relay
from app.runtime.context import Runtime
from app.runtime.principal import NOBODY, Grant, Principal
from app.runtime.settings import Settings
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Access, Media, Specimen
from tests import databases
from tests.sheets import add_sheet, comment

AT_BR, AT_P, EVERYWHERE = (Principal("ann", (Grant.parse("reader", name),)) for name in ("BR/HERB", "P", "all"))
TERMS = {"scientificName": "Quercus robur", "institutionCode": "BR", "collectionCode": "HERB"}


@pytest.fixture(params=["sqlite", "postgresql", "elasticsearch"])
def runtime(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Runtime]:
    more: dict[str, Any] = {}
    if request.param == "postgresql":
        more["database_url"] = request.getfixturevalue("migrated_url")
    if request.param == "elasticsearch":
        more |= {"search_url": request.getfixturevalue("elasticsearch_url"), "search_index": f"closed-{tmp_path.name}".lower()}
    runtime = compose.build(Settings(data_dir=tmp_path, base_url="http://hub.test", **more))
    databases.prepare(runtime)
    yield runtime
    runtime.search.close()
    runtime.database.engine.dispose()


def index(runtime: Runtime) -> None:
    while relay.update_index(runtime):
        pass
    with runtime.reads.begin() as session:
        assert list(consistency.differences(session, runtime.search)) == []


def say(runtime: Runtime, media: Media, text: str, kind: str, value: float | None = None) -> None:
    document = comment(runtime.addresses.canvas(media.specimen_key, media.key), text)
    with runtime.db.begin() as session:
        annotations.create_machine(
            session, document, media=media, run_key="x1bcdfghjkmn", kind=kind, value=value, unit="mm" if value else "",
            addresses=runtime.addresses, at=runtime.clock(),
        )  # fmt: skip


def turn(runtime: Runtime, media: Media, access: Access) -> None:
    with runtime.db.begin() as session:
        catalogue.set_access(session, media.key, access, by=Principal.of_system(), at=runtime.clock())
    index(runtime)


@pytest.fixture
def sheet(runtime: Runtime) -> tuple[Specimen, Media, Media]:
    """A specimen with an open image, on which "zebrawood" was read, and a closed one, with "sequoia" and a length."""
    specimen, (shown, closed) = add_sheet(runtime, terms=TERMS, sizes=((900, 600), (800, 500)))
    say(runtime, shown, "zebrawood", "text")
    say(runtime, closed, "sequoia zebrawood", "text")
    say(runtime, closed, "measured", "length", 77.0)
    turn(runtime, closed, "closed")
    return specimen, shown, closed


def found(runtime: Runtime, by: Principal, **asked: Any) -> Any:
    with runtime.reads.begin() as session:
        return service.search(session, runtime.search, Question(by=by, **asked), runtime.addresses)


@pytest.mark.parametrize("by", [NOBODY, AT_P], ids=["nobody", "elsewhere"])
def test_nothing_of_a_closed_image_is_found_or_counted(
    runtime: Runtime, sheet: tuple[Specimen, Media, Media], by: Principal
) -> None:
    for kind in ("specimen", "annotation", "all"):
        assert found(runtime, by, q="sequoia", type=kind).total == 0
        assert found(runtime, by, q="length:1..100", type=kind).total == 0
        assert found(runtime, by, q=f"media:{sheet[2].key}", type=kind).total == 0
    assert found(runtime, by, q="zebrawood", type="annotation").total == 1
    both = found(runtime, by, q="zebrawood", type="all")
    assert both.total == 2
    assert both.facets["kind"] == (("text", 2),)
    assert "sequoia" not in json.dumps(both.items)
    (specimen,) = found(runtime, by, q="Quercus").items
    assert specimen["key"] == sheet[0].key


@pytest.mark.parametrize("by", [AT_BR, EVERYWHERE], ids=["here", "everywhere"])
def test_who_may_see_it_finds_each_thing_once(runtime: Runtime, sheet: tuple[Specimen, Media, Media], by: Principal) -> None:
    (specimen,) = found(runtime, by, q="sequoia").items
    assert specimen["key"] == sheet[0].key
    assert specimen["snippet"]["match"] == "sequoia"
    assert found(runtime, by, q="length:70..80").total == 1
    assert found(runtime, by, q="sequoia", type="annotation").total == 1
    both = found(runtime, by, q="zebrawood", type="all")
    assert both.total == 3
    assert dict(both.facets["kind"]) == {"text": 3, "length": 1}
    assert found(runtime, by).total == 1


def test_what_was_found_on_a_closed_image_alone_was_not_found_for_the_public(
    runtime: Runtime, sheet: tuple[Specimen, Media, Media]
) -> None:
    specimen, shown, closed = sheet
    for media in (shown, closed):
        document = comment(runtime.addresses.canvas(specimen.key, media.key), "Looked for codes", motivation="assessing")
        with runtime.db.begin() as session:
            annotations.create_machine(
                session, document, media=media, run_key="x1", kind="barcode", addresses=runtime.addresses, at=runtime.clock()
            )
    index(runtime)
    assert found(runtime, NOBODY, q="none:barcode").total == found(runtime, AT_BR, q="none:barcode").total == 1
    say(runtime, closed, "BR1", "barcode")
    index(runtime)
    assert found(runtime, NOBODY).facets["none"] == (("barcode", 1),)
    assert found(runtime, NOBODY, q="has:barcode", type="all").total == 0
    assert found(runtime, AT_BR).facets["none"] == ()
    assert found(runtime, AT_BR, q="has:barcode", type="all").total == 2


def test_who_may_see_another_collection_finds_that_ones_public_document(
    runtime: Runtime, sheet: tuple[Specimen, Media, Media]
) -> None:
    assert [item["key"] for item in found(runtime, AT_P).items] == [sheet[0].key]


def test_a_change_of_access_reaches_what_is_said_about_the_image(runtime: Runtime, sheet: tuple[Specimen, Media, Media]) -> None:
    turn(runtime, sheet[2], "reduced")
    assert found(runtime, NOBODY, q="sequoia", type="all").total == 2
    turn(runtime, sheet[2], "closed")
    assert found(runtime, NOBODY, q="sequoia", type="all").total == 0
    turn(runtime, sheet[2], "open")
    assert found(runtime, NOBODY, q="sequoia", type="all").total == 2
    assert found(runtime, EVERYWHERE, q="sequoia", type="all").total == 2


def test_what_is_said_of_a_closed_image_too_is_not_told_by_a_segment_of_an_open_one(runtime: Runtime) -> None:
    (_, (shown,)), (_, (closed,)) = (add_sheet(runtime, f"T {number}", terms=TERMS) for number in range(2))
    targets = [f"{runtime.addresses.canvas(one.specimen_key, one.key)}#xywh=10,20,300,200" for one in (shown, closed)]
    with runtime.db.begin() as session:
        document = comment(targets, "wellingtonia", motivation="supplementing")
        annotations.create_machine(
            session, document, media=shown, run_key="x1bcdfghjkmn", kind="label", addresses=runtime.addresses, at=runtime.clock()
        )
    index(runtime)
    assert found(runtime, NOBODY, q="wellingtonia", type="segment").total == 1
    turn(runtime, closed, "closed")
    assert found(runtime, NOBODY, q="wellingtonia", type="all").total == 0
    answer = found(runtime, NOBODY, q="segment:label", type="segment")
    assert answer.total == 1
    assert "wellingtonia" not in json.dumps(answer.items)
    turn(runtime, closed, "open")
    assert found(runtime, NOBODY, q="wellingtonia", type="segment").total == 1


def test_an_index_made_anew_keeps_it_closed(runtime: Runtime, sheet: tuple[Specimen, Media, Media]) -> None:
    with runtime.reads.begin() as session:
        total = consistency.count(session)
    with runtime.reads.begin() as session:
        assert consistency.rebuild(session, runtime.search, runtime.addresses, lambda _: None) == total
    index(runtime)
    assert found(runtime, NOBODY, q="sequoia", type="all").total == 0
    assert found(runtime, EVERYWHERE, q="sequoia", type="all").total == 2


def test_before_the_index_has_heard_of_it_nothing_is_shown(runtime: Runtime, sheet: tuple[Specimen, Media, Media]) -> None:
    with runtime.db.begin() as session:
        catalogue.set_access(session, sheet[1].key, "closed", by=Principal.of_system(), at=runtime.clock())
    stale = found(runtime, NOBODY, q="zebrawood", type="all")
    assert "zebrawood" not in json.dumps(stale.items)
