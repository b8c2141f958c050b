"""The check of a running server: it passes on a sound one, and fails on a faulty and on an empty one."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from app.runtime.settings import Settings
from iiif.presentation import manifest
from tests.contract.presentation_check import main
from tests.sheets import Hub, add_sheet, comment


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.with_(page_size=2)


@pytest.fixture
def url(hub: Hub) -> Iterator[str]:
    """The address of a server whose documents name another one as their base."""
    server = make_server("127.0.0.1", 0, hub.client.application, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def fill(hub: Hub) -> None:
    for index in range(5):
        specimen, (media,) = add_sheet(hub.runtime, f"BR {index}")
        hub.post(comment(hub.addresses.canvas(specimen.key, media.key) + "#xywh=1,2,3,4"))


def test_a_sound_server_passes(hub: Hub, url: str, shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(hub)
    assert main(url, str(shared)) == 0
    printed = capsys.readouterr().out
    for line in ("annotation pages: Done (5 checked, 0 failures)", "web annotation model: Done (5 checked, 0 failures)"):
        assert line in printed


def test_an_empty_server_is_not_called_sound(url: str, shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(url, str(shared)) == 1
    assert "web annotation model: Done (0 checked, 0 failures)" in capsys.readouterr().out


def test_a_faulty_manifest_fails(
    hub: Hub, url: str, shared: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(hub)
    monkeypatch.setattr(manifest, "rights_of", lambda *_: "https://example.org/mine")
    assert main(url, str(shared)) == 1
    assert "FAIL presentation schema" in capsys.readouterr().err


def test_without_the_schemas_it_says_so_and_fails(url: str, tmp_path: Path) -> None:
    assert main(url, str(tmp_path)) == 1
