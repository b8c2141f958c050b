"""`lectotype export` and `lectotype ingest-annotations`: annotations to the files of other programs, and from them."""

import json
import sys
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress, TextColumn, TimeElapsedColumn

from annotations.exchange.classes import read_table
from annotations.exchange.formats import FORMATS
from annotations.exchange.import_report import ImportReport
from annotations.exchange.model import Options
from annotations.exchange.pieces import to_folder
from app import compose
from app.exchange import exporting, importing
from app.exchange.archive import zipped
from app.exchange.choice import LAYERS, STATES, ExportChoice, StatementFilter
from app.exchange.exporting import Export
from app.exchange.files import text_of
from app.exchange.importing import AskedImport
from app.exchange.pictures import KINDS, Pictures
from app.runtime.errors import DomainError
from app.runtime.principal import Principal

SHOWN = 50
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FORMAT = click.Choice(sorted(FORMATS))


@click.command()
@click.argument("format_name", metavar="FORMAT", type=FORMAT)
@click.argument("out", metavar="OUT", type=click.Path(path_type=Path))
@click.option("--q", "question", help="Images of the specimens that this finds, as `lectotype search` has it.")
@click.option(
    "--type", "kind", type=click.Choice(["specimen", "annotation"]), default="specimen", help="What the question finds."
)
@click.option("--specimen", "specimens", multiple=True, help="Key of a specimen; may be given several times.")
@click.option("--image", "media", multiple=True, help="Key of an image; may be given several times.")
@click.option("--run", default="", help="Key of a run: what it states.")
@click.option("--kind", "kinds", multiple=True, help="Only statements of this kind or class.")
@click.option("--layer", "layers", multiple=True, type=click.Choice(LAYERS), help="Only statements of this layer.")
@click.option("--state", "states", multiple=True, type=click.Choice(STATES), help="Only statements in this state of review.")
@click.option("--least-confidence", type=click.FloatRange(0, 1), default=0.0, help="Leave out what states a lower one.")
@click.option("--images", "pictures", type=click.Choice(KINDS), default="references", help="Which pictures go along.")
@click.option("--max-side", type=int, default=0, help="Longer side of resized pictures; geometry is rescaled.")
@click.option("--classes", type=FILE, help="Table of classes (CSV: number,name,iri,keypoints,skeleton).")
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="Of the format: see docs/exchange.md.")
@click.option("--strict", is_flag=True, help="End with 1 where anything was lost.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def export(
    format_name: str, out: Path, question: str | None, kind: str, specimens: tuple[str, ...], media: tuple[str, ...], run: str,
    kinds: tuple[str, ...], layers: tuple[str, ...], states: tuple[str, ...], least_confidence: float, pictures: Any,
    max_side: int, classes: Path | None, options: tuple[str, ...], strict: bool, as_json: bool,
) -> None:  # fmt: skip
    """Write annotations as FORMAT to the folder OUT, or to a zip where OUT ends in .zip.

    Without --q, --specimen, --image or --run those of all images. (`lectotype export-iiif` writes pictures and manifests for web
    servers.)
    """
    runtime = compose.build()
    try:
        which = StatementFilter(
            frozenset(kinds), frozenset(layers), frozenset(states), frozenset([run] if run else []), least_confidence
        )
        choice = ExportChoice(question, type=kind, specimens=specimens, media=media, run=run, which=which)
        kind_of_pictures: Any = "resized" if max_side and pictures == "references" else pictures
        table = None if classes is None else read_table(text_of(classes))
        asked = Export(format_name, choice, Pictures(kind_of_pictures, max_side), _options(options), table)
        losses, pieces = exporting.pieces(runtime, asked, Principal.of_operator())
        if out.suffix.lower() == ".zip":
            with out.open("wb") as stream:
                for chunk in zipped(pieces):
                    stream.write(chunk)
        else:
            to_folder(pieces, out)
    except DomainError as error:
        raise click.ClickException(str(error)) from error
    report = losses.to_json()
    if as_json:
        click.echo(json.dumps(report, ensure_ascii=False, indent=2))
    else:
        _show_losses(report, out)
    sys.exit(1 if strict and not losses.is_whole else 0)


