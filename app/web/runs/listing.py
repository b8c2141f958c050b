"""Runs as people read them: what is under way, what each step did, and what an ingest refused and why."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from analytics import service as analytics
from analytics.model import Run
from app.runtime import clock
from app.runtime.addresses import Addresses
from app.runtime.principal import Principal
from app.web.image_links import ImageLink, picture_of
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media, Specimen
from iiif.catalogue.visibility import sees

STATES = ("running", "completed", "failed")
TONES = {"done": "good", "failed": "bad", "nothing found": "warn", "running": "running"}
PICTURE_PX = (140, 180)
ENTRIES_SHOWN = 500
COUNTED = (
    ("records", "Records read"),
    ("specimensAdded", "Specimens added"),
    ("mediaAdded", "Images added"),
    ("alreadyHere", "Here already"),
    ("rejectedTotal", "Refused"),
    ("warningsTotal", "Doubtful"),
)
ENTRIES = (
    ("rejected", "rejectedTotal", "Refused, and why"),
    ("warnings", "warningsTotal", "Taken in, but doubtful"),
)


@dataclass(frozen=True, slots=True)
class Work:
    """How far the hub is with its images; `pending` are not zoomable yet, `running` counts runs that have not ended."""

    images: int
    ready: int
    pending: int
    analysed: int
    running: int


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
    """One run in a list."""

    key: str
    title: str
    state: str
    when: str
    took: str
    counted: str
    reason: str
    pipeline: str
    steps: tuple[StepLine, ...]
    picture: ImageLink | None


def work(session: Session) -> Work:
    """The numbers of the progress strip."""
    images = catalogue.count_media(session)
    runs = analytics.counts(session)
    total, pending = sum(images.values()), images.get("pending", 0)
    analysed = sum(number for (kind, state), number in runs.items() if kind == "analysis" and state != "running")
    running = sum(number for (_, state), number in runs.items() if state == "running")
    return Work(total, total - pending, pending, analysed, running)


def of_media(session: Session, media_keys: Iterable[str]) -> list[RunLine]:
    """The runs over these images, newest first."""
    return [_line(run, None, None) for run in analytics.of_media(session, list(media_keys))]


def listing(session: Session, state: str, page: int, size: int, by: Principal) -> dict[str, Any]:
    """What the template of the list needs; an unknown state lists all."""
    state = state if state in STATES else ""
    found = analytics.page(session, state=state, offset=(page - 1) * size, limit=size)
    by_state = analytics.counts(session)
    counts = {name: sum(number for (_, at), number in by_state.items() if name in ("", at)) for name in ("", *STATES)}
    specimens = catalogue.specimens_by_key(session, [run.specimen_key for run in found])
    media = catalogue.media_of_many(session, [run.specimen_key for run in found])
    images = {image.key: image for several in media.values() for image in several if sees(image, by)}
    return {
        "work": work(session),
        "runs": [_line(run, specimens.get(run.specimen_key), images.get(run.media_key)) for run in found],
        "tabs": [
            {"label": name.capitalize() or "All", "count": counts[name], "active": name == state, "href": _href(name, 1)}
            for name in ("", *STATES)
        ],
        "filtered": bool(state),
        "page": page,
        "pages": -(-counts[state] // size),
        "page_link": lambda number: _href(state, number),
    }


def detail(session: Session, key: str, addresses: Addresses) -> dict[str, Any]:
    """What the template of one run needs. Raises UnknownRun."""
    run = analytics.get(session, key)
    specimen = catalogue.specimens_by_key(session, [run.specimen_key]).get(run.specimen_key)
    report = run.report
    return {
        "run": _line(run, specimen, None),
        "counts": [(label, f"{report[name]:,}") for name, label in COUNTED if name in report],
        "notes": report.get("notes", []),
        "listed": [
            {"title": title, "rows": report[name][:ENTRIES_SHOWN], "total": report.get(total, 0)}
            for name, total, title in ENTRIES
            if report.get(name)
        ],
        "provenance": list(_provenance(run)),
        "specimen_href": f"/specimens/{run.specimen_key}" if specimen else "",
        "specimen_name": _name(specimen) if specimen else "",
        "json_url": addresses.run(key),
    }


def _line(run: Run, specimen: Specimen | None, image: Media | None) -> RunLine:
    return RunLine(
        key=run.key,
        title=_title(run, specimen),
        state=run.state,
        when=_when(run.started_at or run.created_at),
        took=_took(run),
        counted=_counted(run),
        reason=run.reason,
        pipeline=run.pipeline,
        steps=tuple(_step(name, said) for name, said in run.steps.items()),
        picture=picture_of(image, PICTURE_PX) if image and image.state == "ready" else None,
    )


def _title(run: Run, specimen: Specimen | None) -> str:
    if run.kind == "ingest":
        return f"Ingest of {', '.join(map(str, run.parameters.get('sources', []))) or 'drawn sheets'}"
    return _name(specimen) if specimen else f"Pipeline {run.pipeline}"


def _counted(run: Run) -> str:
    """How far an ingest is, or what came of it."""
    if run.kind != "ingest":
        return ""
    if "specimensAdded" not in run.report:
        return f"{run.done:,} of {run.total:,} records" if run.total else ""
    report = run.report
    said = f"{report['specimensAdded']:,} specimens and {report['mediaAdded']:,} images added"
    return said + (f", {report['rejectedTotal']:,} refused" if report.get("rejectedTotal") else "")


def _name(specimen: Specimen) -> str:
    return " · ".join(part for part in (specimen.catalog_number, specimen.scientific_name) if part)


def _step(name: str, said: Any) -> StepLine:
    said = said if isinstance(said, Mapping) else {}
    seconds = said.get("seconds")
    shown = f"{seconds:.1f}" if isinstance(seconds, int | float) else ""
    return StepLine(name, str(said.get("state", "waiting")), str(said.get("reason") or ""), shown)


def _provenance(run: Run) -> Iterable[tuple[str, str]]:
    named = (
        ("Pipeline", run.pipeline),
        ("Pipeline version", run.pipeline_version),
        ("Code", run.code_version),
        ("Input, SHA-256", run.input_digest),
    )
    yield from ((name, value) for name, value in named if value)
    steps = {name: value for name, value in run.parameters.items() if isinstance(value, Mapping) and value}
    for step, values in steps.items():
        yield f"Parameters of {step}", _listed(values)
    if run.environment:
        yield "Environment", _listed(run.environment)


def _listed(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {_listed(value) if isinstance(value, Mapping) else value}" for name, value in values.items())


def _when(at: datetime) -> str:
    return f"{at:%d %b %Y, %H:%M} UTC"


def _took(run: Run) -> str:
    if run.started_at is None:
        return ""
    seconds = ((run.ended_at or clock.now()) - run.started_at).total_seconds()
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds / 60:.0f} min"


def _href(state: str, page: int) -> str:
    asked = ({"state": state} if state else {}) | ({"page": page} if page > 1 else {})
    return "/runs" + (f"?{urlencode(asked)}" if asked else "")
