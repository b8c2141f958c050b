"""A task, done: the worker's side. Step after step, each committed together with its mark, so a restart repeats nothing."""

import importlib
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import cv2
import structlog

from analytics import pipelines, provenance, remaking, service, statements, tasks
from analytics.model import ENDED_STEPS, Run, StepMark, Task
from analytics.pipelines import Pipeline, StepPlan
from analytics.steps import threads
from analytics.steps.deadline import DeadlinePassed, deadline
from analytics.steps.image import MOST_HELD_PX, SheetImage
from analytics.steps.model import Finding, StepContext, StepResult
from annotations import masks
from annotations import service as annotations
from annotations.frames import shown_region
from annotations.model import Annotation, Canvas
from annotations.vectors import service as vectors
from annotations.vectors.model import Unseen
from app.runtime.addresses import Addresses
from app.runtime.blobs import Blobs
from app.runtime.context import Runtime
from app.runtime.principal import Principal
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media
from iiif.image.service import DecodeLimits, pixels_of_media

LEAST_SIDE_PX, MOST_SIDE_PX = 16, 32_000


class Bases(NamedTuple):
    """IRIs of the annotations that a size rests on: the scale, and the first outline; empty where there is none."""

    scale: str
    outline: str


_one_large_image = threading.Lock()
log = structlog.get_logger()


def perform(runtime: Runtime, run_key: str, media_key: str) -> None:
    """Do what is left of the task; safe to repeat, also after a kill in the middle."""
    begun = _begin(runtime, run_key, media_key)
    if begun is None:
        return
    run, task, plan = begun
    with runtime.reads.begin() as session:
        media = catalogue.get_media(session, media_key)
        known = _known(session, media)
    if reason := _unfit(media):
        with runtime.db.begin() as session:
            tasks.fail(session, run_key, media_key, reason, at=runtime.clock())
        return
    threads.bound(runtime.settings.worker_processes)
    left = [step for step in plan.steps if task.steps[step.name]["state"] not in ENDED_STEPS]
    with ExitStack() as held:
        needs_pixels = any(step.name != remaking.STEP for step in left)
        image = held.enter_context(_opened(runtime, media)) if needs_pixels else None
        for step in left:
            _perform_step(runtime, run, step, media, image, known)
    with runtime.db.begin() as session:
        tasks.end(session, run_key, media_key, at=runtime.clock())


@contextmanager
def _opened(runtime: Runtime, media: Media) -> Iterator[SheetImage]:
    """The image, decoded once for all steps, into a file. Of large ones a process has one at a time in hand, so that what it
    holds does not grow with its threads."""
    with ExitStack() as held:
        if media.width_px * media.height_px > MOST_HELD_PX:
            held.enter_context(_one_large_image)
        pixels = held.enter_context(pixels_of_media(runtime.blobs, media, DecodeLimits.of(runtime.settings)))
        image = SheetImage(pixels)
        held.callback(image.release)
        yield image


def _known(session: Any, media: Media) -> StepContext:
    """What the catalogue knows of the image: the record of its home specimen, and how many it shows."""
    specimen = catalogue.get_specimen(session, media.specimen_key)
    return StepContext(
        specimen.catalog_number,
        record=dict(specimen.interpreted),
        specimens=catalogue.count_shown(session, media.key),
        withholds_place=catalogue.withholds_place(session, media.key),
    )


def _unfit(media: Media) -> str:
    """Why an image of that size is not analysed; empty where it is. Steps scale images, and OpenCV holds no side of 2¹⁵."""
    sides = media.width_px, media.height_px
    if min(sides) < LEAST_SIDE_PX or max(sides) > MOST_SIDE_PX:
        size = f"{media.width_px} × {media.height_px} pixels"
        return f"The image has {size}; one of {LEAST_SIDE_PX} to {MOST_SIDE_PX:,} on each side can be analysed."
    return ""


def _begin(runtime: Runtime, run_key: str, media_key: str) -> tuple[Run, Task, Pipeline] | None:
    """The run, as done by this worker's code; None if there is nothing to do."""
    with runtime.db.begin() as session:
        run = service.get(session, run_key)
        plan = pipelines.load(run.pipeline)
        if plan.version != run.pipeline_version:
            reason = f"The pipeline has changed since (it is {plan.version[:12]} now); open a new run."
            tasks.fail(session, run_key, media_key, reason, at=runtime.clock())
            return None
        worker = provenance.worker(plan, run.seed)
        begun = tasks.begin(session, run_key, media_key, worker, at=runtime.clock())
    return begun and (replace(begun[0], code_version=worker.code_version), begun[1], plan)


def _perform_step(runtime: Runtime, run: Run, step: StepPlan, media: Media, image: SheetImage | None, known: StepContext) -> None:
    with runtime.db.begin() as session:
        if not tasks.begin_step(session, run.key, media.key, step.name):
            return
        earlier, failed, bases = _earlier(session, runtime, run, media)
        unseen = _unseen(session, step, media)
    started = time.monotonic()
    try:
        if image is None:
            remaking.perform(runtime, run, step, media)
            return
        cv2.setRNGSeed(run.seed)
        with deadline(step.deadline_s):
            result = _call(step, image, replace(known, earlier=earlier, failed=failed, unseen=unseen))
    except DeadlinePassed:
        seconds = time.monotonic() - started
        log.warning("step gave up", run=run.key, media=media.key, step=step.name, seconds=seconds)
        _store(runtime, run, step, media, None, seconds, bases)
        return
    except Exception as error:
        log.exception("step failed", run=run.key, media=media.key, step=step.name)
        mark = StepMark("failed", f"{type(error).__name__}: {error}", time.monotonic() - started)
        with runtime.db.begin() as session:
            tasks.end_step(session, run.key, media.key, step.name, mark)
        return
    _store(runtime, run, step, media, result, time.monotonic() - started, bases, unseen)


