"""Lectotype beside other image servers: `python -m tests.bench.compare` (`make bench-image`).

All serve the same sheet of 96 million pixels on loopback, with two processes each. They are asked in turn (A B A B), and
the CPU time of all their processes is divided by the requests: on a machine where other work runs that number stays true
for longer than the requests per second. Before that, answers are decoded and compared with the master.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click
import pyvips

from tests.bench import load, measure, report, scene, servers, truth, workloads
from tests.bench.report import Tally
from tests.bench.servers import BUILT, DEBIAN, NODE, CannotBench, Server

CONNECTIONS = 8
WARM_S = 1.0
CHECKED = 6  # answers of each workload that are decoded
PULLING = 6  # clients that ask for renders while tiles are timed
WIDE = 1500


@dataclass(frozen=True, slots=True)
class Workload:
    """`paths(number)` are those of run `number`, of which 0 only warms up; `side` is that of the tiles in the peers' file."""

    name: str
    paths: Callable[[int], list[str]]
    side: int = 512
    under_load: bool = False


def all_workloads(seconds: float) -> tuple[Workload, ...]:
    """Uncached ones never ask for the same picture twice, in no run."""

    def fresh(width: int, per_second: int, offset: int = 1) -> Callable[[int], list[str]]:
        count = round(per_second * seconds)
        return lambda number: workloads.whole(width, count, offset + count * number)

    return (
        Workload("tile 256", lambda _: workloads.tiles(256), side=256),
        Workload("tile 512", lambda _: workloads.tiles(512)),
        Workload("info.json", lambda _: ["info.json"]),
        Workload("region 1000→500", lambda number: workloads.regions(round(2000 * seconds), number), side=256),
        Workload("400 wide, new", fresh(400, 1500)),
        Workload("400 wide, again", lambda _: workloads.whole(400)),
        Workload("1500 wide, new", fresh(WIDE, 100)),
        Workload("1500 wide, again", lambda _: workloads.whole(WIDE)),
        Workload("tile 512 under load", lambda _: workloads.tiles(512), under_load=True),
    )


GOALS = (  # workload, peer, at least so many times less CPU than the peer
    *(("tile 256", peer, goal) for peer, goal in ((BUILT, 3.0), (DEBIAN, 10.0), (NODE, 500.0))),
    *(("tile 512", peer, goal) for peer, goal in ((BUILT, 5.0), (DEBIAN, 10.0), (NODE, 500.0))),
    *(("info.json", peer, 2.5) for peer in (BUILT, DEBIAN)),
    ("region 1000→500", BUILT, 1.0),
    *(("400 wide, again", peer, 80.0) for peer in (BUILT, DEBIAN)),
    *(("1500 wide, new", peer, 1.5) for peer in (BUILT, DEBIAN)),
    *(("1500 wide, again", peer, 300.0) for peer in (BUILT, DEBIAN)),
)
MOST_MB = {"tile 256": 200, "tile 512": 200, "1500 wide, new": 500}


@dataclass(slots=True)
class Bench:
    """One comparison; the first server is ours."""

    folder: Path
    all: Sequence[Server]
    seconds: float
    rounds: int

    def run(self, workload: Workload) -> dict[str, Tally]:
        """Warm up, then round after round, every server in its turn."""
        tallies = {server.name: Tally() for server in self.all}
        for number in range(self.rounds + 1):
            for server in self.all:
                self._once(workload, server, number, tallies[server.name])
        return tallies

    def _once(self, workload: Workload, server: Server, number: int, tally: Tally) -> None:
        paths = [server.path(picture, workload.side) for picture in workload.paths(number)]
        if number == 0:
            load.run(server.base, paths, connections=CONNECTIONS, seconds=WARM_S, folder=self.folder)
            return
        pulling = self._pull(server, number) if workload.under_load else None
        before = measure.cpu_ms(server.pids), measure.cpu_ms(server.front_pids)
        connections = 2 if pulling else CONNECTIONS
        tally.loads.append(load.run(server.base, paths, connections=connections, seconds=self.seconds, folder=self.folder))
        tally.cpu_ms += measure.cpu_ms(server.pids) - before[0]
        tally.front_ms += measure.cpu_ms(server.front_pids) - before[1]
        tally.memory = max(tally.memory, measure.memory(server.pids + server.front_pids), key=lambda memory: memory.pss_mb)
        if pulling:
            pulling.result()

    def _pull(self, server: Server, number: int) -> load.Running:
        """Six clients that want new pictures all the time, from a little before to a little after the tiles."""
        count = round(100 * self.seconds)
        pictures = workloads.whole(WIDE, count, (20 + number) * count)
        paths = [server.path(picture) for picture in pictures]
        running = load.Running(server.base, paths, connections=PULLING, seconds=self.seconds + 2, folder=self.folder)
        time.sleep(1)
        return running


