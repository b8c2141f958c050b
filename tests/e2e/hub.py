"""A hub in processes of its own, as the tests of the pages see it."""

import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.services import free_port, wait_until

ROOT = Path(__file__).resolve().parents[2]
LONGEST_S = 600.0


@dataclass(frozen=True)
class Hub:
    """Where it answers."""

    address: str

    def json(self, path: str) -> Any:
        with urllib.request.urlopen(self.address + path, timeout=30) as response:
            return json.load(response)

    def specimens(self) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.json("/api/search")["items"]
        return items

    def annotations(self, specimen_key: str) -> list[dict[str, Any]]:
        """What is said on the specimen's first canvas. Its segments, to whose manifests viewers are led, are no statements."""
        canvas = self.json(f"/iiif/presentation/3/{specimen_key}/manifest.json")["items"][0]
        pages = [self.json(page["id"].removeprefix(self.address)) for page in canvas["annotations"]]
        return [item for page in pages for item in page["items"] if item["id"].startswith(f"{self.address}/annotations/")]

    def wait_until_done(self) -> None:
        wait_until(lambda: self.json("/api/runs?state=running")["total"] == 0, "the end of all runs", LONGEST_S)


@contextmanager
def starting(count: int) -> Iterator[Hub]:
    """`lectotype demo` over drawn sheets, from the moment that it answers, while it still takes them in."""
    with tempfile.TemporaryDirectory(prefix="lectotype-e2e-") as folder:
        port = free_port()
        command = [sys.executable, "-m", "app.cli", "demo", "--port", str(port), "--data", folder, "--count", str(count)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, env=environment)
        hub = Hub(f"http://127.0.0.1:{port}")
        try:
            wait_until(lambda: process.poll() is not None or _answers(hub), "an answer of the hub", LONGEST_S)
            assert process.poll() is None, f"the demo ended with status {process.returncode}"
            yield hub
        finally:
            process.terminate()
            process.wait(60)


def _answers(hub: Hub) -> bool:
    try:
        return bool(hub.json("/health/live"))
    except OSError:
        return False
