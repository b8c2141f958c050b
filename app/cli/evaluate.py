"""`lectotype evaluate`: how good the analyses are on images of known truth."""

import json
import os
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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
    from analytics.evaluation.coco import CocoImage
    from analytics.evaluation.outcomes import Evaluation
    from analytics.evaluation.run import Evaluated
    from analytics.evaluation.truth import Truth

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
OUT = click.Path(dir_okay=False, path_type=Path)
OF_IMAGES = ("coco", "classes", "steps", "only", "nth", "changed", "unseen", "every", "processes", "keep", "sheet")
OF_TRUTH = ("changed", "unseen", "every")
MOST_TOLD = 10  # rows of a file that cannot be read


@dataclass(frozen=True, slots=True)
class Asked:
    """Which images, and what of them: the options of those names."""

    images: Path
    coco: Path | None
    classes: tuple[str, ...]
    only: tuple[str, ...]
    nth: int
    changed: bool
    unseen: bool
    every: int
    processes: int
    keep: Path | None
    steps: tuple[str, ...] = ()

    def kept(self) -> dict[str, Any]:
        """What another measurement would have to ask to go on with the same file."""
        return {"images": str(self.images.resolve()), "coco": str(self.coco or ""), "classes": list(self.classes),
                "steps": list(self.steps), "changed": self.changed}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Jobs:
    """What is to be done, each with the name of its image, and where the pictures lie."""

    named: Sequence[tuple[str, "Callable[[], Evaluated]"]]
    paths: Mapping[str, Path]


