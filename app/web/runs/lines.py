"""Runs, tasks and ingests as lines that people read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from analytics.model import Run, Task
from app.runtime import clock
from app.web.image_links import ImageLink, is_pictured, picture_of
from iiif.catalogue.model import Media, Specimen
from iiif.ingest.model import Ingest

TONES = {"done": "good", "failed": "bad", "nothing found": "warn", "running": "running"}
PICTURE_PX = (140, 180)


@dataclass(frozen=True, slots=True)
class StepLine:
    name: str
    state: str
    reason: str
    seconds: str

    @property
    def tone(self) -> str:
        """How its state is coloured."""
        return TONES.get(self.state, "")


@dataclass(frozen=True, slots=True)
class RunLine:
    """One run or ingest in a list."""

    key: str
    title: str
    state: str
    when: str
    took: str
    counted: str
    reason: str
    pipeline: str = ""
    steps: tuple[StepLine, ...] = ()
    picture: ImageLink | None = None
    media_key: str = ""
    file_name: str = ""


@dataclass(frozen=True, slots=True)
class TaskLine:
    """One image of a run."""

    title: str
    href: str
    state: str
    reason: str
    steps: tuple[StepLine, ...]


@dataclass(slots=True)
class Shown:
    """What lines name: the only tasks of runs over one image, the images and specimens of these, ingests by key, and the keys
    of those of the images that who asks may see; of others no more is said than how far they are."""

    tasks: Mapping[str, Task] = field(default_factory=dict)
    media: Mapping[str, Media] = field(default_factory=dict)
    specimens: Mapping[str, Specimen] = field(default_factory=dict)
    ingests: Mapping[str, Ingest] = field(default_factory=dict)
    seen: frozenset[str] = frozenset()

    def specimen_of(self, media_key: str) -> Specimen | None:
        """The home specimen of an image."""
        media = self.media.get(media_key)
        return self.specimens.get(media.specimen_key) if media else None


def of_run(run: Run, shown: Shown) -> RunLine:
    task = shown.tasks.get(run.key)
    image = shown.media.get(task.media_key) if task else None
    told = task if task and task.media_key in shown.seen else None
    return RunLine(
        key=run.key,
        title=title(run, shown),
        state=run.state,
        when=_when(run.started_at or run.created_at),
        took=_took(run.started_at, run.ended_at),
        counted="" if task else _counted(run),
        reason=run.retraction_reason if run.state == "retracted" else run.reason or (told.reason if told else ""),
        pipeline=run.pipeline,
        steps=steps(told) if told else (),
        picture=picture_of(image, PICTURE_PX) if image and told and is_pictured(image) else None,
    )


def of_task_of_run(run: Run, task: Task, file_name: str = "") -> RunLine:
    """The run as it is for this one image; `file_name` tells which, where there are several."""
    state: str = task.state
    if run.state == "retracted" or (run.state == "cancelled" and task.state == "waiting"):
        state = run.state
    when = _when(task.started_at or run.created_at)
    return RunLine(
        key=run.key,
        title="",
        state=state,
        when=when,
        took=_took(task.started_at, task.ended_at),
        counted="",
        reason=run.retraction_reason if state == "retracted" else "" if _has_failed_step(task) else task.reason,
        pipeline=run.pipeline,
        steps=steps(task),
        media_key=task.media_key,
        file_name=file_name,
    )


def of_ingest(ingest: Ingest) -> RunLine:
    return RunLine(
        key=ingest.key,
        title=ingest_title(ingest),
        state=ingest.state,
        when=_when(ingest.created_at),
        took=_took(ingest.created_at, ingest.ended_at),
        counted=_counted_ingest(ingest),
        reason=ingest.reason,
    )


def of_task(task: Task, shown: Shown) -> TaskLine:
    specimen, media = shown.specimen_of(task.media_key), shown.media.get(task.media_key)
    href, seen = f"/specimens/{specimen.key}" if specimen else "", task.media_key in shown.seen
    file_name = media.file_name if media and seen else task.media_key
    named = ", ".join(part for part in (name(specimen) if specimen else "", file_name) if part)
    return TaskLine(named, href, task.state, task.reason if seen else "", steps(task) if seen else ())


def title(run: Run, shown: Shown) -> str:
    """What a run is called: the specimen where it is over one image, otherwise what was selected."""
    task = shown.tasks.get(run.key)
    specimen = shown.specimen_of(task.media_key) if task else None
    if specimen is not None:
        return name(specimen)
    match run.selection.get("kind"):
        case "query":
            return f"Images found by “{run.selection.get('query', '')}”"
        case "all":
            return "All images"
        case "import":
            return f"Import of {run.selection.get('file', 'a file')}"
        case "ingest":
            ingest = shown.ingests.get(run.ingest_key)
            return (
                f"Images of the {ingest_title(ingest)[:1].lower()}{ingest_title(ingest)[1:]}" if ingest else "Images of an ingest"
            )
    return images(run.images)


def ingest_title(ingest: Ingest) -> str:
    if ingest.names_left_out:
        return "Ingest"
    return f"Ingest of {', '.join(map(str, ingest.sources)) or 'drawn sheets'}"


def name(specimen: Specimen) -> str:
    return " · ".join(part for part in (specimen.catalog_number, specimen.scientific_name) if part)


def steps(task: Task) -> tuple[StepLine, ...]:
    return tuple(_step(step, mark) for step, mark in task.steps.items())


def _step(step: str, mark: Any) -> StepLine:
    mark = mark if isinstance(mark, Mapping) else {}
    seconds = mark.get("seconds")
    shown = f"{seconds:.1f}" if isinstance(seconds, int | float) else ""
    return StepLine(step, str(mark.get("state", "waiting")), str(mark.get("reason") or ""), shown)


def _has_failed_step(task: Task) -> bool:
    """Then its reason is that of the step, which stands there."""
    return any(isinstance(mark, Mapping) and mark.get("state") == "failed" for mark in task.steps.values())


def _counted(run: Run) -> str:
    """How many of its images are analysed, and what became of the others."""
    others = (
        ("failed", run.failed),
        ("skipped as done before", run.skipped),
        ("cancelled", run.cancelled),
        ("waiting", run.waiting),
        ("under way", run.running),
    )
    if run.selection.get("kind") == "import":
        return "Statements from a file"
    counted = f"{run.completed:,} of {images(run.images)} analysed" + ("" if run.frozen_at else " so far")
    return ", ".join([counted, *(f"{number:,} {what}" for what, number in others if number)])


def images(number: int) -> str:
    return f"{number:,} {'image' if number == 1 else 'images'}"


def _counted_ingest(ingest: Ingest) -> str:
    """How far an ingest is, or what came of it."""
    report = ingest.report
    if "specimensAdded" not in report:
        return f"{ingest.done:,} of {ingest.total:,} records" if ingest.total else ""
    specimens = report["specimensAdded"]
    added = f"{specimens:,} {'specimen' if specimens == 1 else 'specimens'} and {images(report['mediaAdded'])} added"
    return added + (f", {report['rejectedTotal']:,} refused" if report.get("rejectedTotal") else "")


def _when(at: datetime) -> str:
    return f"{at:%d %b %Y, %H:%M} UTC"


def _took(began: datetime | None, ended: datetime | None) -> str:
    if began is None:
        return ""
    seconds = ((ended or clock.now()) - began).total_seconds()
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"