def _call(step: StepPlan, image: SheetImage, context: StepContext) -> StepResult:
    module = importlib.import_module(f"analytics.steps.{step.name}")
    result: StepResult = module.run(image, step.parameters, context)
    return result


def _unseen(session: Any, step: StepPlan, media: Media) -> tuple[Unseen, ...]:
    """What the step that makes vectors has to look at; nothing for the others."""
    return tuple(vectors.unseen(session, media.key, provenance.vector_model())) if step.name == provenance.VECTORS else ()


def _said(step: StepPlan, result: StepResult | None) -> tuple[str, tuple[Finding, ...]]:
    """The state in which the step has ended, and what is to be stated."""
    if result is None:
        return "failed", (statements.gave_up(step.name, step.deadline_s),)
    if result.findings or result.vectors is not None:
        return "done", result.findings
    return "nothing found", (statements.nothing_found(step.name, result.nothing_found),)


def _store(
    runtime: Runtime,
    run: Run,
    step: StepPlan,
    media: Media,
    result: StepResult | None,
    seconds: float,
    bases: Bases,
    looked_at: Sequence[Unseen] = (),
) -> None:
    """Annotations, vectors and mark in one transaction; nothing if another worker has ended the step meanwhile. Without a result
    the step gave up at its deadline: that is a statement too, and the step has failed."""
    addresses, at = runtime.addresses, runtime.clock()
    state, findings = _said(step, result)
    why = "" if state == "done" else findings[0].text
    found = [finding.region.mask for finding in findings if finding.region is not None and finding.region.mask is not None]
    kept = {mask: masks.keep(runtime.blobs, mask) for mask in found}
    with runtime.db.begin() as session:
        if tasks.is_over(session, run.key, media.key, step.name):
            return
        catalogue.lock_specimens_of(session, media.key)  # each finding touches those that it lies on
        masks.register(session, kept.values(), by=Principal.of_run(run.key), at=at)
        source = statements.StatementSource(run, step.name, media, addresses, at, bases.scale, bases.outline, kept)
        keys: tuple[str, ...] = ()
        for number, finding in enumerate(findings, 1):
            key = _annotate(session, finding, number, source)
            keys = (*keys, key)
            if finding.kind == "outline" and not source.outline:  # the sizes are those of the first piece
                source = replace(source, outline=addresses.annotation(key))
        if result is not None and result.vectors:
            by = {"model": provenance.vector_model(), "run_key": run.key}
            vectors.keep(session, media.key, result.vectors, looked_at, **by, at=at)
        tasks.end_step(session, run.key, media.key, step.name, StepMark(state, why, seconds, keys))


def _annotate(session: Any, finding: Finding, number: int, source: statements.StatementSource) -> str:
    return annotations.create_machine(
        session,
        statements.statement(finding, number, source),
        media=source.media,
        run_key=source.run.key,
        kind=finding.kind,
        value=finding.value,
        unit=finding.unit if finding.value is not None else "",
        confidence=finding.confidence,
        text=finding.text,
        addresses=source.addresses,
        at=source.at,
    ).key


def told(annotation: Annotation, media: Media, blobs: Blobs, iri: str = "") -> Finding:
    """What a later step is told of an annotation on the image, at that address: all that was found, the region exactly."""
    canvas = Canvas(media.width_px, media.height_px)
    return statements.finding_of(annotation, shown_region(annotation, canvas, partial(masks.load, blobs)), iri)


def _version_of(annotation: Annotation, addresses: Addresses) -> str:
    return f"{addresses.annotation(annotation.key)}/versions/{annotation.version}"


def _earlier(
    session: Any, runtime: Runtime, run: Run, media: Media
) -> tuple[Mapping[str, tuple[Finding, ...]], frozenset[str], Bases]:
    """All that the steps before found, by step, which of them failed, and what sizes rest on; read back from what
    is stored, as it stands now: what a person has deleted since is not told."""
    marks = tasks.get(session, run.key, media.key).steps
    found: dict[str, tuple[Finding, ...]] = {}
    scale, outline = "", ""
    ended = {name: mark for name, mark in marks.items() if mark["state"] in ENDED_STEPS}
    for name, mark in ended.items():
        stored = [annotations.find(session, key) for key in mark.get("annotations", ())]
        present = [annotation for annotation in stored if annotation is not None and annotation.deleted_at is None]
        standing = present if mark["state"] == "done" else []
        found[name] = tuple(told(one, media, runtime.blobs, _version_of(one, runtime.addresses)) for one in standing)
        for annotation in standing:
            if annotation.kind == "ruler" and annotation.value:
                scale = scale or runtime.addresses.annotation(annotation.key)
            if annotation.kind == "outline":
                outline = outline or runtime.addresses.annotation(annotation.key)
    failed = frozenset(name for name, mark in ended.items() if mark["state"] == "failed")
    return found, failed, Bases(scale, outline)
