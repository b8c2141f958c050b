"""What a viewer notices while 64 clients ask for the largest pictures there are: `python -m tests.bench.abuse`.

A real web server (`lectotype web`), a sheet of 96 million pixels, and two floods, one after the other: all ask for the same
picture, and each asks for one that nobody asked for before. Refused clients do not heed Retry-After; they come again after
PAUSE_S. Meanwhile a viewer zooms: one connection that asks for one stored tile after another. Everything on loopback, for
some seconds. Memory is the proportional set size of all web processes together, at its peak.
"""

import http.client
import itertools
import multiprocessing
import queue
import random
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

import click
import pyvips

from app.runtime.context import Runtime
from app.runtime.settings import Settings
from tests import live
from tests.unit.iiif.image.pictures import derived

WIDTH, HEIGHT = 8000, 12000
CLIENTS = 64
PAUSE_S = 0.25
Paths = Callable[[], Iterator[str]]
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Flood:
    """What came of it; milliseconds of each tile, answers by status, and what was wrong with any of them."""

    name: str
    tile_ms: list[float]
    tile_statuses: Counter[int]
    statuses: Counter[int]
    faults: list[str]
    peak_mb: float

    def line(self) -> str:
        cuts = quantiles(self.tile_ms, n=100)
        answers = ", ".join(f"{number} × {status}" for status, number in sorted(self.statuses.items()))
        tiles = f"{len(self.tile_ms)} tiles, p50 {cuts[49]:.2f} ms, p90 {cuts[89]:.2f} ms, p99 {cuts[98]:.2f} ms"
        return f"{self.name}: {tiles}; memory {self.peak_mb:.0f} MB; the flood got {answers or 'no answer in time'}"


def sheet(runtime: Runtime) -> str:
    """Enter a sheet of 96 million pixels; its key."""
    soft = pyvips.Image.perlin(WIDTH, HEIGHT, cell_size=400, seed=1).linear(60, 170)
    grain = pyvips.Image.gaussnoise(2000, 2000, sigma=6, mean=0, seed=2).replicate(WIDTH // 2000, HEIGHT // 2000)
    bands = [(soft * weight + grain).cast("uchar") for weight in (1.0, 0.95, 0.8)]
    master = bands[0].bandjoin(bands[1:]).copy(interpretation="srgb")
    return derived(runtime, master.write_to_buffer(".jpg", Q=90)).key


def flood(name: str, settings: Settings, process: int, key: str, paths: Iterator[str], seconds: float) -> Flood:
    """`paths` are what stands behind the identifier, for one request each."""
    context = multiprocessing.get_context("spawn")
    told: multiprocessing.Queue[tuple[Counter[int], list[str]]] = context.Queue()
    asked = list(itertools.islice(paths, 20_000))
    crowd = context.Process(target=_crowd, args=(settings.port, key, asked, seconds, told))
    ended, peak = threading.Event(), [0.0]
    watcher = threading.Thread(target=_watch, args=(process, ended, peak))
    watcher.start()
    crowd.start()
    time.sleep(1.0)  # the crowd has to import its modules
    tile_ms, tile_statuses = _zoom(settings.port, key, seconds)
    statuses, faults = told.get(timeout=seconds + 60)
    crowd.join()
    ended.set()
    watcher.join()
    return Flood(name, tile_ms, tile_statuses, statuses, faults, peak[0])


def the_same() -> Iterator[str]:
    return itertools.repeat("full/max/0/default.jpg")


def all_different() -> Iterator[str]:
    """The largest pictures of their formats, turned, a little smaller than each other: none is kept already."""
    for number in itertools.count():
        largest, format_ = ((4890, "jpg"), (4890, "png"), (3820, "webp"), (4890, "jpg"))[number % 4]
        yield f"full/{largest - number // 4},/{(number % 4) * 90}/default.{format_}"


def _zoom(port: int, key: str, seconds: float) -> tuple[list[float], Counter[int]]:
    """A viewer on one connection: random stored tiles of all levels, a screenful at a time."""
    chosen, until = random.Random(5), time.monotonic() + seconds
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    took, statuses = [], Counter[int]()
    while time.monotonic() < until:
        level = chosen.randrange(5)
        span = 512 << level
        x, y = chosen.randrange(-(-WIDTH // span)) * span, chosen.randrange(-(-HEIGHT // span)) * span
        w, h = min(span, WIDTH - x), min(span, HEIGHT - y)
        began = time.perf_counter()
        connection.request("GET", f"/iiif/3/{key}/{x},{y},{w},{h}/{-(-w >> level)},{-(-h >> level)}/0/default.jpg")
        response = connection.getresponse()
        response.read()
        took.append((time.perf_counter() - began) * 1000)
        statuses[response.status] += 1
        time.sleep(0.005)
    connection.close()
    return took, statuses


def _crowd(
    port: int, key: str, paths: list[str], seconds: float, told: "multiprocessing.Queue[tuple[Counter[int], list[str]]]"
) -> None:
    """In a process of its own, so that it takes no time from the viewer's thread."""
    left: queue.SimpleQueue[str] = queue.SimpleQueue()
    for path in paths:
        left.put(path)
    until = time.monotonic() + seconds
    with ThreadPoolExecutor(CLIENTS) as pool:
        found = list(pool.map(lambda _: _ask_on(port, key, left, until), range(CLIENTS)))
    told.put((sum((statuses for statuses, _ in found), Counter()), [fault for _, faults in found for fault in faults]))


def _ask_on(port: int, key: str, left: "queue.SimpleQueue[str]", until: float) -> tuple[Counter[int], list[str]]:
    statuses, faults = Counter[int](), []
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    while time.monotonic() < until:
        connection.request("GET", f"/iiif/3/{key}/{left.get()}")
        response = connection.getresponse()
        body = response.read()
        statuses[response.status] += 1
        if response.status == 200 and len(body) < 100_000:
            faults.append(f"a picture of {len(body)} bytes")
        if response.status == 503:
            if not int(response.headers.get("Retry-After", "0")) > 0:
                faults.append("503 without Retry-After")
            time.sleep(PAUSE_S)
    connection.close()
    return statuses, faults


def _watch(process: int, ended: threading.Event, peak: list[float]) -> None:
    while not ended.wait(0.1):
        peak[0] = max(peak[0], memory_mb(process))


def memory_mb(process: int) -> float:
    """Proportional set size of a process and all below it."""
    total = 0
    for pid in _family(process):
        try:
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        total += next((int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")), 0)
    return total / 1000


def _family(process: int) -> list[int]:
    found = [process]
    for pid in found:
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            found += [int(child) for child in task.read_text().split()]
    return found


@click.command()
@click.option("--seconds", default=20.0, show_default=True, help="Of each flood.")
@click.option("--processes", default=2, show_default=True, help="Web processes.")
def main(seconds: float, processes: int) -> None:
    with tempfile.TemporaryDirectory() as name, live.web(Path(name), web_processes=processes) as server:
        settings, process, key = server.runtime.settings, server.process.pid, sheet(server.runtime)
        alone, statuses = _zoom(settings.port, key, 3)
        click.echo(Flood("nobody else", alone, statuses, Counter(), [], memory_mb(process)).line())
        for title, paths in (("all ask for the same", the_same()), ("each asks for another", all_different())):
            found = flood(title, settings, process, key, paths, seconds)
            click.echo(found.line())
            for fault in sorted(set(found.faults)):
                click.echo(f"  WRONG: {fault}")


if __name__ == "__main__":
    main()
