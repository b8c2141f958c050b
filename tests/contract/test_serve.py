"""`lectotype serve` as a process: it answers, heals, ends as a whole, and leaves no process behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.runtime.settings import Settings
from tests.services import free_port, wait_until

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow


class Served:
    """A running `lectotype serve`."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.settings = Settings(
            data_dir=folder, port=port, base_url=self.url, web_processes=1, log_format="json", metrics_token="n"
        )
        self.log = folder.with_suffix(".log")
        with self.log.open("wb") as log:
            command = [sys.executable, "-m", "app.cli", "serve"]
            self.process = subprocess.Popen(command, cwd=ROOT, env=self.settings.environment(), stdout=log, stderr=log)

    def ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/health/ready", timeout=5) as response:
                return bool(response.status == 200)
        except OSError:
            return False

    def family(self, command: str = "") -> set[int]:
        """The living children, of that command or all, and what they started."""
        parents = {pid: fields for pid in _pids() if (fields := _parent_and_command(pid))}
        found: set[int] = set()
        for pid, (_, line) in parents.items():
            above = pid
            while above in parents and above != self.process.pid:
                above = parents[above][0]
            if above == self.process.pid and pid != self.process.pid and line.endswith(command):
                found.add(pid)
        return found


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    served = Served(tmp_path / "data")
    try:
        wait_until(served.ready, "an answer", 90)
        wait_until(lambda: "the worker is ready" in served.log.read_text(), "the worker", 60)
        yield served
    except AssertionError:
        sys.stderr.write(served.log.read_text())
        raise
    finally:
        for pid in served.family():
            os.kill(pid, signal.SIGKILL)
        served.process.kill()
        served.process.wait()


def test_it_answers_and_heals_and_ends_as_a_whole(served: Served) -> None:
    with urllib.request.urlopen(f"{served.url}/health/live") as response:
        assert json.load(response)["status"] == "alive"
    numbers = urllib.request.Request(f"{served.url}/metrics", headers={"Authorization": "Bearer n"})
    with urllib.request.urlopen(numbers) as response:
        assert b'lectotype_jobs{state="waiting"} 0.0' in response.read()
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{served.url}/no/such/page")
    assert refused.value.headers["Content-Type"] == "application/problem+json"
    refused.value.close()

    for command in ("worker", "relay"):
        (victim,) = served.family(f"app.cli {command}")
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda v=victim, c=command: len(served.family(f"app.cli {c}") - {v}) == 1, f"a new {command}")
    web = served.family("app.cli web")
    for victim in web:
        os.kill(victim, signal.SIGKILL)
    wait_until(lambda: served.ready() and not served.family() & web, "a new web process", 60)

    family = served.family()
    served.process.terminate()
    assert served.process.wait(40) == 0
    assert not family & set(_pids()), "a process was left behind"
    for line in served.log.read_text().splitlines():
        assert "event" in json.loads(line), "a log line that is not JSON"


def test_a_server_waits_for_the_port_of_one_that_was_killed(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings = Settings(data_dir=tmp_path / "data", port=taken.getsockname()[1], web_processes=1)
        command, log = [sys.executable, "-m", "app.cli", "web"], tmp_path / "log"
        with log.open("wb") as out:
            process = subprocess.Popen(command, cwd=ROOT, env=settings.environment(), stderr=out)
        wait_until(lambda: "waiting for it to let go" in log.read_text(), "that it waits")
    try:
        wait_until(lambda: "Started worker" in log.read_text(), "the start", 30)
    finally:
        process.terminate()
        process.wait(20)


def test_a_port_that_stays_taken_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings = Settings(data_dir=tmp_path / "data", port=taken.getsockname()[1])
        command = [sys.executable, "-m", "app.cli", "serve"]
        ended = subprocess.run(
            command, cwd=ROOT, env=settings.environment(), capture_output=True, text=True, timeout=60, check=False
        )
    assert ended.returncode == 1
    assert "cannot listen" in ended.stderr
    assert str(settings.port) in ended.stderr


def test_when_it_is_killed_its_children_end_too(served: Served) -> None:
    family = served.family()
    assert len(family) >= 4
    served.process.kill()
    served.process.wait()
    wait_until(lambda: not family & set(_pids()), "the end of all children", 40)


def _pids() -> list[int]:
    return [
        int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdigit() and _parent_and_command(int(folder.name))
    ]


def _parent_and_command(pid: int) -> tuple[int, str] | None:
    try:
        state, parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
        line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if state in "ZX" else (int(parent), line)
