"""`lectotype export-iiif`: which specimens it takes, what it says, how it ends."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from annotations.search import consistency
from app.cli import main
from app.runtime import ids
from app.runtime.context import Runtime
from app.runtime.principal import Principal
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media
from tests.unit.iiif.image.pictures import derived, drawn, file_of

BASE = "https://files.example.org"


@pytest.fixture
def hub(prepared: Runtime) -> Runtime:
    return prepared


@pytest.fixture
def images(hub: Runtime) -> list[Media]:
    found = [derived(hub, file_of(drawn(60 + number, 40))) for number in range(3)]
    with hub.reads.begin() as session:
        consistency.rebuild(session, hub.search, hub.addresses, lambda _step: None)
    return found


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "export"


def export(hub: Runtime, *arguments: str | Path, base: str = BASE) -> Result:
    runner = CliRunner(env=hub.settings.environment())
    return runner.invoke(main, ["export-iiif", *map(str, arguments), *(["--base-url", base] if base else [])])


def taken(result: Result) -> set[str]:
    """The keys of the specimens that were exported."""
    assert result.exit_code == 0, result.output
    return {address.split("/")[-2] for address in json.loads(result.stdout)["manifests"]}


def test_a_specimen_is_named_by_key_ark_pid_or_catalogue_number(hub: Runtime, images: list[Media], out: Path) -> None:
    key = images[1].specimen_key
    with hub.reads.begin() as session:
        number = catalogue.get_specimen(session, key).catalog_number
    naan, addresses = hub.settings.naan, hub.addresses
    for asked in (key, ids.ark(key, naan), f"ark:/{naan}/{key[:5]}-{key[5:]}", addresses.pid(key), number):
        assert taken(export(hub, asked, out, "--json")) == {key}, asked


def test_a_query_takes_what_the_search_finds_and_nothing_means_all(hub: Runtime, images: list[Media], out: Path) -> None:
    keys = {one.specimen_key for one in images}
    assert taken(export(hub, "sheet*", out, "--json")) == keys
    assert taken(export(hub, "", out, "--json")) == keys
    assert len(taken(export(hub, "", out, "--json", "--limit", "2"))) == 2
    assert len(taken(export(hub, "sheet*", out, "--json", "--limit", "2"))) == 2


def test_the_report_is_printed_for_people(hub: Runtime, images: list[Media], out: Path) -> None:
    with hub.db.begin() as session:
        catalogue.set_access(session, images[0].key, "closed", by=Principal.of_system(), at=hub.clock())
    result = export(hub, "", out)
    assert result.exit_code == 0, result.output
    assert f"left out: {images[0].key}: Its access is closed" in result.stdout
    assert "2 manifests with 2 images" in result.stdout
    assert f"{BASE}/iiif/presentation/3/collection/top.json" in result.stdout


def test_where_nothing_is_exported_it_has_failed(hub: Runtime, images: list[Media], out: Path) -> None:
    assert export(hub, "nothinghasthis", out).exit_code == 1
    assert export(hub, ids.new_key(ids.SPECIMEN, hub.settings.naan), out).exit_code == 1
    assert not out.exists()
    with hub.db.begin() as session:
        catalogue.set_access(session, images[0].key, "closed", by=Principal.of_system(), at=hub.clock())
    assert export(hub, images[0].specimen_key, out).exit_code == 1


def test_the_base_url_is_asked_for_in_words(hub: Runtime, out: Path) -> None:
    result = export(hub, "", out, base="")
    assert result.exit_code == 2
    assert "--base-url" in result.output
    assert "absolute" in result.output
    for base in ("files.example.org", "ftp://files.example.org", f"{BASE}?a=1", f"{BASE}#a"):
        assert export(hub, "", out, base=base).exit_code == 2, base


def test_a_slash_at_the_end_of_the_base_url_changes_nothing(hub: Runtime, images: list[Media], out: Path) -> None:
    result = export(hub, images[0].specimen_key, out, "--json", base=f"{BASE}/tree/")
    assert json.loads(result.stdout)["manifests"] == [f"{BASE}/tree/iiif/presentation/3/{images[0].specimen_key}/manifest.json"]
    assert (out / "iiif" / "3" / images[0].key / "info.json").is_file()
