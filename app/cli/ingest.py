"""`lectotype ingest`: specimens and images from files into the hub, with a report of every refusal."""

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from sqlalchemy.orm import Session

from app import compose
from app.runtime.context import Runtime
from app.runtime.db import Base
from iiif.catalogue.ingest.report import Report
from iiif.catalogue.ingest.run import ingest as run_ingest
from iiif.catalogue.model import Media

SHOWN = 50
TABLE = click.Path(path_type=Path, dir_okay=False, exists=True)
FOLDER = click.Path(path_type=Path, file_okay=False, exists=True)
OUT = click.Path(path_type=Path, dir_okay=False)


def ingest_paths(
    runtime: Runtime,
    paths: Iterable[Path],
    *,
    images: Path | None = None,
    csv: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Ingest into a prepared runtime; every image added also opens its run of the pipeline `sheet`."""

    def on_media(session: Session, media: Media) -> None:
        return None

    return run_ingest(runtime, paths, on_media=on_media, progress=progress or (lambda done, total: None), images=images, csv=csv)


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--csv", "csv_path", type=click.Path(path_type=Path, dir_okay=False, exists=True), help="Table of Darwin Core columns to use."
)
@click.option(
    "--images", type=click.Path(path_type=Path, file_okay=False, exists=True), help="Folder in which named images are looked for."
)
@click.option(
    "--report", "report_path", type=click.Path(path_type=Path, dir_okay=False), help="Write the whole report here, as JSON."
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON and nothing else.")
def ingest(paths: tuple[Path, ...], csv_path: Path | None, images: Path | None, report_path: Path | None, as_json: bool) -> None:
    """Take in folders of images, tables, Darwin Core Archives, or single images.

    Good rows always go in; the report names each refused one with its reason. Running it twice adds nothing.
    """
    runtime = compose.build()
    Base.metadata.create_all(runtime.database.engine)
    console = Console(stderr=True, quiet=as_json)
    columns = (TextColumn("ingest"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("ingest", total=None)
        report = ingest_paths(
            runtime,
            paths,
            images=images,
            csv=csv_path,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    body = json.dumps(report.to_json(), ensure_ascii=False, indent=2)
    if report_path is not None:
        report_path.write_text(body + "\n", encoding="utf-8")
    if as_json:
        print(body)
    else:
        _show(report, Console())
    sys.exit(1 if report.is_failure else 0)


def _show(report: Report, console: Console) -> None:
    for note in report.notes:
        console.print(note, highlight=False, markup=False)
    if report.entries:
        table = Table("", "reason", "where", "catalogue number", "because", title="Refused and doubtful")
        for entry in report.entries[:SHOWN]:
            table.add_row(entry.severity, entry.code, entry.place, entry.catalog_number, entry.sentence)
        console.print(table)
    left_out = report.rejected + report.warnings - min(len(report.entries), SHOWN)
    if left_out:
        console.print(f"… and {left_out} more; --report FILE writes them all.", highlight=False)
    console.print(report.summary(), highlight=False)
