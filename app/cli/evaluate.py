"""`lectotype evaluate`: how good the analyses are on images of known truth."""

import json
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from app.runtime import clock

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.option("--images", type=FOLDER, required=True, help="Folder of images with a truth.csv beside them.")
@click.option("--write", type=click.Path(dir_okay=False, path_type=Path), help="Write the page here, e.g. docs/accuracy.md.")
@click.option("--beetles", "every", default=20, show_default=True, type=click.IntRange(1), help="Use every Nth beetle crop.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def evaluate(images: Path, write: Path | None, every: int, as_json: bool) -> None:
    """Run the pipeline over images of known truth and compare its findings with the truth, misses included."""
    from analytics.evaluation import report, run, truth  # OpenCV and the models are loaded only here

    try:
        known = truth.read(images)
    except FileNotFoundError as error:
        raise click.ClickException(f"{images} has no truth.csv.") from error
    with Progress(console=Console(stderr=True), disable=as_json) as progress:
        results = list(map(run.evaluate_image, progress.track(known, description="Evaluating")))
    folder = images.parent / "beetles"
    beetles = list(run.evaluate_beetles(folder, every)) if (folder / "images").is_dir() else []
    page = report.markdown(results, beetles, f"lectotype evaluate --images {images} --write docs/accuracy.md", clock.now())
    if write is not None:
        write.write_text(page, encoding="utf-8")
    if as_json:
        click.echo(json.dumps(report.to_json(results, beetles), ensure_ascii=False, indent=1))
    elif write is None:
        click.echo(page)
