"""The table of a comparison, as text for the terminal and as Markdown between two markers of docs/performance.md."""

import platform
import re
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.load import Load
from tests.bench.measure import Memory

BEGIN, END = "<!-- bench-image: begin -->", "<!-- bench-image: end -->"
COLUMNS = (
    "workload",
    "peer",
    "CPU ms",
    "of it nginx",
    "ours",
    "req/s",
    "ours",
    "p50/p99 ms",
    "ours",
    "PSS/RSS MB",
    "ours",
    "PSNR dB",
    "ours",
    "ratio",
)


@dataclass(slots=True)
class Tally:
    """What one server did under one workload, over all rounds; CPU in milliseconds, that of a proxy in front of it apart."""

    loads: list[Load] = field(default_factory=list)
    cpu_ms: float = 0.0
    front_ms: float = 0.0
    memory: Memory = field(default_factory=lambda: Memory(0.0, 0.0))
    psnr_db: float = 0.0

    @property
    def requests(self) -> int:
        return sum(load.requests for load in self.loads)

    @property
    def per_request_ms(self) -> float:
        """CPU of the server and of what stands in front of it."""
        return (self.cpu_ms + self.front_ms) / self.requests if self.requests else 0.0

    @property
    def front_per_request_ms(self) -> float:
        return self.front_ms / self.requests if self.requests else 0.0

    def median(self, name: str) -> float:
        return statistics.median(getattr(load, name) for load in self.loads)

    @property
    def failures(self) -> int:
        return sum(load.refused + load.broken for load in self.loads)


def line(workload: str, peer: str, theirs: Tally, ours: Tally, *, by_latency: bool = False) -> list[str]:
    """One row: what the peer took beside what we took, and last how many times ours."""
    failed = f" ({theirs.failures} failed)" if theirs.failures else ""
    front = "–" if by_latency or not theirs.front_ms else _number(theirs.front_per_request_ms)
    pairs = [(_rate(tally), _latency(tally), _memory(tally), _psnr(tally)) for tally in (theirs, ours)]
    cpu = ("–", "–") if by_latency else (_number(theirs.per_request_ms), _number(ours.per_request_ms))
    beside = [cell for pair in zip(*pairs, strict=True) for cell in pair]
    return [workload, peer + failed, cpu[0], front, cpu[1], *beside, f"{ratio(theirs, ours, by_latency=by_latency):.1f}x"]


def ratio(theirs: Tally, ours: Tally, *, by_latency: bool = False) -> float:
    """Of the CPU per request, or of the median latency."""
    pair = (theirs.median("p50_ms"), ours.median("p50_ms")) if by_latency else (theirs.per_request_ms, ours.per_request_ms)
    return pair[0] / pair[1] if pair[1] else float("inf")


def text(rows: Iterable[Sequence[str]]) -> str:
    """For the terminal, columns aligned; the ratio stands last in each line."""
    table = [COLUMNS, *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(COLUMNS))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table)


def markdown(rows: Iterable[Sequence[str]]) -> str:
    head = [f"| {' | '.join(COLUMNS)} |", "|" + "---|" * len(COLUMNS)]
    return "\n".join([*head, *(f"| {' | '.join(row)} |" for row in rows)])


def replace_between(document: str, part: str) -> str:
    """The document with the part between the markers exchanged. Raises ValueError where they are not there once."""
    found, count = re.subn(f"{BEGIN}.*?{END}", lambda _: f"{BEGIN}\n{part.strip()}\n{END}", document, flags=re.DOTALL)
    if count != 1:
        raise ValueError(f"{count} places between {BEGIN} and {END} instead of one")
    return found


def machine() -> str:
    """Processor and memory of this machine, in words."""
    cpu = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory_kb = re.search(r"^MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text(), re.MULTILINE)
    cores = Path("/proc/cpuinfo").read_text().count("processor\t:")
    name = cpu[1] if cpu else platform.machine()
    return f"{cores} cores of {name}, {int(memory_kb[1]) / 1e6 if memory_kb else 0:.0f} GB, Linux {platform.release()}"


def _rate(tally: Tally) -> str:
    return f"{tally.median('per_second'):,.0f}"


def _latency(tally: Tally) -> str:
    return f"{_number(tally.median('p50_ms'))}/{_number(tally.median('p99_ms'))}"


def _memory(tally: Tally) -> str:
    return f"{tally.memory.pss_mb:.0f}/{tally.memory.rss_mb:.0f}"


def _psnr(tally: Tally) -> str:
    return f"{tally.psnr_db:.1f}" if 0 < tally.psnr_db < float("inf") else "–"


def _number(value: float) -> str:
    """Three significant digits, without exponent."""
    return f"{value:.3f}" if value < 1 else f"{value:.2f}" if value < 10 else f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
