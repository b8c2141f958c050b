"""What it costs to take rows in: `python -m tests.bench.rows --rows 1000000`.

A table of specimens without images is ingested into a new hub, and then again when all is known; so is a Darwin Core Archive
whose media extension gives each row the address of an image, and, of fewer rows, a table in a folder of images. Rows a CPU
second, wall time and the peak of resident memory of each, by a process of its own; keeping the files of images and having them
decoded is told apart. Measurements of one machine, not assertions.
"""

import io
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
from PIL import Image

from app import compose
from app.cli.ingest import ingest_paths
from app.runtime.blobs import FolderBlobs
from app.runtime.settings import Settings
from iiif.image.masters import derivatives
from iiif.ingest import receive
from tests.bench.measure import own_peak_mb

ROWS, IMAGES = 1_000_000, 20_000
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


def table(folder: Path, rows: int) -> Path:
    """One table and nothing else."""
    path = folder / "specimens.csv"
    with path.open("w", encoding="utf-8") as stream:
        stream.writelines(lines(rows))
    return path


def archive(folder: Path, rows: int) -> Path:
    """The same rows as the core of an archive, each with an image that is named by its address."""
    root = folder / "archive"
    root.mkdir()
    fields = "".join(f'<field index="{index}" term="http://rs.tdwg.org/dwc/terms/{name}"/>' for index, name in enumerate(HEADER))
    media = "".join(
        f'<field index="{index}" term="http://purl.org/dc/terms/{name}"/>'
        for index, name in enumerate(("", "identifier", "type", "license"))
        if index
    )
    form = 'fieldsTerminatedBy="," linesTerminatedBy="\\n" fieldsEnclosedBy="&quot;" ignoreHeaderLines="1" encoding="UTF-8"'
    (root / "meta.xml").write_text(
        '<archive xmlns="http://rs.tdwg.org/dwc/text/">'
        f'<core rowType="http://rs.tdwg.org/dwc/terms/Occurrence" {form}><files><location>occurrence.csv</location></files>'
        f'<id index="0"/>{fields}</core>'
        f'<extension rowType="http://rs.gbif.org/terms/1.0/Multimedia" {form}>'
        f'<files><location>media.csv</location></files><coreid index="0"/>{media}</extension></archive>'
    )
    with (root / "occurrence.csv").open("w", encoding="utf-8") as stream:
        stream.writelines(lines(rows))
    with (root / "media.csv").open("w", encoding="utf-8") as stream:
        stream.write("coreid,identifier,type,license\n")
        for number in range(rows):
            address = f"https://images.example.org/{number % 100}/B{number:010}.jpg"
            stream.write(f"urn:catalog:B:H:{number},{address},StillImage,https://creativecommons.org/licenses/by/4.0/\n")
    return root


def photographs(folder: Path, rows: int) -> Path:
    """The same rows in a folder with an image for each; the images are small, for not their pixels are measured."""
    root = folder / "photographs"
    (root / "images").mkdir(parents=True)
    source = lines(rows)
    with (root / "specimens.csv").open("w", encoding="utf-8") as stream:
        stream.write(f"file,{next(source)}")
        stream.writelines(f"images/B{number:010}.gif,{line}" for number, line in enumerate(source))
    for number in range(rows):
        buffer = io.BytesIO()
        Image.new("L", (8, 8), number % 256).save(buffer, "GIF", comment=str(number).encode())
        (root / "images" / f"B{number:010}.gif").write_bytes(buffer.getvalue())
    return root


MAKERS = {"table": table, "archive": archive, "photographs": photographs}


def take_in(data_dir: Path, source: Path) -> None:
    """In a process of its own: one ingest, and what it took; the CPU time in which files were kept and decoded apart."""
    runtime = compose.build(Settings(data_dir=data_dir, base_url="http://lectotype.test"))
    compose.prepare(runtime)
    spent = [0.0]

    def apart(work: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*given: Any, **named: Any) -> Any:
            began = time.process_time()
            try:
                return work(*given, **named)
            finally:
                spent[0] += time.process_time() - began

        return timed

    receive.decode_check = apart(derivatives.decode_check)  # type: ignore[attr-defined] # the name that is called
    FolderBlobs.put = apart(FolderBlobs.put)  # type: ignore[method-assign] # measured, not changed
    wall, before = time.perf_counter(), time.process_time()
    report = ingest_paths(runtime, [source])
    cpu, wall = time.process_time() - before, time.perf_counter() - wall
    told: dict[str, Any] = {"records": report.records, "added": report.specimens_added, "images": report.media_added}
    told |= {
        "known": report.already_here,
        "refused": report.refused,
        "files_s": spent[0],
        "cpu_s": cpu - spent[0],
        "wall_s": wall,
    }
    click.echo(json.dumps(told | {"peak_mb": own_peak_mb()}))


@click.command()
@click.option("--rows", default=ROWS, help="Rows of the table, and of the archive.")
@click.option("--images", default=IMAGES, help="Rows with an image, at most.")
@click.option("--kind", type=click.Choice(list(MAKERS)), multiple=True, help="Only this one.")
def main(rows: int, images: int, kind: tuple[str, ...]) -> None:
    """Two lines of each kind: the rows when they are new, and when they are known."""
    for chosen in kind or MAKERS:
        with tempfile.TemporaryDirectory() as name:
            source = MAKERS[chosen](Path(name), min(rows, images) if chosen == "photographs" else rows)
            for title in ("new", "known"):
                command = [sys.executable, "-m", "tests.bench.rows", "--one", str(Path(name, "data")), str(source)]
                told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
                click.echo(
                    f"{chosen}, {told['records']:,} rows, {title}: {told['records'] / told['cpu_s']:,.0f} rows a CPU second "
                    f"({told['cpu_s']:.1f} s CPU, {told['files_s']:.1f} s more for the files, {told['wall_s']:.1f} s), "
                    f"peak {told['peak_mb']:.0f} MB; {told['added']:,} added with {told['images']:,} images, "
                    f"{told['known']:,} known, {told['refused']:,} refused"
                )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        take_in(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        main()
