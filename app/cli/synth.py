"""`lectotype synth`: herbarium sheets with known truth."""

from pathlib import Path

import click
from rich.progress import Progress


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--count", default=12, show_default=True, type=click.IntRange(1, 100_000), help="How many sheets to draw.")
@click.option("--seed", default=1735, show_default=True, type=click.IntRange(0), help="The same seed draws the same sheets.")
def synth(folder: Path, count: int, seed: int) -> None:
    """Draw COUNT specimen sheets into FOLDER, with specimens.csv (Darwin Core) and truth.json beside them."""
    from analytics.synth import draw_sheets  # OpenCV is imported only to draw

    with Progress() as progress:
        task = progress.add_task("Drawing", total=count)
        draw_sheets(folder, count=count, seed=seed, progress=lambda _path: progress.advance(task))
    click.echo(f"{count} sheets in {folder}; `lectotype ingest {folder}` takes them in.")