def check(server: Server, master: pyvips.Image, workload: Workload) -> float:
    """The lowest PSNR of some answers, in dB. Raises Wrong."""
    paths = workload.paths(0)[:: max(1, len(workload.paths(0)) // CHECKED)][:CHECKED]
    return min(truth.check(master, path, server.get(path, workload.side)) for path in paths)


def start_all(folder: Path, master: Path, built: str, before: Path | None) -> list[Server]:
    """Ours first; beside it the release of the checkout `before` alone, or all peers. Raises CannotBench."""
    started: list[Server] = []
    try:
        started.append(servers.lectotype(folder, master))
        if before:
            started.append(servers.other_release(folder, before, master))
            return started
        if built:
            started.append(servers.iipsrv(folder, Path(built), BUILT))
        started.append(servers.iipsrv(folder, servers.DEBIAN_IIPSRV, DEBIAN))
        started.append(servers.iiif_processor(folder))
    except BaseException:
        stop_all(started)
        raise
    return started


def stop_all(started: Sequence[Server]) -> None:
    for server in started:
        server.stop()


def goals_met(results: dict[str, dict[str, Tally]], ours: str) -> list[str]:
    """A sentence for each goal of which both sides were measured."""
    said = []
    for workload, peer, goal in GOALS:
        if peer in results.get(workload, {}):
            reached = report.ratio(results[workload][peer], results[workload][ours])
            said.append(f"{workload}, against {peer}: {reached:.1f}x of {goal:g}x, {'met' if reached >= goal else 'missed'}")
    for workload, tallies in results.items():
        if tallies[ours].psnr_db < truth.LEAST_DB:
            said.append(f"{workload}: PSNR {tallies[ours].psnr_db:.1f} dB of {truth.LEAST_DB:g} dB, missed")
    for workload, most in MOST_MB.items():
        if workload in results:
            taken = results[workload][ours].memory.pss_mb
            said.append(f"memory with {workload}: {taken:.0f} MB of {most} MB, {'met' if taken <= most else 'missed'}")
    if "tile 512 under load" in results:
        p50 = results["tile 512 under load"][ours].median("p50_ms")
        said.append(f"tile 512 under load: p50 {p50:.2f} ms of 1 ms, {'met' if p50 < 1 else 'missed'}")
    return said


@click.command()
@click.option("--seconds", default=3.0, show_default=True, type=click.FloatRange(1, 60), help="Of each run.")
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1, 20), help="Runs of each workload and server.")
@click.option("--only", default="", help="Workloads whose names begin so, separated by commas; empty: all.")
@click.option("--iipsrv", "built", default="", help="Path of an iipsrv.fcgi that you built, as one more peer.")
@click.option(
    "--before",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Compare with the Lectotype of another checkout, and with nothing else.",
)
@click.option("--write", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Put the table into this document.")
def main(seconds: float, rounds: int, only: str, built: str, before: Path | None, write: Path | None) -> None:
    """Compare Lectotype with other image servers on this machine."""
    click.echo(f"{report.machine()}; load average {os.getloadavg()[0]:.1f}; {rounds} rounds of {seconds:g} s")
    chosen = [one for one in all_workloads(seconds) if not only or one.name.startswith(tuple(only.split(",")))]
    try:
        with tempfile.TemporaryDirectory(prefix="lectotype-bench-") as name:
            rows, said = compare(Path(name), chosen, seconds, rounds, built, before)
    except (CannotBench, truth.Wrong) as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    click.echo("\n".join(["", report.text(rows), "", *said]))
    if write:
        command = f"make bench-image SECONDS={seconds:g} ROUNDS={rounds}" + (" IIPSRV=…" if built else "")
        at = f"{datetime.now(UTC):%d %B %Y}, {report.machine()}, by `{command}`:".lstrip("0")
        goals = "\n".join(f"- {one}" for one in said)
        part = f"{at}\n\n{report.markdown(rows)}\n\nGoals:\n\n{goals}"
        write.write_text(report.replace_between(write.read_text(), part))


def compare(
    folder: Path, chosen: Sequence[Workload], seconds: float, rounds: int, built: str, before: Path | None
) -> tuple[list[list[str]], list[str]]:
    """Rows of the table and sentences about the goals. Raises CannotBench, Wrong."""
    servers.require("nginx", "wrk", "node", "npm")
    path = folder / "master.jpg"
    scene.draw(path)
    servers.write_pyramids(path, folder)
    master = pyvips.Image.new_from_file(str(path))
    started = start_all(folder, path, built, before)
    ours, rows, results = started[0], [], {}
    try:
        bench = Bench(folder, started, seconds, rounds)
        for workload in chosen:
            quality = {server.name: check(server, master, workload) for server in started}
            tallies = results[workload.name] = bench.run(workload)
            for name, tally in tallies.items():
                tally.psnr_db = quality[name]
            for peer in started[1:]:
                rows.append(
                    report.line(workload.name, peer.name, tallies[peer.name], tallies[ours.name], by_latency=workload.under_load)
                )
                click.echo("  ".join(rows[-1]))
    finally:
        stop_all(started)
    return rows, goals_met(results, ours.name)


if __name__ == "__main__":
    main()
