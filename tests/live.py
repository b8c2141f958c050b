"""A real `lectotype web` on a free port, for tests that need its processes."""

import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app import compose, relay
from app.runtime.context import Runtime
from app.runtime.settings import Settings
from tests.services import free_port, wait_until

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Live:
    """A running server and a runtime on the same data."""

    runtime: Runtime
    url: str
    process: "subprocess.Popen[bytes]"
    log: Path

    def get(self, path: str, *, timeout_s: float = 30, **headers: str) -> tuple[int, bytes]:
        """Status and body, by a connection of its own; statuses below 500 are answers like others."""
        request = urllib.request.Request(self.url + path, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=timeout_s) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    def metrics(self) -> str:
        """What `/metrics` says."""
        status, body = self.get("/metrics", Authorization=f"Bearer {self.runtime.settings.metrics_token}")
        assert status == 200
        return body.decode()

    def answers(self) -> bool:
        try:
            return self.get("/health/live", timeout_s=5)[0] == 200
        except OSError:
            return False


def indexed(runtime: Runtime) -> None:
    """What a relay would do: bring the search index up to date. Without an index the search is away."""
    while relay.update_index(runtime):
        pass


@contextmanager
def web(folder: Path, *, port: int = 0, path: str = "", **changes: object) -> Iterator[Live]:
    """It is ended on leaving; the database is migrated before. Its public address has the path."""
    port = port or free_port()
    url = f"http://127.0.0.1:{port}{path}"
    settings = Settings(
        **{"data_dir": folder / "data", "port": port, "base_url": url, "web_processes": 2, "metrics_token": "numbers"} | changes
    )
    runtime = compose.build(settings)
    compose.prepare(runtime)
    log = folder / "web.log"
    with log.open("wb") as out:
        command = [sys.executable, "-m", "app.cli", "web"]
        process = subprocess.Popen(command, cwd=ROOT, env=settings.environment(), stdout=out, stderr=out)
    live = Live(runtime, url, process, log)
    try:
        wait_until(live.answers, "an answer", 90)
        yield live
    except AssertionError:
        sys.stderr.write(log.read_text())
        raise
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        runtime.search.close()
        runtime.database.engine.dispose()
