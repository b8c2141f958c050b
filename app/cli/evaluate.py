"""`lectotype evaluate`: how good the analyses are on images of known truth."""

import json
import shlex
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource
from rich.console import Console
from rich.progress import Progress

from app import compose
from app.runtime import clock
from app.runtime.principal import Principal

if TYPE_CHECKING:
    from analytics.evaluation.outcomes import Evaluation
    from analytics.evaluation.truth import Truth

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
OUT = click.Path(dir_okay=False, path_type=Path)
OF_IMAGES = ("steps", "only", "nth", "changed", "unseen", "every", "processes", "sheet")


@click.command()
@click.option("--images", type=FOLDER, help="Folder of images with a truth.csv beside them.")
@click.option("--reviewed", is_flag=True, help="Instead of images: what reviewers of this hub decided about its statements.")
@click.option("--steps", default="", help="Only these steps, e.g. ruler,ocr; what they need of others they do without.")
@click.option("--only", multiple=True, help="Only images whose names begin so; may be given several times.")
@click.option("--every", "nth", default=1, type=click.IntRange(1), help="Every Nth image only.")
@click.option("--changed", is_flag=True, help="Turned, halved, compressed, lighter and darker: does what is stated hold?")
@click.option("--unseen", is_flag=True, help="Only images that nothing was tuned on.")
@click.option("--beetles", "every", default=20, show_default=True, type=click.IntRange(0), help="Every Nth beetle crop; 0: none.")
@click.option("--processes", default=0, type=click.IntRange(0), help="Images at a time; as many as cores unless told otherwise.")
@click.option("--compare", type=FILE, help="An earlier --json: what has changed since, and whether beyond chance.")
@click.option("--write", type=OUT, help="Write the page here, e.g. docs/accuracy.md.")
@click.option("--html", "page", type=OUT, help="Write it as one HTML file, with the contact sheet inside.")
@click.option("--contact-sheet", "sheet", type=OUT, help="Write a picture of the misses (PNG, JPEG or WebP).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def evaluate(
    images: Path | None,
    reviewed: bool,
    steps: str,
    only: tuple[str, ...],
    nth: int,
    changed: bool,
    unseen: bool,
    every: int,
    processes: int,
    compare: Path | None,
    write: Path | None,
    page: Path | None,
    sheet: Path | None,
    as_json: bool,
) -> None:
    """Run the pipeline over images of known truth and compare its findings with the truth, misses included."""
    _refuse_both(click.get_current_context(), images, reviewed=reviewed)
    from analytics.evaluation import page as pages  # OpenCV and the models are loaded only here
    from analytics.evaluation import report, run
    from analytics.evaluation.outcomes import Evaluation

    named = [name.strip() for name in steps.split(",") if name.strip()]
    try:
        chosen = [step.name for step in run.plan(named)] if named else []
        before = Evaluation.of_json(json.loads(compare.read_text(encoding="utf-8"))) if compare else None
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    known, beetles = list["Truth"](), list[Path]()
    if images is not None:
        known = [one for one in _known(images) if one.path.name.startswith(only or "") and not (unseen and one.tuned)][::nth]
        if not (only or changed) and (not chosen or "specimen" in chosen):
            beetles = _beetles(images, every, unseen=unseen)
        evaluation = _measured(known, chosen, beetles, processes, changed=changed, quiet=as_json)
    else:
        evaluation = _of_reviews()
    command, at = shlex.join(["lectotype", *sys.argv[1:]]), clock.now()
    paths = {one.path.name: one.path for one in known} | {f"beetles/{path.name}": path for path in beetles}
    if sheet is not None and not _draw(evaluation, paths, sheet):
        sheet = None  # what lies there is of another time
    if write is not None:
        write.write_text(report.markdown(evaluation, command, at, before), encoding="utf-8")
    if page is not None:
        page.write_text(pages.html(evaluation, command, at, before, sheet), encoding="utf-8")
    if as_json:
        click.echo(json.dumps(evaluation.to_json(), ensure_ascii=False, indent=1))
    elif write is None and page is None:
        click.echo(report.markdown(evaluation, command, at, before))
    _tell_unopened(evaluation)


