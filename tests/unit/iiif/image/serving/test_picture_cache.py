"""The cache of pictures: its cap holds over all who write, what is torn is never given out, and no disk makes it fail."""

import hashlib
import os
import threading
from pathlib import Path

import pytest

from app.runtime import metrics
from iiif.image.serving.picture_cache import PictureCache


def _key(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()[:40]


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.glob("[0-9a-f][0-9a-f]/*"))


def _failures() -> float:
    found = (sample for metric in metrics.collector().collect() for sample in metric.samples)
    return next(sample.value for sample in found if sample.name == "lectotype_picture_cache_failures_total")


def _settle() -> None:
    """Wait until nobody sweeps."""
    for thread in threading.enumerate():
        if thread.name == "sweep pictures":
            thread.join()


def _cold(folder: Path, max_bytes: int = 1_000_000, processes: int = 1) -> PictureCache:
    """One that keeps nothing in memory."""
    return PictureCache(folder, max_bytes, processes=processes, memory_bytes=0)


def test_what_is_kept_is_found_by_every_process(tmp_path: Path) -> None:
    cache = PictureCache(tmp_path / "pictures", 1_000_000)
    cache.put(_key(1), b"picture")
    assert cache.get(_key(1)) == (b"picture", "memory")
    other = PictureCache(tmp_path / "pictures", 1_000_000)
    assert other.get(_key(1)) == (b"picture", "disk")
    assert other.get(_key(1)) == (b"picture", "memory")
    assert other.get(_key(2)) is None


def test_a_torn_or_rotten_file_is_no_picture(tmp_path: Path) -> None:
    cache = _cold(tmp_path)
    for number, spoil in enumerate(
        (lambda data: data[:-1], lambda data: b"", lambda data: data[:-1] + b"!", lambda data: b"x" * 7)
    ):
        cache.put(_key(number), b"picture")
        path = tmp_path / _key(number)[:2] / _key(number)
        path.write_bytes(spoil(path.read_bytes()))
        assert cache.get(_key(number)) is None
        assert not path.exists(), "it is not tried again"


def test_the_cap_holds_over_all_processes_and_the_longest_unused_go(tmp_path: Path) -> None:
    cap, size = 1_000_000, 9_000
    caches = [_cold(tmp_path, cap, processes=2) for _ in range(2)]
    for number in range(400):
        caches[number % 2].put(_key(number), bytes(size))
        _settle()
        path = tmp_path / _key(number)[:2] / _key(number)
        if path.exists():
            os.utime(path, (number, number))
        if number % 10 == 0:
            caches[number // 10 % 2].get(_key(0))  # used again and again
        assert _size(tmp_path) <= cap
    left = [number for number in range(400) if (tmp_path / _key(number)[:2] / _key(number)).exists()]
    assert len(left) > 50
    assert 0 in left
    assert not set(left) & set(range(1, 100)), "old ones are left while newer ones went"


def test_a_sweep_is_due_only_once_in_many_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sweeps = []
    cache = _cold(tmp_path, 8_000_000)
    monkeypatch.setattr(PictureCache, "sweep", lambda self: sweeps.append(1))
    cache._swept = True
    for number in range(90):
        cache.put(_key(number), bytes(10_000))
    assert not sweeps
    for number in range(90, 110):
        cache.put(_key(number), bytes(10_000))
    assert sweeps


def test_a_lower_cap_is_in_force_after_the_first_picture(tmp_path: Path) -> None:
    cache = _cold(tmp_path, 10_000_000)
    for number in range(100):
        cache.put(_key(number), bytes(10_000))
    _settle()
    smaller = _cold(tmp_path, 500_000)
    assert smaller.sweep() <= 500_000 * 3 // 4
    assert _size(tmp_path) <= 500_000 * 3 // 4


def test_what_a_crash_left_is_swept(tmp_path: Path) -> None:
    cache = _cold(tmp_path)
    cache.put(_key(1), b"picture")
    folder = tmp_path / _key(1)[:2]
    _settle()
    (folder / ".old").write_bytes(b"half")
    (folder / ".new").write_bytes(b"half")
    os.utime(folder / ".old", (1, 1))
    _settle()
    cache.sweep()
    assert sorted(file.name for file in folder.iterdir()) == [".new", _key(1)]


def test_a_folder_that_cannot_be_written_makes_nothing_fail(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    cache, before = PictureCache(tmp_path / "file" / "pictures", 1_000_000), _failures()
    for number in range(3):
        cache.put(_key(number), b"picture")
        assert cache.get(_key(number)) == (b"picture", "memory")
    assert cache.get(_key(9)) is None
    assert cache.sweep() == 0
    assert _failures() >= before + 3


def test_a_full_disk_makes_nothing_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = _cold(tmp_path)

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        cache.put(_key(1), b"picture")
    assert cache.get(_key(1)) is None
    assert list((tmp_path / _key(1)[:2]).iterdir()) == [], "a temporary file was left"
    cache.put(_key(1), b"picture")
    assert cache.get(_key(1)) == (b"picture", "disk")


def test_memory_is_bounded_and_large_pictures_stay_out_of_it(tmp_path: Path) -> None:
    cache = PictureCache(tmp_path, 0, memory_bytes=10_000)
    for number in range(30):
        cache.put(_key(number), bytes(1_000))
    assert cache.get(_key(0)) is None
    assert cache.get(_key(29)) == (bytes(1_000), "memory")
    cache.put(_key(99), bytes(10_001))
    assert cache.get(_key(99)) is None
    assert list(tmp_path.iterdir()) == [], "a cap of 0 keeps nothing on disk"