@click.command()
@click.option("--images", type=FOLDER, help="Folder of images with a truth.csv beside them.")
@click.option("--coco", type=FILE, help="Instances in COCO's JSON, which are on the images of --images; no truth.csv is needed.")
@click.option("--class", "classes", multiple=True, help="NAME=KIND: what steps call a class of --coco, e.g. bee=outline; eye=.")
@click.option("--reviewed", is_flag=True, help="Instead of images: what reviewers of this hub decided about its statements.")
@click.option("--steps", default="", help="Only these steps, e.g. ruler,ocr; what they need of others they do without.")
@click.option("--only", multiple=True, help="Only images whose names begin so; may be given several times.")
@click.option("--every", "nth", default=1, type=click.IntRange(1), help="Every Nth image only.")
@click.option("--changed", is_flag=True, help="Turned, halved, compressed, lighter and darker: does what is stated hold?")
@click.option("--unseen", is_flag=True, help="Only images that nothing was tuned on.")
@click.option("--beetles", "every", default=20, show_default=True, type=click.IntRange(0), help="Every Nth beetle crop; 0: none.")
@click.option("--processes", default=0, type=click.IntRange(0), help="Images at a time; as many as cores unless told otherwise.")
@click.option("--keep", type=OUT, help="Write down each image's figures as they come, and go on from there the next time.")
@click.option("--compare", type=FILE, help="An earlier --json: what has changed since, and whether beyond chance.")
@click.option("--write", type=OUT, help="Write the page here, e.g. docs/accuracy.md.")
@click.option("--html", "page", type=OUT, help="Write it as one HTML file, with the contact sheet inside.")
@click.option("--contact-sheet", "sheet", type=OUT, help="Write a picture of the misses (PNG, JPEG or WebP).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def evaluate(
    reviewed: bool,
    steps: str,
    compare: Path | None,
    write: Path | None,
    page: Path | None,
    sheet: Path | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Run the pipeline over images of known truth and compare its findings with the truth, misses included."""
    _refuse_both(click.get_current_context(), given["images"], reviewed=reviewed)
    _refuse_places(write, page, sheet, given["keep"])
    before = _earlier(compare) if compare else None
    evaluation, paths = (_of_reviews(), {}) if reviewed else _of_images(Asked(**given, steps=_chosen(steps)), quiet=as_json)
    shown = sheet if sheet is not None and _draw(evaluation, paths, sheet) else None  # what else lies there is of another time
    _tell(evaluation, before, write, page, shown, as_json=as_json)
    _tell_unopened(evaluation)


def _refuse_both(context: click.Context, images: Path | None, *, reviewed: bool) -> None:
    """UsageError for images and reviews at once, for neither, and for what the one that is asked for cannot heed."""
    if reviewed == (images is not None):
        raise click.UsageError("Give either --images FOLDER or --reviewed.")
    params = {one.name: one.opts[0] for one in context.command.params}
    named = {name for name in params if context.get_parameter_source(str(name)) is not ParameterSource.DEFAULT}
    if reviewed and (refused := [params[name] for name in params if name in named & {*OF_IMAGES}]):
        raise click.UsageError(f"--reviewed looks at no image, so it cannot heed {', '.join(refused)}.")
    if "coco" in named and (refused := [params[name] for name in params if name in named & {*OF_TRUTH}]):
        raise click.UsageError(f"--coco has its own truth, so it cannot heed {', '.join(refused)}.")
    if "classes" in named and "coco" not in named:
        raise click.UsageError("--class says what a class of --coco is.")


def _refuse_places(*places: Path | None) -> None:
    """UsageError for a file that could not be written when all is measured."""
    for place in places:
        if place is None:
            continue
        folder = place.absolute().parent
        if not folder.is_dir():
            raise click.UsageError(f"{place} cannot be written: there is no folder {folder}.")
        if not os.access(place if place.exists() else folder, os.W_OK):
            raise click.UsageError(f"{place} cannot be written: you have no permission to.")


def _chosen(steps: str) -> tuple[str, ...]:
    from analytics.evaluation import run  # OpenCV and the models are loaded only where they are needed

    named = [name.strip() for name in steps.split(",") if name.strip()]
    try:
        return tuple(step.name for step in run.plan(named)) if named else ()
    except ValueError as error:
        raise click.ClickException(str(error)) from error


def _earlier(compare: Path) -> "Evaluation":
    from analytics.evaluation.outcomes import Evaluation

    try:
        return Evaluation.of_json(json.loads(compare.read_text(encoding="utf-8")))
    except (ValueError, OSError) as error:
        raise click.ClickException(f"{compare} cannot be compared with: {error}") from error


def _tell(
    evaluation: "Evaluation",
    before: "Evaluation | None",
    write: Path | None,
    page: Path | None,
    sheet: Path | None,
    *,
    as_json: bool,
) -> None:
    from analytics.evaluation import page as pages
    from analytics.evaluation import report

    command, at = shlex.join(["lectotype", *sys.argv[1:]]), clock.now()
    try:
        if write is not None:
            earlier = write.read_text(encoding="utf-8", errors="replace") if write.is_file() else ""
            made = report.markdown(evaluation, command, at, before)
            write.write_text(report.with_notes(made, earlier), encoding="utf-8")
        if page is not None:
            page.write_text(pages.html(evaluation, command, at, before, sheet), encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"The page cannot be written: {error}") from error
    if as_json:
        click.echo(json.dumps(evaluation.to_json(), ensure_ascii=False, indent=1))
    elif write is None and page is None:
        click.echo(report.markdown(evaluation, command, at, before))


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


def _of_images(asked: Asked, *, quiet: bool) -> "tuple[Evaluation, Mapping[str, Path]]":
    from analytics import provenance
    from analytics.evaluation.kept import Kept

    jobs = _of_coco(asked, asked.coco) if asked.coco is not None else _of_truth(asked)
    if not jobs.named:
        raise click.ClickException("No image is left to be evaluated.")
    code = provenance.code_version()
    try:
        kept = Kept(asked.keep, asked.kept(), code) if asked.keep is not None else None
    except (ValueError, OSError) as error:
        raise click.ClickException(str(error)) from error
    evaluation = _added(_measured(jobs, asked.processes, kept, quiet=quiet), code)
    if not evaluation.outcomes and not evaluation.failures:
        raise click.ClickException("Nothing was measured: the truth says nothing of these images that the steps state.")
    return evaluation, jobs.paths


def _of_truth(asked: Asked) -> Jobs:
    from analytics.evaluation import robustness, run

    wanted = [one for one in _known(asked.images) if one.path.name.startswith(asked.only or "")]
    known = [one for one in wanted if not (asked.unseen and one.tuned)][:: asked.nth]
    beetles = list[Path]()
    if not (asked.only or asked.changed) and (not asked.steps or "specimen" in asked.steps):
        beetles = _beetles(asked.images, asked.every, unseen=asked.unseen)
    do = robustness.evaluate_changed if asked.changed else run.evaluate_image
    named = [(truth.path.name, partial(do, truth, asked.steps)) for truth in known]
    named += [(f"beetles/{path.name}", partial(run.evaluate_beetle, path)) for path in beetles]
    paths = {one.path.name: one.path for one in known} | {f"beetles/{path.name}": path for path in beetles}
    return Jobs(named, paths)


def _of_coco(asked: Asked, instances: Path) -> Jobs:
    from analytics.evaluation import coco

    try:
        classes = dict(one.split("=", 1) for one in asked.classes)
    except ValueError as error:
        raise click.UsageError("--class is NAME=KIND, e.g. bee=outline.") from error
    if strange := sorted({*classes.values()} - {*coco.STEP_OF, ""}):
        raise click.UsageError(f"--class: no step states {', '.join(strange)}; they state {', '.join(coco.STEP_OF)}.")
    try:
        truth = coco.read(asked.images, instances, classes)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    _tell_coco(truth.refused, truth.unmeasured, truth.crowds)
    wanted: list[CocoImage] = [one for one in truth.images if one.path.name.startswith(asked.only or "")][:: asked.nth]
    named = [(one.path.name, partial(coco.evaluate, one, asked.steps)) for one in wanted]
    return Jobs(named, {one.path.name: one.path for one in wanted})


def _tell_coco(refused: Sequence[str], unmeasured: Sequence[str], crowds: int) -> None:
    """What of the file does not count."""
    for row in refused[:MOST_TOLD]:
        click.echo(f"Left out: {row}", err=True)
    if len(refused) > MOST_TOLD:
        click.echo(f"Left out: {len(refused) - MOST_TOLD} more rows.", err=True)
    if unmeasured:
        click.echo(f"No step states {', '.join(unmeasured)}; --class NAME=KIND says what a class is.", err=True)
    if crowds:
        click.echo(f"{crowds} crowds are left out.", err=True)


def _known(images: Path) -> "list[Truth]":
    from analytics.evaluation import truth

    try:
        known = truth.read(images)
    except FileNotFoundError as error:
        raise click.ClickException(f"{images} has no truth.csv.") from error
    except (ValueError, OSError) as error:
        raise click.ClickException(str(error)) from error
    if not known:
        raise click.ClickException(f"{images / 'truth.csv'} names no image.")
    return known


def _beetles(images: Path, every: int, *, unseen: bool) -> list[Path]:
    """Every so-many-th crop, of those that nothing was tuned on where only these are asked for; none of every 0th."""
    from analytics.evaluation import truth

    crops = sorted((images.parent / "beetles" / "images").glob("*.png"))
    return [path for path in crops if not (unseen and f"beetles/{path.name}" in truth.tuned_on())][::every] if every else []


def _measured(jobs: Jobs, processes: int, kept: Any, *, quiet: bool) -> "list[Evaluated]":
    """What every job gives, and what was kept of an earlier time."""
    from analytics.evaluation import parallel, run

    names = kept.names() if kept else frozenset()
    left = [partial(run.opened, do, name) for name, do in jobs.named if name not in names]
    wanted = {name for name, _ in jobs.named}
    done = [one for one in kept.done if one.image in wanted] if kept else []
    with Progress(console=Console(stderr=True), disable=quiet) as progress:
        measured = progress.track(parallel.over(left, _called, processes), total=len(left), description="Evaluating")
        done += kept.keeping(measured) if kept else measured
    return sorted(done, key=lambda one: one.image)


def _added(done: "Sequence[Evaluated]", code: str) -> "Evaluation":
    from analytics.evaluation.outcomes import Evaluation

    outcomes = tuple(outcome for one in done for outcome in one.outcomes)
    seconds = {one.image: one.seconds for one in done if one.seconds}
    failures = {one.image: one.failures for one in done if one.failures}
    return Evaluation(code, outcomes, seconds, failures)


def _called(job: Callable[[], Any]) -> Any:
    return job()


def _draw(evaluation: "Evaluation", paths: Mapping[str, Path], sheet: Path) -> int:
    """How many misses the picture shows."""
    from analytics.evaluation import contact_sheet

    missed = [one for one in evaluation.outcomes if one.missed and one.note]
    missed.sort(key=lambda one: one.measure.startswith("component"))  # there are many, and they must not crowd out the others
    try:
        shown = contact_sheet.draw(missed, paths, sheet)
    except (ValueError, OSError) as error:
        raise click.ClickException(f"{error}.") from error
    click.echo(f"{shown} of {len(missed)} misses are in {sheet}." if shown else "There is no miss to be shown.", err=True)
    return shown
