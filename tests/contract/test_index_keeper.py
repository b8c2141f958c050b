"""An index for other fields, or none, is made anew by the relay while the old one answers."""

import multiprocessing
import os
import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import tantivy

from annotations.search import consistency, service
from annotations.search.audience import AudienceUnknown
from annotations.search.schema import FIELDS
from app import compose, doctor, relay
from app.index_keeper import IndexKeeper
from app.runtime.broker import DatabaseBroker
from app.runtime.context import Runtime
from app.runtime.outbox import OutboxRow
from app.runtime.principal import Principal
from app.runtime.search import elasticsearch_engine
from app.runtime.search.port import Document, Everything, FieldsLacking, SearchDown, Standing, Words
from app.runtime.search.tantivy_engine import TantivyEngine
from app.runtime.settings import Settings
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Access, Media
from tests.services import free_port, wait_until
from tests.sheets import add_sheet, comment, make_hub

OAK = {"scientificName": "Quercus robur L.", "eventDate": "1899-05/1901", "decimalLatitude": "50.93", "decimalLongitude": "4.33"}
CURRENT = Standing("current", rebuilding=False)


def release_70fa686(root: Path, keys: list[str]) -> None:
    """An index as that release left it: no columns for the order of keys, for places and for intervals."""
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("key", stored=True, fast=True, tokenizer_name="raw", index_option="basic")
    builder.add_unsigned_field("version", stored=True)
    builder.add_text_field("sort", fast=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("text", tokenizer_name="whitespace", index_option="position")
    builder.add_text_field("text_stem", tokenizer_name="whitespace", index_option="freq")
    builder.add_float_field("year", indexed=True, fast=True)
    folder = root / "0a1b2c3d-1"
    folder.mkdir(parents=True)
    writer = tantivy.Index(builder.build(), str(folder)).writer(30_000_000, 1)
    for key in keys:
        writer.add_document(
            tantivy.Document(key=f"specimen/{key}", version=1, sort="specimen", text="quercus", text_stem="quercus")
        )
    writer.commit()
    writer.wait_merging_threads()
    (root / "current").write_text(folder.name)


@contextmanager
def relaying(runtime: Runtime) -> Iterator[None]:
    stop, broker = threading.Event(), DatabaseBroker(runtime.database)
    thread = threading.Thread(target=relay.run, args=(runtime, broker, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        broker.close()


def found(runtime: Runtime, **asked: object) -> list[str]:
    with runtime.reads.begin() as session:
        question = service.Question(**asked)  # type: ignore[arg-type]  # fields of a question
        return [item["catalogNumber"] for item in service.search(session, runtime.search, question, runtime.addresses).items]


def keys_found(runtime: Runtime, q: str) -> Iterator[str]:
    with runtime.reads.begin() as session:
        return service.scan(session, runtime.search, service.Question(q=q))


def _turn(runtime: Runtime, media: Media, access: Access) -> None:
    with runtime.db.begin() as session:
        catalogue.set_access(session, media.key, access, by=Principal.of_system(), at=runtime.clock())


def test_the_index_of_an_older_release_answers_and_is_made_anew_by_the_relay(prepared: Runtime) -> None:
    specimen, _ = add_sheet(prepared, "BR1", OAK)
    release_70fa686(prepared.settings.index_dir, [specimen.key])
    assert prepared.search.standing() == Standing("other", rebuilding=False)
    assert list(prepared.search.scan(Words("text", "quercus"))) == [f"specimen/{specimen.key}"]
    assert found(prepared, q="quercus") == ["BR1"]
    with pytest.raises(FieldsLacking, match="without the field eventDate"):
        found(prepared, q="quercus eventDate:1850..1900")
    says = {one.name: one.says for one in doctor.readiness(prepared)}["search"]
    assert says == "embedded, 1 documents; it is of another version"
    with relaying(prepared):
        wait_until(lambda: prepared.search.standing() == CURRENT, "the new index", 30)
    assert found(prepared, q="quercus eventDate:1850..1900") == ["BR1"]
    with prepared.reads.begin() as session:
        assert list(consistency.differences(session, prepared.search)) == []


def test_an_index_that_does_not_know_what_lies_on_a_specimen_has_it_quoted_and_counts_nothing(prepared: Runtime) -> None:
    specimen, media = add_sheet(prepared, "BR1", {"family": "Fagaceae"})
    hub = make_hub(prepared)
    hub.post(comment(hub.addresses.canvas(specimen.key, media[0].key), "Under a quercus"))
    release_70fa686(prepared.settings.index_dir, [specimen.key])
    asked = service.Question(q="quercus")

    def quoted_and_counted() -> tuple[str, dict[str, int | None]]:
        with prepared.reads.begin() as session:
            (hit,) = service.specimens(session, prepared.search, asked).hits
            return str(hit.snippet), service.statements_on(session, prepared.search, asked, [specimen.key])

    quote, counts = quoted_and_counted()
    assert counts == {specimen.key: None}
    assert hub.get("/api/search.csv?q=quercus&columns=catalogNumber,hits").text.splitlines() == ["catalogNumber,hits", "BR1,"]
    assert hub.get("/?q=quercus&view=table").status_code == 200
    IndexKeeper(prepared).look()
    assert "quercus" in quote
    assert quoted_and_counted() == (quote, {specimen.key: 1})


def test_an_index_that_knows_nothing_of_closed_images_answers_only_while_none_is_closed(prepared: Runtime) -> None:
    specimen, media = add_sheet(prepared, "BR1", OAK)
    release_70fa686(prepared.settings.index_dir, [specimen.key])
    opened: tuple[Access, ...] = ("reduced", "open")
    for access in opened:
        _turn(prepared, media[0], access)
        assert found(prepared, q="quercus") == ["BR1"]
        assert list(keys_found(prepared, "quercus")) == [specimen.key]
    _turn(prepared, media[0], "closed")
    for ask in (lambda: found(prepared, q="quercus"), lambda: list(keys_found(prepared, "quercus"))):
        with pytest.raises(AudienceUnknown, match="does not know what is closed or withheld"):
            ask()
    IndexKeeper(prepared).look()
    assert found(prepared, q="quercus") == ["BR1"]


@pytest.mark.parametrize(
    ("terms", "answers"),
    [
        ({"informationWithheld": "Coordinates on request"}, False),
        ({"dataGeneralizations": "Place rounded to 0.1 degree"}, False),
        ({"accessRights": "not for public use"}, False),
        ({"informationWithheld": "none", "accessRights": "Open Access"}, True),
    ],
)
def test_nor_does_it_answer_where_a_record_withholds_its_place(prepared: Runtime, terms: dict[str, str], answers: bool) -> None:
    add_sheet(prepared, "BR1", OAK)
    specimen, _ = add_sheet(prepared, "BR2", OAK | terms)
    release_70fa686(prepared.settings.index_dir, [specimen.key])
    if answers:
        assert found(prepared, q="quercus") == ["BR2"]
    else:
        with pytest.raises(AudienceUnknown):
            found(prepared, q="quercus")


def test_a_missing_index_is_made_before_changes_are_written_to_it(prepared: Runtime) -> None:
    add_sheet(prepared, "BR1", OAK)
    while relay.update_index(prepared):
        pass
    TantivyEngine(prepared.settings.index_dir, FIELDS).close()
    (prepared.settings.index_dir / "current").unlink()
    assert prepared.search.standing().state == "none"
    with relaying(prepared):
        add_sheet(prepared, "BR2", OAK)
        wait_until(lambda: _found_or_none(prepared) == ["BR1", "BR2"], "both specimens", 30)


def test_an_index_that_is_deleted_under_a_running_relay_is_made_anew_whole(prepared: Runtime) -> None:
    add_sheet(prepared, "BR1", OAK)
    with relaying(prepared):
        wait_until(lambda: _found_or_none(prepared) == ["BR1"], "the index", 30)
        prepared.settings.index_dir.rename(prepared.settings.data_dir / "elsewhere")
        add_sheet(prepared, "BR2", OAK)
        wait_until(lambda: _found_or_none(prepared) == ["BR1", "BR2"], "both specimens", 30)


def _found_or_none(runtime: Runtime) -> list[str]:
    try:
        return sorted(found(runtime, q="quercus"))
    except SearchDown:
        return []


def _killed_in_the_middle(settings: Settings) -> None:
    runtime = compose.build(settings)
    with runtime.reads.begin() as session:
        consistency.rebuild(session, runtime.search, runtime.addresses, lambda _: os.kill(os.getpid(), signal.SIGKILL))


def test_a_rebuild_that_was_killed_is_begun_again_by_the_next_relay(prepared: Runtime) -> None:
    specimen, _ = add_sheet(prepared, "BR1", OAK)
    release_70fa686(prepared.settings.index_dir, [specimen.key])
    process = multiprocessing.get_context("spawn").Process(target=_killed_in_the_middle, args=(prepared.settings,))
    process.start()
    process.join(60)
    assert process.exitcode == -9
    assert prepared.search.standing() == Standing("other", rebuilding=False)
    assert prepared.search.find(Everything()).total == 1
    IndexKeeper(prepared).look()
    assert prepared.search.standing() == CURRENT
    assert found(prepared, chosen={"eventDate": ["1900"]}) == ["BR1"]


def test_a_relay_that_ends_leaves_a_rebuild_and_the_old_index(prepared: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        add_sheet(prepared, f"BR{number}", OAK)
    release_70fa686(prepared.settings.index_dir, [])
    monkeypatch.setattr(consistency, "BATCH", 1)
    keeper = IndexKeeper(prepared)
    keeper._stop.set()
    assert keeper._tried(1.0) > 0
    assert prepared.search.standing() == Standing("other", rebuilding=False)
    assert prepared.search.find(Everything()).total == 0


def test_an_index_of_elasticsearch_for_other_fields_is_made_anew_too(prepared: Runtime, elasticsearch_url: str) -> None:
    specimen, _ = add_sheet(prepared, "BR1", OAK)
    alias = f"keeper{free_port()}"
    older = elasticsearch_engine.connect(elasticsearch_url, alias, [field for field in FIELDS if field.name != "eventDate"])
    older.write([Document(f"specimen/{specimen.key}", 1, {"text": ["quercus"]})])
    engine = elasticsearch_engine.connect(elasticsearch_url, alias, FIELDS)
    hub = Runtime(prepared.settings, prepared.database, prepared.blobs, engine)
    assert engine.standing() == Standing("other", rebuilding=False)
    with relaying(hub):
        add_sheet(hub, "BR2", OAK)
        wait_until(lambda: engine.standing() == CURRENT, "the new index", 60)
        wait_until(lambda: sorted(found(hub, q="quercus eventDate:1850..1900")) == ["BR1", "BR2"], "both specimens", 30)
    with hub.reads.begin() as session:
        assert list(consistency.differences(session, engine)) == []
    for one in (older, engine):
        one.close()


def test_health_says_how_long_changes_wait_for_the_index(prepared: Runtime) -> None:
    add_sheet(prepared, "BR1", {"family": "Fagaceae"})
    while relay.update_index(prepared):
        pass
    assert "waited" not in doctor._search(prepared)
    with prepared.db.begin() as session:
        session.add(
            OutboxRow(kind="index", name="specimen", payload={"key": "s1"}, added_at=prepared.clock() - timedelta(minutes=2))
        )
    assert re.search(r"changes have waited for it for 1[12]\d s", doctor._search(prepared))