def _refuse_both(context: click.Context, images: Path | None, *, reviewed: bool) -> None:
    """UsageError for images and reviews at once, for neither, and for reviews with what concerns images alone."""
    if reviewed == (images is not None):
        raise click.UsageError("Give either --images FOLDER or --reviewed.")
    those = [one for one in context.command.params if one.name in OF_IMAGES]
    given = [one.opts[0] for one in those if context.get_parameter_source(str(one.name)) is not ParameterSource.DEFAULT]
    if reviewed and given:
        raise click.UsageError(f"--reviewed looks at no image, so it cannot heed {', '.join(given)}.")


def _tell_unopened(evaluation: "Evaluation") -> None:
    """ClickException that names the images that could not be opened, after all else is written."""
    from analytics.evaluation.run import DECODE

    if unopened := [f"{name}: {why[DECODE]}" for name, why in evaluation.failures.items() if DECODE in why]:
        raise click.ClickException("\n".join(["Not counted, for they cannot be opened:", *unopened]))


def _of_reviews() -> "Evaluation":
    """Of the hub's own statements, as an operator sees them."""
    from analytics import provenance
    from analytics.evaluation import reviewed
    from analytics.evaluation.outcomes import Evaluation

    runtime = compose.build()
    compose.prepare(runtime)
    with runtime.reads.begin() as session:
        outcomes = tuple(reviewed.outcomes(session, by=Principal.of_operator()))
    if not outcomes:
        raise click.ClickException("Nobody has decided about a statement of a machine here.")
    return Evaluation(provenance.code_version(), outcomes)


def _known(images: Path) -> "list[Truth]":
    from analytics.evaluation import truth

    try:
        return truth.read(images)
    except FileNotFoundError as error:
        raise click.ClickException(f"{images} has no truth.csv.") from error
    except ValueError as error:
        raise click.ClickException(str(error)) from error


def _beetles(images: Path, every: int, *, unseen: bool) -> list[Path]:
    """Every so-many-th crop, of those that nothing was tuned on where only these are asked for; none of every 0th."""
    from analytics.evaluation import truth

    crops = sorted((images.parent / "beetles" / "images").glob("*.png"))
    return [path for path in crops if not (unseen and f"beetles/{path.name}" in truth.tuned_on())][::every] if every else []


def _measured(
    known: "Sequence[Truth]", steps: Sequence[str], beetles: Sequence[Path], processes: int, *, changed: bool, quiet: bool
) -> "Evaluation":
    from analytics import provenance
    from analytics.evaluation import parallel, robustness, run
    from analytics.evaluation.outcomes import Evaluation

    do = robustness.evaluate_changed if changed else run.evaluate_image
    jobs = [partial(run.opened, partial(do, truth, tuple(steps)), truth.path.name) for truth in known]
    jobs += [partial(run.opened, partial(run.evaluate_beetle, path), f"beetles/{path.name}") for path in beetles]
    if not jobs:
        raise click.ClickException("No image is left to be evaluated.")
    done: list[run.Evaluated] = []
    with Progress(console=Console(stderr=True), disable=quiet) as progress:
        done += progress.track(parallel.over(jobs, _called, processes), total=len(jobs), description="Evaluating")
    done.sort(key=lambda one: one.image)
    outcomes = tuple(outcome for one in done for outcome in one.outcomes)
    seconds = {one.image: one.seconds for one in done if one.seconds}
    failures = {one.image: one.failures for one in done if one.failures}
    return Evaluation(provenance.code_version(), outcomes, seconds, failures)


def _called(job: Callable[[], Any]) -> Any:
    return job()


def _draw(evaluation: "Evaluation", paths: dict[str, Path], sheet: Path) -> int:
    """How many misses the picture shows."""
    from analytics.evaluation import contact_sheet

    missed = [one for one in evaluation.outcomes if one.missed and one.note]
    try:
        shown = contact_sheet.draw(missed, paths, sheet)
    except ValueError as error:
        raise click.ClickException(f"{error}.") from error
    click.echo(f"{shown} of {len(missed)} misses are in {sheet}." if shown else "There is no miss to be shown.", err=True)
    return shown
