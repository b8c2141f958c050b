"""`lectotype ingest`: specimens and images from files into the hub, with a report of every refusal."""

import csv as csv_format
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click
from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column, Table
from sqlalchemy.orm import Session

from analytics import provenance
from analytics import service as analytics
from analytics.model import Selection
from app import compose, resume
from app.runtime.context import Runtime
from app.runtime.principal import Principal
from iiif.catalogue.model import Media
from iiif.ingest import service as ingests
from iiif.ingest.model import Ingest
from iiif.ingest.report import COLUMNS, IngestReport, csv_row
from iiif.ingest.run import ingest as take_in

SHOWN = 50
PROGRESS_EVERY_S = 1.0
TABLE = click.Path(path_type=Path, dir_okay=False, exists=True)
FOLDER = click.Path(path_type=Path, file_okay=False, exists=True)
OUT = click.Path(path_type=Path, dir_okay=False)


def begin(runtime: Runtime, paths: Iterable[Path]) -> Ingest:
    """Begin an ingest before its first row is read, and the run that analyses its images."""
    return begin_of(runtime, [path.name for path in paths], by=Principal.of_operator())


def begin_of(runtime: Runtime, names: Sequence[str], *, by: Principal) -> Ingest:
    """The same of sources by name."""
    at, naan = runtime.clock(), runtime.settings.naan
    with runtime.db.begin() as session:
        resume.resume(session)
        ingest = ingests.begin(
            session,
            names,
            by=by,
            code_version=provenance.code_version(),
            environment=provenance.environment(),
            naan=naan,
            at=at,
        )
        analytics.open_run(session, Selection("ingest", ingest=ingest.key), by=by, naan=naan, at=at)
    return ingest


def ingest_paths(
    runtime: Runtime,
    paths: Iterable[Path],
    *,
    images: Path | None = None,
    csv: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    ingest: Ingest | None = None,
    report_csv: Path | None = None,
) -> IngestReport:
    """Ingest into a prepared runtime; every image added becomes a task of the run that analyses this ingest.

    The ingest itself is `ingest`, or one begun here; it ends with the report, even where it was broken off, and its run then
    takes no more images. With `report_csv` every entry is written there as it comes, however many there are.
    """
    paths = tuple(paths)
    ingest = ingest or begin(runtime, paths)
    with runtime.reads.begin() as session:
        (run,) = analytics.page(session, ingest=ingest.key, limit=1)

    def on_media(session: Session, media: Sequence[Media]) -> None:
        analytics.add_new_images(session, run.key, media, at=runtime.clock())

    shown = Shown(runtime, ingest.key, progress)
    report, failure = IngestReport(), "It was broken off in the middle; run it again, what is in already stays."
    try:
        with _entries_to(report_csv, report):
            report = take_in(runtime, paths, on_media=on_media, progress=shown, images=images, csv=csv, report=report)
        failure = f"Nothing could be taken in: {report.first_refusal}" if report.is_failure else ""
    finally:
        with runtime.db.begin() as session:
            analytics.close(session, run.key, at=runtime.clock())
            ingests.progress(session, ingest.key, shown.done, shown.total)
            ingests.end(session, ingest.key, report.to_json(), failure=failure, at=runtime.clock())
    return report


@contextmanager
def _entries_to(path: Path | None, report: IngestReport) -> Iterator[None]:
    """Have each entry of the report written to the file as a row of CSV (UTF-8 with a mark, as spreadsheets want it)."""
    if path is None:
        yield
        return
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv_format.writer(stream)
        writer.writerow(COLUMNS)
        report.sink = lambda entry: writer.writerow(csv_row(entry.to_json(), entry.severity))
        yield
        report.sink = None


@dataclass
class Shown:
    """Tells the bar of every row, and the database about once a second."""

    runtime: Runtime
    ingest_key: str
    bar: Callable[[int, int], None] | None
    done: int = 0
    total: int = 0
    told_at_s: float = 0.0

    def __call__(self, done: int, total: int) -> None:
        self.done, self.total = done, total
        if self.bar is not None:
            self.bar(done, total)
        if time.monotonic() - self.told_at_s >= PROGRESS_EVERY_S:
            with self.runtime.db.begin() as session:
                ingests.progress(session, self.ingest_key, done, total)
            self.told_at_s = time.monotonic()


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--csv", "csv_path", type=TABLE, help="Table of Darwin Core columns to use.")
@click.option("--images", type=FOLDER, help="Folder that holds the images that rows name.")
@click.option("--report", "report_path", type=OUT, help="Write the whole report here, as JSON.")
@click.option("--report-csv", type=OUT, help="Write every refusal and warning here, as CSV for a spreadsheet.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON and nothing else.")
def ingest(
    paths: tuple[Path, ...],
    csv_path: Path | None,
    images: Path | None,
    report_path: Path | None,
    report_csv: Path | None,
    as_json: bool,
) -> None:
    """Take in folders of images, tables, spreadsheets, Darwin Core Archives and Data Packages, or single images.

    Good rows always go in; the report names each refused one with its reason. Running it twice adds nothing.
    """
    runtime = compose.build()
    compose.prepare(runtime)
    columns = (TextColumn("ingest"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True, quiet=as_json)) as bar:
        task = bar.add_task("ingest", total=None)

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        report = ingest_paths(runtime, paths, images=images, csv=csv_path, progress=show, report_csv=report_csv)
    body = json.dumps(report.to_json(), ensure_ascii=False, indent=2)
    if report_path is not None:
        report_path.write_text(body + "\n", encoding="utf-8")
    if as_json:
        print(body)
    else:
        show_report(report, Console())
    sys.exit(1 if report.is_failure else 0)


def show_report(report: IngestReport, console: Console) -> None:
    """The report as people read it: what was refused and why, then the counts."""
    for note in report.notes:
        console.print(note, highlight=False, markup=False)
    if report.entries:
        columns = (Column("refused or doubtful", no_wrap=True), Column("where", overflow="fold"), Column("why", overflow="fold"))
        table = Table(*columns, box=SIMPLE)
        for entry in report.entries[:SHOWN]:
            colour = "red" if entry.severity == "rejected" else "yellow"
            table.add_row(f"[{colour}]{entry.code}[/]", escape(entry.place), escape(entry.sentence))
        console.print(table)
    left_out = report.rejected + report.warnings - min(len(report.entries), SHOWN)
    if left_out:
        console.print(f"… and {left_out} more; --report-csv FILE writes them all.", highlight=False)
    console.print(report.summary(), highlight=False, markup=False)
