"""What an analysis takes: `python -m tests.bench.analysis --images FOLDER`.

Every image goes through the pipeline `sheet` twice: in one worker that has all cores, and in two workers side by side that share
them, as `LECTOTYPE_WORKER_PROCESSES=2` does. A worker is a process of its own, whose peak of resident memory the system tells.
Last comes a drawn sheet of 96 megapixels, for memory. Nothing is stored, so the time of the database is not in it.
"""

import json
import platform
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import click

from analytics.evaluation import report, run
from analytics.steps import threads
from analytics.steps.image import SheetImage
from iiif.image.masters import decoder_client
from iiif.image.service import pixels_of_file
from tests.bench import scene

BEGIN, END = "<!-- bench-analysis: begin -->", "<!-- bench-analysis: end -->"
KINDS = (".jpg", ".jpeg", ".png", ".tif", ".tiff")
BEFORE = "27–39 s a sheet (median of 33 images 27.6 s, longest 157 s), 3.7 GB seen"  # 70fa686
OVERVIEW = ("", "seconds an image (median)", "longest", "CPU seconds (median)", "images an hour", "peak memory of a worker")


def work(paths: Sequence[Path], processes: int) -> None:
    """As one of so many workers: analyse the images, a line of JSON for each."""
    threads.bound(processes)
    steps = run.plan()
    for path in paths:
        began, cpu = time.monotonic(), _cpu()
        with pixels_of_file(path, run.LIMITS) as pixels:
            image, decoded = SheetImage(pixels), time.monotonic() - began
            done = run.analyse(image, steps)
            megapixels = image.width_px * image.height_px / 1e6
        taken, used = time.monotonic() - began, _cpu() - cpu
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
        told = {"image": path.name, "seconds": taken, "cpu": used, "steps": {"decode": decoded, **done.seconds}}
        click.echo(json.dumps(told | {"peak_mb": peak, "megapixels": megapixels, "failures": done.failures}))
        sys.stdout.flush()
    decoder_client.end_children()


def _cpu() -> float:
    """Of this process and of those that it has waited for."""
    several = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in several)


def side_by_side(paths: Sequence[Path], processes: int) -> tuple[list[dict[str, Any]], float]:
    """What so many workers said of the images, which they share, and the seconds until the last had ended, start included."""
    began = time.monotonic()
    calls = [
        [sys.executable, "-m", "tests.bench.analysis", "--work", str(processes), *map(str, paths[n::processes])]
        for n in range(processes)
    ]
    started = [subprocess.Popen(call, stdout=subprocess.PIPE, text=True) for call in calls if len(call) > 5]
    lines = [line for child in started for line in child.communicate()[0].splitlines()]
    if any(child.returncode for child in started):
        raise click.ClickException("a worker failed")
    return [json.loads(line) for line in lines], time.monotonic() - began


def table(alone: Sequence[dict[str, Any]], pair: Sequence[dict[str, Any]], seconds: float, large: dict[str, Any]) -> str:
    """What is put into the document."""
    rows: list[Sequence[str]] = [OVERVIEW]
    for name, lines, hourly in (("one worker, all cores", alone, 0.0), ("two workers", pair, 3600 * len(pair) / seconds)):
        wall, cpu = [one["seconds"] for one in lines], [one["cpu"] for one in lines]
        an_hour = hourly or 3600 * len(lines) / sum(wall)
        peak = max(one["peak_mb"] for one in lines)
        rows.append((name, f"{median(wall):.1f}", f"{max(wall):.1f}", f"{median(cpu):.1f}", f"{an_hour:.0f}", f"{peak:.0f} MB"))
    cells = (f"{large['seconds']:.1f}", f"{large['seconds']:.1f}", f"{large['cpu']:.1f}", "", f"{large['peak_mb']:.0f} MB")
    rows.append((f"drawn sheet, {large['megapixels']:.0f} Mpx, one worker", *cells))
    names = dict.fromkeys(name for one in alone for name in one["steps"])
    steps: list[Sequence[str]] = [("step", "median s", "longest s", "on", "share of all")]
    total = sum(one["seconds"] for one in alone)
    for name in names:
        known = [(one["steps"][name], one["image"]) for one in alone if name in one["steps"]]
        longest, image = max(known)
        share = sum(value for value, _ in known) / total
        steps.append((name, f"{median(value for value, _ in known):.2f}", f"{longest:.1f}", image, f"{share:.0%}"))
    failed = [f"{one['image']}: {step} {why}" for one in (*alone, *pair, large) for step, why in one["failures"].items()]
    said = f"\nSteps that failed or gave up: {'; '.join(dict.fromkeys(failed)) or 'none'}.\n"
    return report.table(rows) + "\n" + report.table(steps) + said


@click.command()
@click.option("--images", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Folder of images.")
@click.option("--every", default=1, type=click.IntRange(1), help="Every Nth image only.")
@click.option("--write", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Document with the two markers.")
@click.option("--said", default="", help="A sentence on the state of the machine.")
@click.option("--work", "processes", default=0, hidden=True)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
def main(images: Path | None, every: int, write: Path | None, said: str, processes: int, paths: tuple[Path, ...]) -> None:
    """Print the table, and with --write put it into the document."""
    if processes:
        work(paths, processes)
        return
    if images is None:
        raise click.UsageError("Name a folder of images: --images FOLDER")
    chosen = sorted(path for path in images.iterdir() if path.suffix.lower() in KINDS)[::every]
    if not chosen:
        raise click.UsageError(f"There is no image in {images}.")
    with tempfile.TemporaryDirectory() as name:
        drawn = Path(name) / "sheet.png"
        scene.draw(drawn, compression=1)
        (large,), _ = side_by_side([drawn], 1)
    alone, _ = side_by_side(chosen, 1)
    pair, seconds = side_by_side(chosen, 2)
    head = f"{datetime.now(UTC):%d %B %Y}, {len(chosen)} images, {platform.machine()}, `make bench-analysis`. {said}".rstrip()
    text = f"{head} 70fa686 took {BEFORE}.\n\n{table(alone, pair, seconds, large)}"
    click.echo(text)
    if write is not None:
        page = write.read_text(encoding="utf-8")
        write.write_text(re.sub(f"{BEGIN}.*{END}", lambda _: f"{BEGIN}\n{text}{END}", page, flags=re.DOTALL), encoding="utf-8")


if __name__ == "__main__":
    main()
