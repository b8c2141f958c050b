"""A step may take so long and no longer: the thread that runs it is interrupted when its time is over."""

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class DeadlinePassed(BaseException):
    """The step's time is over. No step catches it, as it is no Exception."""


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Raise DeadlinePassed in this thread as soon as it runs Python after that time; a call of OpenCV is not broken off.

    After the block nothing is raised any more, however late the time ran out.
    """
    thread, turn = ctypes.c_ulong(threading.get_ident()), threading.Lock()
    raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc
    over, struck = False, False

    def strike() -> None:
        nonlocal struck
        with turn:
            if not over:
                struck = True
                raise_in(thread, ctypes.py_object(DeadlinePassed))

    timer = threading.Timer(seconds, strike)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        with turn:
            over = True
        timer.cancel()
        if struck:
            raise_in(thread, None)  # what has not been raised yet is taken back
