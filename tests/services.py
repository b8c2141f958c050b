"""Private servers for tests: PostgreSQL, Redis and Elasticsearch, each started once per test session on a free port.

Where the programs of one are missing, the tests that ask for it are skipped and say so; with
LECTOTYPE_TEST_REQUIRE_SERVICES=1 (continuous integration) they fail instead, but for Elasticsearch, which lies beside
the project or nowhere.
"""

import contextlib
import os
import random
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import redis

ELASTICSEARCH = Path(__file__).resolve().parents[2] / "shared" / "elasticsearch" / "node"
POSTGRES_USER = "postgres"  # PostgreSQL refuses to run as root


def missing(what: str) -> None:
    """Skip the test loudly, or fail it where every service must be there."""
    if os.environ.get("LECTOTYPE_TEST_REQUIRE_SERVICES"):
        pytest.fail(f"{what} is not there, and LECTOTYPE_TEST_REQUIRE_SERVICES is set")
    pytest.skip(f"needs {what}")


def free_port() -> int:
    """A port of this machine that nobody listens on now: none that the system gives out itself, none of a test process beside."""
    beside = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    own = range(10_000 + 2_000 * (beside % 10), 12_000 + 2_000 * (beside % 10))
    for port in random.sample(own, len(own)):
        with socket.socket() as listener, contextlib.suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port
    raise OSError(f"all ports from {own.start} to {own.stop} are taken")


def wait_until(true: Callable[[], bool], what: str, seconds: float = 30.0) -> None:
    """Wait for it to become true; AssertionError that names it otherwise."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"{what} did not come about within {seconds} s"
        time.sleep(0.02)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The address of a PostgreSQL server without a database of ours, `postgresql://…:port`."""
    with postgresql() as address:
        yield address


@contextlib.contextmanager
def postgresql() -> Iterator[str]:
    """The same for a program."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    found = programs[-1].parent if programs else Path(shutil.which("initdb") or "").parent
    if not (found / "initdb").is_file():
        missing("PostgreSQL (initdb, postgres)")
    as_user = ["runuser", "-u", POSTGRES_USER, "--"] if os.geteuid() == 0 else []
    folder = Path(tempfile.mkdtemp(prefix="lectotype-postgresql-"))
    if as_user:
        shutil.chown(folder, POSTGRES_USER)
    initialise = [*as_user, str(found / "initdb"), "-D", str(folder / "data"), "-U", POSTGRES_USER, "-A", "trust", "-E", "UTF8"]
    subprocess.run([*initialise, "--locale=C", "--no-sync"], check=True, stdout=subprocess.DEVNULL, cwd=folder)
    port = free_port()
    options = ["-p", str(port), "-k", str(folder), "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [str(found / "postgres"), "-D", str(folder / "data"), *options],
            user=POSTGRES_USER if as_user else None,
            group=POSTGRES_USER if as_user else None,
            cwd=folder,
            stdout=log,
            stderr=log,
        )
    address = f"postgresql://{POSTGRES_USER}@127.0.0.1:{port}"
    try:
        wait_until(lambda: _accepts(address), f"PostgreSQL at {address}")
        yield address
    finally:
        server.terminate()
        server.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgresql_url(postgresql_server: str) -> Iterator[str]:
    """The address of an empty database of the test's own."""
    with empty_database(postgresql_server) as url:
        yield url


@contextlib.contextmanager
def empty_database(server: str) -> Iterator[str]:
    """A new database of that PostgreSQL server, dropped on leaving."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield f"{server}/{name}"
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextlib.contextmanager
def database(kind: str) -> Iterator[str]:
    """For a program: the address of an empty database of a server of its own, or nothing for SQLite, which needs none."""
    if kind == "sqlite":
        yield ""
        return
    with postgresql() as server, empty_database(server) as url:
        yield url


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """The address of a Redis server, `redis://127.0.0.1:port/0`."""
    program = shutil.which("redis-server")
    if program is None:
        missing("redis-server")
        return
    folder, port = Path(tempfile.mkdtemp(prefix="lectotype-redis-")), free_port()
    server = subprocess.Popen(
        [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)], stdout=subprocess.DEVNULL
    )
    client = redis.Redis(port=port)
    try:
        wait_until(lambda: _answers(client), "Redis")
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        client.close()
        server.terminate()
        server.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """The address of an empty Redis."""
    with redis.Redis.from_url(redis_server) as client:
        client.flushall()
    return redis_server


@pytest.fixture(scope="session")
def elasticsearch_url() -> Iterator[str]:
    """The address of a real Elasticsearch 8; tests give their indices names of their own."""
    if not ELASTICSEARCH.is_file():  # it cannot be installed, so this skips in continuous integration, too
        pytest.skip("needs shared/elasticsearch beside the project: NOTHING OF ELASTICSEARCH IS TESTED HERE")
    if shutil.which("java") is None:
        missing("Java 17, for Elasticsearch")
    folder, port = Path(tempfile.mkdtemp(prefix="lectotype-elasticsearch-")), free_port()
    started = subprocess.run(
        [str(ELASTICSEARCH), "start", str(port), str(folder), f"transport.port={free_port()}"],
        check=False,
        capture_output=True,
        text=True,
    )
    try:
        assert started.returncode == 0, started.stdout + started.stderr
        wait_until(lambda: _is_up(f"http://127.0.0.1:{port}"), "Elasticsearch", 120)
        yield f"http://127.0.0.1:{port}"
    finally:
        subprocess.run([str(ELASTICSEARCH), "stop", str(folder)], check=False, capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)


def _accepts(address: str) -> bool:
    try:
        psycopg.connect(f"{address}/postgres", connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _answers(client: "redis.Redis") -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def _is_up(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False
