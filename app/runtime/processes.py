"""Which process is which on this machine, so that what a dead one held can be given to others at once."""

import ctypes
import os
import shutil
import signal
import socket
import sys
from functools import cache
from pathlib import Path

PR_SET_PDEATHSIG = 1  # linux/prctl.h
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


def count_together(folder: Path) -> None:
    """Have this process and its children count in files of that folder, which is emptied (app/runtime/metrics.py).

    RuntimeError where it is too late, because counting has begun already.
    """
    if "prometheus_client" in sys.modules:
        raise RuntimeError("prometheus_client was imported before it was told where to count")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.environ[COUNTING] = str(folder.resolve())  # noqa: TID251 - no setting of ours, but the library's only way to be told


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
