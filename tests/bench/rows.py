"""What it costs to take rows in: `python -m tests.bench.rows --rows 1000000`.

A table of specimens without images is ingested into a new hub, and then again when all is known. Rows a CPU second, wall time
and the peak of resident memory of each, by a process of its own. Measurements of one machine, not assertions.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import click

from app import compose
from app.runtime.settings import Settings
from iiif.ingest.run import ingest

ROWS = 1_000_000
HEADER = (
    *(
        "occurrenceID",
        "catalogNumber",
        "institutionCode",
        "collectionCode",
        "scientificName",
        "family",
        "recordedBy",
        "recordNumber",
    ),
    *("eventDate", "country", "stateProvince", "locality", "decimalLatitude", "decimalLongitude", "habitat", "license"),
)


def lines(rows: int) -> Iterator[str]:
    """A table as an herbarium exports it, 16 columns, every seventh locality in quotes."""
    yield ",".join(HEADER) + "\n"
    for number in range(rows):
        locality = f'"Old mill, {number % 97} km south"' if number % 7 == 0 else f"Station {number % 997}"
        yield (
            f"urn:catalog:B:H:{number},B {number:010},B,H,Carex flava L.,Cyperaceae,A. Botanist,{number % 9000},"
            f"18{number % 90 + 10}-0{number % 9 + 1}-1{number % 9},Germany,Hessen,{locality},5{number % 9}.{number % 9999:04},"
            f"8.{number % 9999:04},wet meadow,CC BY 4.0\n"
        )


def take_in(data_dir: Path, table: Path) -> None:
    """In a process of its own: one ingest, and what it took."""
    runtime = compose.build(Settings(data_dir=data_dir, base_url="http://lectotype.test"))
    compose.prepare(runtime)
    wall, before = time.perf_counter(), time.process_time()
    report = ingest(runtime, [table], on_media=lambda *_: None, progress=lambda *_: None)
    seconds = time.process_time() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    told = {"records": report.records, "added": report.specimens_added, "known": report.already_here, "refused": report.refused}
    click.echo(json.dumps(told | {"cpu_s": seconds, "wall_s": time.perf_counter() - wall, "peak_mb": peak}))


@click.command()
@click.option("--rows", default=ROWS, help="Rows of the table.")
def main(rows: int) -> None:
    """Two lines: the rows when they are new, and when they are known."""
    with tempfile.TemporaryDirectory() as name:
        table = Path(name, "specimens.csv")
        with table.open("w", encoding="utf-8") as stream:
            stream.writelines(lines(rows))
        for title in ("new", "known"):
            command = [sys.executable, "-m", "tests.bench.rows", "--one", str(Path(name, "data")), str(table)]
            told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
            click.echo(
                f"{told['records']:,} rows, {title}: {told['records'] / told['cpu_s']:,.0f} rows a CPU second "
                f"({told['cpu_s']:.1f} s CPU, {told['wall_s']:.1f} s), peak {told['peak_mb']:.0f} MB; "
                f"{told['added']:,} added, {told['known']:,} known, {told['refused']:,} refused"
            )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        take_in(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        main()
