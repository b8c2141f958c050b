"""What /metrics and the access log say of image requests, with real server processes behind one port."""

import json
import os
import re
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.runtime.processes import COUNTS, SHARED_MEMORY
from tests.live import Live, web
from tests.services import wait_until
from tests.unit.iiif.image.pictures import derived, drawn, file_of

NUMBER = re.compile(r"^(lectotype_\S+) (\S+)$", re.MULTILINE)
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with web(tmp_path_factory.mktemp("metrics")) as live:
        yield live


def numbers(live: Live) -> dict[str, float]:
    found = NUMBER.findall(live.metrics())
    assert len(found) == len(dict(found)), "a number is given twice"
    return {name: float(value) for name, value in found}


def workers(live: Live) -> set[int]:
    """The processes below the server that count, as their files tell."""
    return {int(file.stem.split("_")[1]) for file in counts_of(live).glob("counter_*.db")} - {live.process.pid}


def counts_of(live: Live) -> Path:
    """The folder in which the processes of the server count."""
    (folder,) = SHARED_MEMORY.glob(f"{COUNTS}{live.process.pid}-*")
    return folder


def counted(live: Live, lane: str, form: str, cache: str) -> float:
    return numbers(live).get(f'lectotype_image_answers_total{{cache="{cache}",format="{form}",lane="{lane}"}}', 0)


def test_every_request_is_counted_once_over_all_processes_and_their_restarts(live: Live) -> None:
    media = derived(live.runtime, file_of(drawn(1100, 700)))
    base = f"/iiif/3/{media.key}"
    tile, other = f"{base}/0,0,512,512/512,512/0/default.jpg", f"{base}/3,5,200,200/90,90/0/default.png"
    asked = [tile] * 60 + [f"{base}/info.json"] * 40 + [f"/iiif/3/nobody{n}/info.json" for n in range(20)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(live.get, asked))
    assert [status for status, _ in answers].count(200) == 100
    assert counted(live, "tile", "jpg", "stored") == 60
    assert counted(live, "info", "json", "made") == 40
    assert counted(live, "error", "json", "none") == 20
    assert numbers(live)['lectotype_image_bytes_total{lane="tile"}'] == sum(len(body) for _, body in answers[:60])
    assert len(workers(live)) == 2, "both processes answered"

    assert live.get(other)[0] == 200
    assert (counted(live, "render", "png", "made"), numbers(live)["lectotype_render_seconds_count"]) == (1, 1)
    assert numbers(live)["lectotype_renders_waiting"] == 0

    before = workers(live)
    os.kill(min(before), signal.SIGKILL)
    wait_until(lambda: live.answers() and _none_left(min(before)), "the next process", 60)
    with ThreadPoolExecutor(8) as pool:
        answered = sum(pool.map(lambda _: _reached(live, tile), range(40)))
    assert answered > 0
    assert counted(live, "tile", "jpg", "stored") == 60 + answered, "what the dead process had counted still counts"
    assert not list(counts_of(live).glob(f"gauge_live*_{min(before)}.db")), "gauges of the dead are gone"


def _none_left(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except FileNotFoundError:
        return True


def _reached(live: Live, path: str) -> bool:
    """Whether it was answered; a process that is just being replaced may leave a connection without an answer."""
    try:
        return live.get(path)[0] == 200
    except OSError:
        return False


def test_no_request_is_logged_unless_wanted(live: Live) -> None:
    assert live.get("/health/live?unlogged=1")[0] == 200
    assert "unlogged" not in live.log.read_text()


def test_a_server_counts_from_zero_and_logs_requests_when_told(tmp_path: Path) -> None:
    stale = SHARED_MEMORY / f"{COUNTS}{2**22 + 1}-left"  # no process has that number
    stale.mkdir()
    with web(tmp_path, log_access=True, log_format="json", web_processes=1) as live:
        assert not stale.exists()
        assert not any(name.startswith("lectotype_image_answers_total") for name in numbers(live))
        assert live.get("/iiif/3/nobody/info.json?a=%C3%A9")[0] == 404
        wait_until(lambda: "nobody" in live.log.read_text(), "the line")
        lines = [json.loads(line) for line in live.log.read_text().splitlines() if '"request"' in line]
    (line,) = [line for line in lines if "nobody" in line["path"]]
    assert (line["event"], line["level"], line["method"], line["status"]) == ("request", "info", "GET", 404)
    assert line["path"] == "/iiif/3/nobody/info.json?a=%C3%A9"
    assert line["client"] == "127.0.0.1"
    assert 0 < line["ms"] < 60_000
