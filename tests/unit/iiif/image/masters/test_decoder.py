"""Foreign files do their worst to the decoding child, and the process that asked goes on."""

import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import pyvips

from app.runtime.blobs import FolderBlobs
from iiif.image import service
from iiif.image.errors import RejectedImage
from iiif.image.masters import decoder_client, decoder_process, decoder_protocol
from iiif.image.masters.decoder_protocol import BadReply, DecodeLimits, ImageFacts
from iiif.image.pyramid.format import Pyramid
from tests.unit.iiif.image import sources
from tests.unit.iiif.image.pictures import drawn, file_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
LIMITS = DecodeLimits(max_pixels=10**10, seconds=60, address_space=2 * 10**9)
QUICK = DecodeLimits(max_pixels=10**10, seconds=1, address_space=2 * 10**9)
SMALL = DecodeLimits(max_pixels=10**10, seconds=60, address_space=500_000_000)
ROOT = Path(__file__).parents[5]
DERIVE = """
import sys
from pathlib import Path
from app.runtime.blobs import FolderBlobs
from iiif.image import service
print("begun", flush=True)
service.make_derivative(FolderBlobs(Path(sys.argv[1])), sys.argv[2], service.DecodeLimits(10**9, 60, 2 * 10**9))
print("done", flush=True)
"""


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.png"
    path.write_bytes(file_of(drawn(64, 48), "PNG"))
    return path


@pytest.fixture
def slow(tmp_path: Path) -> Path:
    path = tmp_path / "slow.png"
    path.write_bytes(sources.slow_png())
    return path


def _decoding(path: Path) -> list[int]:
    """The processes of decoding children that hold this file open."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if b"iiif.image.masters.decoder_process" not in (process / "cmdline").read_bytes():
                continue
            if any(file.readlink() == path for file in (process / "fd").iterdir()):
                found.append(int(process.name))
        except OSError:  # it has ended meanwhile
            continue
    return found


@contextmanager
def _killer(path: Path, times: int) -> Iterator[list[int]]:
    """Kills whichever child decodes the file, so many times at most."""
    killed: list[int] = []
    over = threading.Event()

    def hunt() -> None:
        while not over.wait(0.01) and len(killed) < times:
            for pid in set(_decoding(path)) - set(killed):
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)

    hunter = threading.Thread(target=hunt)
    hunter.start()
    try:
        yield killed
    finally:
        over.set()
        hunter.join()


def _lives(good: Path) -> bool:
    pixels = decoder_client.pixels(good, LIMITS, good.parent)
    return np.array_equal(pixels, drawn(64, 48)) and decoder_client.check(good, LIMITS, whole=True).width_px == 64


def test_a_child_that_is_killed_each_time_refuses_the_file(good: Path, slow: Path) -> None:
    with _killer(slow, times=2) as killed, pytest.raises(RejectedImage) as caught:
        decoder_client.check(slow, LIMITS, whole=True)
    assert caught.value.code == "decoder-died"
    assert "SIGKILL" in caught.value.sentence
    assert len(killed) == 2
    assert _lives(good)


def test_a_child_that_is_killed_once_costs_a_second_try(tmp_path: Path) -> None:
    path = tmp_path / "sheet.png"
    path.write_bytes(file_of(np.zeros((6000, 6000), np.uint8), "PNG"))
    with _killer(path, times=1):
        assert decoder_client.check(path, LIMITS, whole=True).width_px == 6000


def test_decoding_without_end_is_ended(good: Path, slow: Path) -> None:
    with pytest.raises(RejectedImage) as caught:
        decoder_client.check(slow, QUICK, whole=True)
    assert caught.value.code == "too-long"
    assert "LECTOTYPE_DECODE_SECONDS" in caught.value.sentence
    assert _decoding(slow) == []
    assert _lives(good)


def test_memory_is_bounded(good: Path, tmp_path: Path) -> None:
    path = tmp_path / "hungry.png"
    path.write_bytes(sources.png(20_000, 20_000, depth=8, colour=2, interlaced=True, data=b"\x78\x9c\x03\x00\x00\x00\x00\x01"))
    with pytest.raises(RejectedImage) as caught:
        decoder_client.check(path, SMALL, whole=True)
    assert caught.value.code == "too-much-memory"
    assert "LECTOTYPE_DECODE_BYTES" in caught.value.sentence
    assert _lives(good)


def test_a_bomb_is_refused_by_its_header(good: Path, tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(sources.slow_png())
    with pytest.raises(RejectedImage) as caught:
        decoder_client.check(path, DecodeLimits(10**9, 60, 2 * 10**9), whole=True)
    assert caught.value.code == "too-many-pixels"
    assert _lives(good)


def test_what_a_child_writes_is_bounded(good: Path, tmp_path: Path) -> None:
    path = tmp_path / "wide.png"
    path.write_bytes(sources.slow_png())
    with pytest.raises(RejectedImage) as caught:
        decoder_client.pixels(path, SMALL, tmp_path)
    assert caught.value.code in ("truncated-image", "too-much-memory")
    assert _lives(good)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
def test_a_full_disk_is_not_the_fault_of_the_file(good: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.symlink_to("/dev/full")
    with pytest.raises(decoder_client.DecoderUnavailable, match="No space left"):
        decoder_client.derive(good, out, LIMITS)
    assert _lives(good)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
def test_a_full_disk_is_known_by_what_libvips_says_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process, as only there an operation can be made to write where we want."""

    def spill(*_: object) -> dict[str, object]:
        with Path("/dev/full").open("wb") as full:
            pyvips.Image.black(900, 900, bands=3).rawsave_target(pyvips.Target.new_to_descriptor(full.fileno()))
        return {}

    monkeypatch.setitem(decoder_process._OPERATIONS, "spill", spill)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert "No space left" in decoder_process._answer(decoder_protocol.Channel(ours), {"do": "spill"}, [])["unavailable"]


