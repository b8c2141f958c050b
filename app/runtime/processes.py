"""Which process is which on this machine, so that what a dead one held can be given to others at once."""

import atexit
import ctypes
import os
import shutil
import signal
import socket
import sys
import tempfile
from functools import cache
from pathlib import Path

PR_SET_PDEATHSIG = 1  # linux/prctl.h
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it, with a name that nobody can guess
COUNTS = "lectotype-counts-"
COUNTING = "PROMETHEUS_MULTIPROC_DIR"  # where prometheus_client looks when it is imported


def name() -> str:
    """This process as `host.pid.start`: no other has or will have the same name."""
    return f"{_host()}.{os.getpid()}.{_start(os.getpid())}"


def is_dead(process: str) -> bool:
    """Whether the process of that name surely runs no more. Of another machine's, or where /proc is missing, nobody knows."""
    host, pid, start = process.rsplit(".", 2)
    if host != _host() or not start:
        return False
    return _start(int(pid)) != start


def die_with_parent() -> None:
    """Have the system send SIGTERM to this process when its parent ends, whatever the reason. Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def count_together() -> None:
    """Have this process and its children count in files of one folder (app/runtime/metrics.py), which ends with this process.

    The files are mapped into memory, so a full disk below them would kill whoever counts: the folder lies in shared memory
    where the system has that (Linux), else among temporary files.
    RuntimeError where it is too late, because counting has begun already.
    """
    if "prometheus_client" in sys.modules:
        raise RuntimeError("prometheus_client was imported before it was told where to count")
    place = SHARED_MEMORY if os.access(SHARED_MEMORY, os.W_OK | os.X_OK) else Path(tempfile.gettempdir())
    for left in place.glob(f"{COUNTS}*"):  # of processes that were killed
        if not Path(f"/proc/{left.name.removeprefix(COUNTS).partition('-')[0]}").exists():
            shutil.rmtree(left, ignore_errors=True)
    folder = tempfile.mkdtemp(prefix=f"{COUNTS}{os.getpid()}-", dir=place)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ[COUNTING] = folder  # noqa: TID251 - no setting of ours, but the library's only way to be told


def counting_folder() -> Path | None:
    """Where the processes of this server count together, if they do."""
    folder = os.environ.get(COUNTING)  # noqa: TID251 - see above
    return Path(folder) if folder else None


@cache
def _host() -> str:
    """Host name with its process namespace: containers of one name count their processes apart."""
    namespace = Path("/proc/self/ns/pid")
    return f"{socket.gethostname()}-{namespace.stat().st_ino if namespace.exists() else 0}"


def _start(pid: int) -> str:
    """When the process was started, in clock ticks since boot; empty if it is not there or is a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return "" if fields[0] in "ZX" else fields[19]  # proc(5): state is field 3, starttime field 22