def _options(given: tuple[str, ...]) -> Options:
    """Raises Invalid."""
    return Options.parse(dict(pair.partition("=")[::2] for pair in given))


def _show_losses(report: dict[str, Any], out: Path) -> None:
    counts = report["objects"]
    for title, words in (("leftOut", "left out"), ("lost", "lost"), ("withheld", "withheld")):
        for what, kind in list(report[title].items())[:SHOWN]:
            done = f" ({kind['done']})" if kind.get("done") else ""
            click.echo(f"{words}: {kind['count']:,} × {what}{done}")
    click.echo(
        f"{report['images']:,} images, {counts['asked']:,} objects in {out}: {counts['exact']:,} exactly, "
        f"{counts['withLoss']:,} with a loss, {counts['leftOut']:,} left out. losses.json has the details."
    )


@click.command("ingest-annotations")
@click.argument("format_name", metavar="FORMAT", type=FORMAT)
@click.argument("path", metavar="PATH", type=click.Path(exists=True, path_type=Path))
@click.option("--write", is_flag=True, help="Take it in. Without this it is only read and reported.")
@click.option("--classes", type=FILE, help="Table of classes (CSV: name,class), what foreign names mean here.")
@click.option("--layer", type=click.Choice(LAYERS), default="people", show_default=True, help="Who said it.")
@click.option(
    "--option", "options", multiple=True, metavar="NAME=VALUE", help="How the format is to be read: see docs/exchange.md."
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def ingest_annotations(
    format_name: str, path: Path, write: bool, classes: Path | None, layer: Any, options: tuple[str, ...], as_json: bool
) -> None:
    """Read annotations of FORMAT from PATH, a file, a folder or a zip, and report every row that cannot be taken.

    Images are found by our key or ARK, SHA-256, path, unique name. With --write the good rows come in, under a run that can be
    retracted. Ends with 1 where a row was refused.
    """
    runtime = compose.build()
    compose.prepare(runtime)
    try:
        asked = AskedImport(
            format_name, layer, "" if classes is None else text_of(classes), dry=not write,
            options=dict(pair.partition("=")[::2] for pair in options),
        )  # fmt: skip
        columns = (TextColumn("{task.completed:,} rows"), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True, quiet=as_json)) as bar:
            task = bar.add_task("import", total=None)
            report = importing.run(
                runtime, path, asked, Principal.of_operator(), progress=lambda done: bar.update(task, completed=done)
            )
    except DomainError as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(json.dumps(report.to_json(), ensure_ascii=False, indent=2))
    else:
        _show_import(report)
    sys.exit(1 if report.refused else 0)


def _show_import(report: ImportReport) -> None:
    for name, count in report.unknown_classes.most_common(SHOWN):
        click.echo(f"unknown class: {name!r}, {count:,} objects; map it by --classes")
    for one in report.refusals[:SHOWN]:
        click.echo(f"refused: {one['row']}: {one['reason']}")
    if report.refused > SHOWN:
        click.echo(f"… {report.refused:,} refused in all; --json lists them.")
    for sentence, count in report.notes.most_common(SHOWN):
        click.echo(f"note: {sentence} ({count:,})")
    if report.alike_count:
        click.echo(f"note: {report.alike_count:,} objects are very like what is here already")
    done = "would come in" if report.dry else "came in"
    click.echo(
        f"{report.read:,} objects on {report.images:,} images: {report.added:,} {done}, {report.known:,} were here, "
        f"{report.left_out:,} left out by the table, {report.refused:,} refused."
    )
    click.echo("Nothing was written: add --write." if report.dry else f"The run {report.run} can be retracted.")
