"""Several images at once, a process for each core, in the order in which they end."""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import TypeVar

from analytics.steps import threads

Job = TypeVar("Job")
Done = TypeVar("Done")


def processes(asked: int = 0) -> int:
    """How many there will be: as many as asked for, or one a core."""
    return asked or len(os.sched_getaffinity(0))


def over(jobs: Sequence[Job], do: Callable[[Job], Done], asked: int = 0) -> Iterator[Done]:
    """`do` of every job; both can be sent to another process. With one process it is done here."""
    several = min(processes(asked), len(jobs))
    if several <= 1:
        threads.bound(1)
        yield from map(do, jobs)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(several, mp_context=context, initializer=threads.bound, initargs=(several,)) as pool:
        for future in as_completed([pool.submit(do, job) for job in jobs]):
            yield future.result()
