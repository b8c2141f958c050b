"""CPU time and memory of processes with all their children, from /proc (Linux only)."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Memory:
    """In megabytes: PSS counts shared pages once over all processes, RSS in each of them."""

    pss_mb: float
    rss_mb: float


def family(roots: list[int]) -> list[int]:
    """The processes and all their descendants that are alive."""
    found = list(roots)
    for pid in found:
        for path in Path(f"/proc/{pid}/task").glob("*/children"):
            found += [int(child) for child in path.read_text().split() if int(child) not in found]
    return found


def cpu_ms(roots: list[int]) -> float:
    """User and system time so far of the processes and all their descendants, ended ones that were waited for included."""
    return sum(times_ms(Path(f"/proc/{pid}/stat").read_text()) for pid in family(roots))


def times_ms(stat: str) -> float:
    """User and system time of a process and its ended children, from a line of /proc/PID/stat (proc(5), fields 14 to 17)."""
    fields = stat.rpartition(")")[2].split()  # the name may hold blanks and parentheses; field 3 comes behind it
    return sum(int(field) for field in fields[11:15]) * TICK_MS


def memory(roots: list[int]) -> Memory:
    sums = {"Pss": 0.0, "Rss": 0.0}
    for pid in family(roots):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            name, _, value = line.partition(":")
            if name in sums:
                sums[name] += int(value.split()[0]) / 1000
    return Memory(sums["Pss"], sums["Rss"])


def own_peak_mb() -> float:
    """The most resident memory that this process has had (proc(5), VmHWM), in megabytes.

    `ru_maxrss` will not do: in a new program it begins with what the process that started it had.
    """
    (kilobytes,) = re.findall(r"^VmHWM:\s*(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    return int(kilobytes) / 1000
