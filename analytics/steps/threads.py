"""How many threads the libraries of one process may use, so that processes side by side do not fight for the cores."""

import os

import cv2

_bound: list[int] = []


def bound(processes: int) -> None:
    """Share this machine's cores among so many processes: OpenCV at once, models when they are loaded."""
    threads = max(1, len(os.sched_getaffinity(0)) // max(1, processes))
    if _bound != [threads]:
        _bound[:] = [threads]
        cv2.setNumThreads(threads)


def available() -> int:
    """Threads that a model of this process may use: all cores where nobody has bound them."""
    return _bound[0] if _bound else len(os.sched_getaffinity(0))
