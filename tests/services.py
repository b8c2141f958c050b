"""Real servers for tests. One that cannot be had here skips its tests, or fails them where all must be present."""

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ELASTICSEARCH = Path(__file__).resolve().parents[2] / "shared" / "elasticsearch" / "node"


def missing(what: str) -> None:
    """Skip, saying so; fail if LECTOTYPE_TEST_REQUIRE_SERVICES is 1."""
    if os.environ.get("LECTOTYPE_TEST_REQUIRE_SERVICES") == "1":
        pytest.fail(f"{what} is required and is not here")
    pytest.skip(f"SKIPPED FOR LACK OF A SERVICE: {what}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def elasticsearch_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An Elasticsearch node of this test run's own, or the one that LECTOTYPE_TEST_ELASTICSEARCH_URL names."""
    if given := os.environ.get("LECTOTYPE_TEST_ELASTICSEARCH_URL"):
        yield given
        return
    if not ELASTICSEARCH.exists():
        missing("Elasticsearch (folder shared/elasticsearch beside the project)")
    port, folder = free_port(), tmp_path_factory.mktemp("elasticsearch")
    subprocess.run([ELASTICSEARCH, "start", str(port), folder], check=True, timeout=120, capture_output=True)
    yield f"http://127.0.0.1:{port}"
    subprocess.run([ELASTICSEARCH, "stop", folder], check=True, timeout=60, capture_output=True)
