"""What this process counts for Prometheus, summed over all web processes of the machine.

Where several processes serve (`processes.count_together`), each keeps its numbers in files of its own that all of them
read; elsewhere, in tests and on the command line, they stay in memory. The numbers of processes that ended are kept, but
for gauges, which speak of living ones.
"""

import os
from pathlib import Path
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from app.runtime import processes

Lane = Literal["tile", "info", "render", "refused", "error"]
Cache = Literal["stored", "memory", "disk", "made", "unchanged", "none"]
SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

_own = CollectorRegistry()
_answers = Counter(
    "lectotype_image_answers",
    "Answers to image requests: by lane (tile, info, render, refused, error), format, and where the body came from.",
    ["lane", "format", "cache"],
    registry=_own,
)
_bytes = Counter("lectotype_image_bytes", "Bytes of bodies of image answers.", ["lane"], registry=_own)
_seconds = Histogram(
    "lectotype_render_seconds", "Time to make a picture, from the start of the work on it.", buckets=SECONDS, registry=_own
)
_waiting = Gauge(
    "lectotype_renders_waiting",
    "Requests whose picture is being made or has to wait for that.",
    registry=_own,
    multiprocess_mode="livesum",
)
_failures = Counter(
    "lectotype_picture_cache_failures", "Rendered pictures that could not be kept on disk or read from there.", registry=_own
)
_bound: dict[tuple[Lane, str, Cache], tuple[Counter, Counter]] = {}


def image_answered(lane: Lane, form: str, cache: Cache, sent_bytes: int = 0) -> None:
    """Count an answer with a body of so many bytes; `form` is a format of pictures, or "json"."""
    bound = _bound.get((lane, form, cache))
    if bound is None:
        bound = _bound[lane, form, cache] = _answers.labels(lane, form, cache), _bytes.labels(lane)
    bound[0].inc()
    if sent_bytes:
        bound[1].inc(sent_bytes)


def rendered(seconds: float) -> None:
    """Count a picture that took so long to make."""
    _seconds.observe(seconds)


def renders_wait(change: int) -> None:
    """So many requests more (or fewer) wait for a picture of this process."""
    _waiting.inc(change)


def picture_not_kept() -> None:
    """Count a failure of the disk that pictures are kept on."""
    _failures.inc()


def reserve() -> None:
    """Take the room of this process's files now: a page of a mapped file that cannot be had later kills the process.

    The files stay within their first size: they hold one number for each lane, format and place, some hundred in all.
    OSError where there is no room.
    """
    folder = processes.counting_folder()
    if folder is None:
        return
    _failures.inc(0)  # after a fork the library makes all files of the new process with the first number
    for file in folder.glob(f"*_{os.getpid()}.db"):
        with file.open("r+b") as stream:
            os.posix_fallocate(stream.fileno(), 0, file.stat().st_size)


def collector() -> Collector:
    """What is counted now, of all processes where they count together."""
    folder = processes.counting_folder()
    if folder is None:
        return _own
    for pid in {int(file.stem.rpartition("_")[2]) for file in folder.glob("gauge_live*_*.db")}:
        if not _runs(pid):
            mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call] # the library has no types there
    return MultiProcessCollector(None, str(folder))  # type: ignore[no-untyped-call] # likewise


def _runs(pid: int) -> bool:
    """Whether a process of that number runs; of another user's nobody may know more than that it does."""
    if Path("/proc/self").exists():
        return Path(f"/proc/{pid}").exists()
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
