"""`lectotype export-iiif`: specimens as files that any web server can hand out."""

import json
import sys
from pathlib import Path
from urllib.parse import urlsplit

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from app import compose
from app.export.choice import specimens
from app.export.run import ExportReport, export
from app.runtime.context import Runtime
from app.runtime.errors import DomainError

SHOWN = 50


@click.command("export-iiif")
@click.argument("asked", metavar="SPECIMEN|QUERY")
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option("--base-url", help="Address at which DIR will be served; required, since ids in IIIF are absolute.")
@click.option("--limit", type=click.IntRange(1), help="Greatest number of specimens.")
@click.option("--with-restricted", is_flag=True, help="Include images with reduced or closed access, in full.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def export_iiif(asked: str, folder: Path, base_url: str | None, limit: int | None, with_restricted: bool, as_json: bool) -> None:
    """Write images, manifests and annotations as files for any web server (IIIF Image API, level 0).

    SPECIMEN is a key, an ARK or a catalogue number; anything else is a QUERY as `lectotype search` has it, and '' is all.
    A second run keeps what is written already and adds the rest.
    """
    base = _base(base_url)
    runtime = compose.build()
    compose.prepare(runtime)
    try:
        report = _export(runtime, asked, folder, base, limit, with_restricted=with_restricted, quiet=as_json)
    except DomainError as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(json.dumps(report.to_json(), ensure_ascii=False, indent=2))
    else:
        _show(report, folder)
    sys.exit(0 if report.manifests else 1)


def _export(
    runtime: Runtime, asked: str, folder: Path, base: str, limit: int | None, *, with_restricted: bool, quiet: bool
) -> ExportReport:
    with runtime.reads.begin() as session:
        keys = specimens(session, runtime.search, asked, runtime.addresses, limit)
    columns = (TextColumn("export"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True, quiet=quiet)) as bar:
        task = bar.add_task("export", total=len(keys))

        def show(done: int, _total: int) -> None:
            bar.update(task, completed=done)

        return export(runtime, keys, folder, base, with_restricted=with_restricted, progress=show)


def _base(url: str | None) -> str:
    if not url:
        raise click.UsageError(
            "--base-url is missing: the address at which DIR will be served, such as https://example.org/iiif-export; "
            "ids in IIIF are absolute, so they cannot be left open."
        )
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
        raise click.BadParameter(f"{url!r} is no http(s) address without query and fragment.", param_hint="--base-url")
    return url.rstrip("/")


def _show(report: ExportReport, folder: Path) -> None:
    for one in report.skipped[:SHOWN]:
        gone = " It was in the export and was taken out." if one.withdrawn else ""
        click.echo(f"left out: {one.image or one.specimen}: {one.reason}{gone}")
    if len(report.skipped) > SHOWN:
        click.echo(f"… and {len(report.skipped) - SHOWN} more; --json lists them all.")
    megabytes = report.bytes_written / 1e6
    click.echo(
        f"{len(report.manifests)} manifests with {report.images} images in {folder}: {report.written} files written "
        f"({megabytes:.1f} MB), {report.kept} kept, {len(report.skipped)} left out."
    )
    if report.manifests:
        click.echo(f"Serve the folder at {report.base}/ ; then open {report.collection or report.manifests[0]}")
