"""A data folder on a disk that is full, or read-only: what is stored is served, what cannot be done is said, nothing is lost.

The disk is a small one in memory where one may be mounted; elsewhere a folder whose writes fail by a preloaded library
(disk/faulty_disk.c).
"""

import errno
import json
import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from app import compose
from app.runtime import tokens
from app.runtime.principal import Principal
from app.runtime.settings import Settings
from iiif.catalogue.model import Media
from tests import live
from tests.drain import drain
from tests.live import ROOT, Live
from tests.services import free_port, missing, wait_until
from tests.sheets import comment
from tests.unit.iiif.image.pictures import derived, drawn, file_of

pytestmark = pytest.mark.slow
SIZE = "24m"


FAULTY = Path(__file__).parent / "disk" / "faulty_disk.c"


class MountedDisk:
    """A file system of its own at `path`. OSError where none may be mounted."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if os.environ.get("LECTOTYPE_TEST_NO_MOUNT"):
            raise PermissionError(errno.EPERM, "LECTOTYPE_TEST_NO_MOUNT is set")
        command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise PermissionError(errno.EPERM, done.stderr.strip())

    def read_only(self, yes: bool) -> None:
        subprocess.run(["mount", "-o", f"remount,{'ro' if yes else 'rw'}", str(self.path)], check=True)

    def fill(self) -> None:
        """To the last byte."""
        with (self.path / "filler").open("wb", buffering=0) as out:
            try:
                while True:
                    out.write(b"x" * 4096)
            except OSError:
                return

    def make_room(self) -> None:
        (self.path / "filler").unlink()

    def close(self) -> None:
        subprocess.run(["umount", "-l", str(self.path)], check=True)


class FaultyDisk:
    """A folder that behaves so for the processes that are started from now on."""

    def __init__(self, path: Path, variables: pytest.MonkeyPatch) -> None:
        self.path = path
        self.state = path.with_name("state")
        self.state.write_text("well")
        library = path.with_name("faulty_disk.so")
        if shutil.which("gcc") is None:
            missing("a disk of our own, or gcc to play one")
        subprocess.run(["gcc", "-O1", "-shared", "-fPIC", "-Wall", "-Werror", "-o", library, FAULTY, "-ldl"], check=True)
        variables.setenv("LD_PRELOAD", str(library))
        variables.setenv("FAULTY_DISK", str(path))
        variables.setenv("FAULTY_DISK_STATE", str(self.state))

    def read_only(self, yes: bool) -> None:
        self.state.write_text("ro" if yes else "well")

    def fill(self) -> None:
        self.state.write_text("full")

    def make_room(self) -> None:
        self.state.write_text("well")

    def close(self) -> None:
        """Nothing is left but a folder."""


Disk = MountedDisk | FaultyDisk


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    path = tmp_path / "disk"
    path.mkdir()
    disk: Disk
    try:
        disk = MountedDisk(path)
    except PermissionError:
        disk = FaultyDisk(path, monkeypatch)
    yield disk
    disk.close()


def test_the_disk_that_is_played_behaves_like_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "disk").mkdir()
    disk = FaultyDisk(tmp_path / "disk", monkeypatch)
    program = (
        "import os, shutil, sqlite3, sys\nfolder = sys.argv[1]\nfound = [shutil.disk_usage(folder).free == 0]\n"
        "for act in (lambda: os.write(os.open(folder + '/a', os.O_CREAT | os.O_WRONLY), b'x'), lambda: os.mkdir(folder + '/b'),\n"
        "            lambda: sqlite3.connect(folder + '/c').execute('create table t (a)')):\n"
        "    try: act(); found.append('done')\n"
        "    except (OSError, sqlite3.Error) as error: found.append(str(error).partition(':')[0])\n"
        "print(found)"
    )

    def told(folder: Path) -> str:
        done = subprocess.run([sys.executable, "-c", program, str(folder)], capture_output=True, text=True, check=True)
        shutil.rmtree(folder)
        folder.mkdir()
        return done.stdout.strip()

    assert told(disk.path) == "[False, 'done', 'done', 'done']"
    disk.fill()
    assert told(disk.path) == "[True, '[Errno 28] No space left on device', 'done', 'database or disk is full']"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert told(elsewhere) == "[False, 'done', 'done', 'done']"
    disk.read_only(True)
    assert "Errno 30" in told(disk.path)


def lectotype(settings: Settings, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "app.cli", *words]
    return subprocess.run(command, env=settings.environment(), cwd=ROOT, capture_output=True, text=True, check=False)


def post(server: Live, media: Media, token: str) -> tuple[int, Any]:
    document = comment(server.runtime.addresses.canvas(media.specimen_key, media.key), "x" * 20_000)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/ld+json"}
    request = urllib.request.Request(f"{server.url}/annotations/", data=json.dumps(document).encode(), headers=headers)
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_a_full_disk_stops_writing_and_nothing_else(disk: Disk, tmp_path: Path) -> None:
    incoming = tmp_path / "in"
    incoming.mkdir()
    Image.fromarray(drawn(300, 200)).save(incoming / "B-1.png")
    with live.web(disk.path) as server:
        settings = server.runtime.settings
        media = derived(server.runtime, file_of(drawn(1100, 700)))
        live.indexed(server.runtime)
        with server.runtime.db.begin() as session:
            token = tokens.create(session, "test", server.runtime.clock(), by=Principal.of_system())
        assert post(server, media, token)[0] == 201
        disk.fill()
        for _ in range(5):
            status, problem = post(server, media, token)
            assert (status, "disk is full" in problem["detail"]) == (507, True)
        base = f"/iiif/3/{media.key}"
        for path in (
            f"{base}/0,0,512,512/512,512/0/default.jpg",
            f"{base}/3,5,200,200/90,90/0/default.png",
            f"{base}/info.json",
            f"/specimens/{media.specimen_key}",
            "/",
            "/health/live",
        ):
            assert server.get(path)[0] == 200, path
        status, body = server.get("/health/ready")
        assert (status, "make room" in json.loads(body)["checks"]["room"]) == (503, True)
        for words in (("doctor",), ("ingest", str(incoming)), ("token", "create", "other")):
            done = lectotype(settings, *words)
            assert done.returncode == 1, words
            assert "Traceback" not in done.stdout + done.stderr, words
        disk.make_room()
        assert post(server, media, token)[0] == 201
        assert server.get("/health/ready")[0] == 200
        done = lectotype(settings, "ingest", str(incoming))
        assert (done.returncode, "1 specimens" in done.stdout) == (0, True), done.stdout
        assert server.process.poll() is None


def test_a_read_only_folder_is_served_as_it_is(disk: Disk, tmp_path: Path) -> None:
    port = free_port()
    settings = Settings(data_dir=disk.path / "data", port=port, base_url=f"http://127.0.0.1:{port}", web_processes=1)
    runtime = compose.build(settings)
    compose.prepare(runtime)
    media = derived(runtime, file_of(drawn(1100, 700)))
    drain(runtime)
    runtime.search.close()
    runtime.database.engine.dispose()
    disk.read_only(True)
    try:
        for words in (("ingest", str(tmp_path)), ("token", "create", "x"), ("doctor",)):
            done = lectotype(settings, *words)
            assert done.returncode == 1, words
            assert "Traceback" not in done.stdout + done.stderr, words
            assert "read-only" in (done.stdout + done.stderr).lower(), words
        for words in (("runs",), ("fsck",)):
            done = lectotype(settings, *words)
            assert done.returncode == 0, done.stderr
        command = [sys.executable, "-m", "app.cli", "web"]
        process = subprocess.Popen(command, env=settings.environment(), cwd=ROOT, stderr=subprocess.DEVNULL)
        server = Live(runtime, settings.base_url, process, tmp_path / "log")
        try:
            wait_until(server.answers, "an answer", 60)
            base = f"/iiif/3/{media.key}"
            for path in (f"{base}/full/200,/0/default.jpg", f"{base}/info.json", f"/specimens/{media.specimen_key}"):
                assert server.get(path)[0] == 200, path
        finally:
            process.terminate()
            process.wait(20)
    finally:
        disk.read_only(False)
