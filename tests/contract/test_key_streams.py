"""All keys of a search, however many: in flat memory, and beyond the hits that paging reaches."""

import json
import multiprocessing
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from click.testing import CliRunner

from analytics import selections
from annotations.search import service
from app import relay
from app.cli import analyse
from app.runtime.context import Runtime
from app.runtime.errors import Invalid
from app.runtime.search.port import Document, Field, Term
from app.runtime.search.tantivy_engine import TantivyEngine
from tests.bench.measure import own_peak_mb
from tests.sheets import add_sheet

FIELDS = (Field("kind", "keyword"),)
MANY = 1_000_000


def _made() -> Iterator[list[Document]]:
    """In an order of chance, as keys come."""
    for start in range(0, MANY, 5_000):
        yield [Document(f"specimen/s1{n * 7919 % 1_000_003:09}", 1, {"kind": "leaf"}) for n in range(start, start + 5_000)]


def _count_in_order(root: Path, answer: Connection) -> None:
    engine = TantivyEngine(root, FIELDS)
    keys = engine.scan(Term("kind", ("leaf",)))
    last, number = next(keys), 1
    before = own_peak_mb()
    for key in keys:
        assert key > last
        last, number = key, number + 1
    answer.send((number, own_peak_mb() - before))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_million_keys_come_in_order_in_less_than_200_mb(tmp_path: Path) -> None:
    with TantivyEngine(tmp_path, FIELDS).rebuild() as fresh:
        for batch in _made():
            fresh.write(batch)
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_count_in_order, args=(tmp_path, theirs))
    process.start()
    assert ours.poll(300)
    number, grown_mb = ours.recv()
    process.join()
    assert number == MANY
    assert grown_mb < 200


def test_a_run_over_a_search_goes_beyond_what_paging_reaches(prepared: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(7):
        add_sheet(prepared, f"BR{number}", {"family": "Fagaceae"})
    add_sheet(prepared, "S1", {"family": "Betulaceae"})
    while relay.update_index(prepared):
        pass
    monkeypatch.setattr(service, "DEEPEST", 3)
    monkeypatch.setattr(selections, "BATCH", 2)
    for name in ("data_dir", "base_url"):
        monkeypatch.setenv(f"LECTOTYPE_{name.upper()}", str(getattr(prepared.settings, name)))
    result = CliRunner().invoke(analyse.run, ["sheet", "--query", "family:Fagaceae", "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["total"] == 7


def test_a_scan_is_of_one_type_of_thing_and_goes_on_where_another_ended(prepared: Runtime) -> None:
    keys = sorted(add_sheet(prepared, f"BR{number}", {"family": "Fagaceae"})[0].key for number in range(5))
    while relay.update_index(prepared):
        pass
    with prepared.reads.begin() as session:
        asked = service.Question(q="family:Fagaceae")
        assert list(service.scan(session, prepared.search, asked)) == keys
        assert list(service.scan(session, prepared.search, asked, after=keys[2])) == keys[3:]
        assert list(service.scan(session, prepared.search, replace(asked, type="segment"))) == []
        with pytest.raises(Invalid, match="one type of thing: specimen, annotation, segment"):
            service.scan(session, prepared.search, replace(asked, type="all"))