def test_waiting_for_others_is_no_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A codec that takes much memory is taken one at a time; here somebody keeps it."""
    path = tmp_path / "sheet.jp2"
    path.write_bytes(sources.one_of_each()["JPEG 2000"][1])
    monkeypatch.setattr(decoder_client, "QUEUE_S", 0.3)
    with Path(decoder_process.__file__).open("rb") as kept:
        fcntl.flock(kept, fcntl.LOCK_EX)
        with pytest.raises(decoder_client.DecoderUnavailable, match="others"):
            decoder_client.pixels(path, LIMITS, tmp_path)
    assert decoder_client.pixels(path, LIMITS, tmp_path).shape == (47, 61, 3)


def test_a_limit_that_the_system_set_is_not_raised() -> None:
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_CPU, (90, 90))\n"
        "from iiif.image.masters import decoder_process; decoder_process._allow(9999)\n"
        "print(resource.getrlimit(resource.RLIMIT_CPU))"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "(90, 90)"


def test_where_no_child_can_start_the_file_is_not_to_blame(good: Path) -> None:
    with pytest.raises(decoder_client.DecoderUnavailable):
        decoder_client.check(good, DecodeLimits(10**9, 60, 60_000_000))
    assert _lives(good)


def test_threads_are_served_at_once(good: Path, tmp_path: Path) -> None:
    def both(_: int) -> bool:
        return _lives(good)

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(both, range(12)))


def test_a_child_outlives_the_thread_that_needed_it_first(good: Path) -> None:
    for _ in range(3):
        thread = threading.Thread(target=_lives, args=[good])
        thread.start()
        thread.join()
    assert _lives(good)


def test_a_child_sees_no_settings_and_no_secrets(slow: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LECTOTYPE_DATABASE_URL", "postgresql://lectotype:secret@db/lectotype")
    limits = DecodeLimits(10**10, 2, 3 * 10**9)  # others than before, so that a new child is started
    seen: list[bytes] = []

    def look() -> None:
        while not seen:
            seen.extend(Path(f"/proc/{pid}/environ").read_bytes() for pid in _decoding(slow))
            time.sleep(0.01)

    looker = threading.Thread(target=look)
    looker.start()
    with pytest.raises(RejectedImage):
        decoder_client.check(slow, limits, whole=True)
    looker.join(timeout=10)
    assert b"PYTHONPATH=" in seen[0]
    assert b"LECTOTYPE" not in seen[0]


def test_a_child_ends_with_its_parent(slow: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from iiif.image.masters import decoder_client as decoder\n"
        "from iiif.image.masters.decoder_protocol import DecodeLimits\n"
        "decoder.check(Path(sys.argv[1]), DecodeLimits(10**10, 60, 2 * 10**9), whole=True)"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(slow)], cwd=ROOT) as parent:
        _wait_for(lambda: bool(_decoding(slow)))
        parent.kill()
    _wait_for(lambda: not _decoding(slow))


def _begun(_: FolderBlobs, __: Path) -> bool:
    return True


def _opened(_: FolderBlobs, master: Path) -> bool:
    return bool(_decoding(master))


def _being_written(blobs: FolderBlobs, _: Path) -> bool:
    return any(file.stat().st_size > 0 for file in blobs.root.glob("incoming/*/pyramid.zip"))


@pytest.mark.parametrize("moment", [_begun, _opened, _being_written])
def test_a_derivation_that_is_killed_leaves_whole_blobs_and_can_be_done_again(
    tmp_path: Path, moment: Callable[[FolderBlobs, Path], bool]
) -> None:
    blobs = FolderBlobs(tmp_path / "blobs")
    blobs.prepare(used=False)
    path = tmp_path / "master.jpg"
    path.write_bytes(file_of(drawn(2600, 1700), quality=80))
    master, _ = blobs.adopt(path)
    command = [sys.executable, "-c", DERIVE, str(blobs.root), master]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == b"begun\n"
        _wait_for(lambda: worker.poll() is not None or moment(blobs, blobs.path(master)))
        worker.kill()
    _wait_for(lambda: not _decoding(blobs.path(master)))
    for sha256 in _all(blobs) - {master}:
        assert Pyramid(blobs.path(sha256)).width_px == 2600
    derivative, _ = service.make_derivative(blobs, master, LIMITS)
    assert Pyramid(blobs.path(derivative.pyramid_sha256)).height_px == 1700
    assert _all(blobs) == {master, derivative.pyramid_sha256}
    blobs.sweep(older_than=-1)
    assert list((blobs.root / "incoming").iterdir()) == []


@pytest.mark.parametrize(
    "change",
    [
        {"width_px": 0},
        {"height_px": 10**9},
        {"format": None},
        {"icc_profile": "x" * 300},
        {"exif_orientation": 9},
        {"frames": "2"},
    ],
)
def test_a_childs_reply_is_looked_at(change: dict[str, object]) -> None:
    reply = {"format": "image/png", "width_px": 5, "height_px": 5, "exif_orientation": 1, "icc_profile": "", "frames": 1}
    assert ImageFacts.from_reply(reply).width_px == 5
    with pytest.raises(BadReply):
        ImageFacts.from_reply(reply | change)


def _all(blobs: FolderBlobs) -> set[str]:
    return {entry.sha256 for entry in blobs.entries()}


def _wait_for(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.01)
