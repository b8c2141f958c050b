"""What machines measured, measured anew by a run of its own after what it rests on was corrected.

What is stale names its ruler and its outline. From what is in force in their place now, and no pixel of the image, the new
statement is made; the old one stays, superseded. Where nothing is decided yet, it stays stale.
"""

import time
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import numpy as np
from sqlalchemy.orm import Session

from analytics import service, statements, tasks
from analytics.model import Run, StepMark
from analytics.pipelines import REMEASURE, StepPlan
from analytics.steps import remeasure
from analytics.steps.model import Finding, SheetImage, StepContext
from annotations import bases, masks, recount
from annotations import service as annotations
from annotations.frames import shown_region
from annotations.mask_selectors import LoadMask
from annotations.model import Annotation, Canvas
from app.runtime.blobs import Blobs
from app.runtime.context import Runtime
from app.runtime.principal import Principal
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media

STEP = "remeasure"
SYSTEM = Principal.of_system()


@dataclass(frozen=True, slots=True)
class Remake:
    """A statement that is stale, and what it is to be measured from: the outline, and the ruler, None where there is none."""

    stale: Annotation
    outline: Annotation
    ruler: Annotation | None

    @property
    def sources(self) -> tuple[str, str]:
        return self.outline.key, self.ruler.key if self.ruler else ""


def ask(session: Session, media: Media, *, naan: str, at: datetime) -> Run | None:
    """Open a run over the image where something on it can be measured anew; None where nothing can."""
    if not wanted(session, media):
        return None
    return service.run_over(session, [media], REMEASURE, by=SYSTEM, naan=naan, at=at, again=True)


def wanted(session: Session, media: Media) -> tuple[Remake, ...]:
    """What is stale on the image and can be measured anew."""
    scale = annotations.scale_of(session, [media.key], by=SYSTEM).get(media.key)
    made = (_remake(session, one, scale) for one in bases.stale_of(session, media.key, statements.MEASURES))
    return tuple(one for one in made if one is not None)


def _remake(session: Session, stale: Annotation, scale: Annotation | None) -> Remake | None:
    """None where no outline is in force, or where it is not decided which ruler or outline is right."""
    outline, ruler = None, scale
    for key in bases.of(session, stale.key):
        basis = annotations.find(session, key)
        now, decided = bases.in_force(session, key)
        if basis is None or not decided:
            return None
        if basis.kind == "outline":
            outline = now
        elif basis.kind == "ruler":
            ruler = now if now is not None and now.value else scale
    return Remake(stale, outline, ruler) if outline is not None else None


def perform(runtime: Runtime, run: Run, step: StepPlan, media: Media) -> None:
    """Do the step: measure, and store what is still wanted then, with the mark, in one transaction."""
    started = time.monotonic()
    with runtime.reads.begin() as session:
        found = wanted(session, media)
    measured = {one.sources: _measured(one, step, media, runtime.blobs) for one in found}
    with runtime.db.begin() as session:
        if tasks.is_over(session, run.key, media.key, step.name):
            return
        recount.lock(session, {one.stale.key for one in found})
        catalogue.lock_specimens_of(session, media.key)
        still = wanted(session, media)
        ready = [one for one in still if one.stale.kind in measured.get(one.sources, {})]
        keys = [_store(session, runtime, run, media, one, measured[one.sources], number) for number, one in enumerate(ready, 1)]
        for key in keys:
            recount.recount(session, key, by=run.key, at=runtime.clock())
        why = "" if keys else "Nothing on the image is stale that could be measured anew."
        mark = StepMark("done" if keys else "nothing found", why, time.monotonic() - started, tuple(keys))
        tasks.end_step(session, run.key, media.key, step.name, mark)


def _measured(one: Remake, step: StepPlan, media: Media, blobs: Blobs) -> dict[str, Finding]:
    """The findings by kind; none where the outline cannot be measured."""
    blank = SheetImage(np.broadcast_to(np.zeros((1, 1, 3), np.uint8), (media.height_px, media.width_px, 3)))
    canvas, load = Canvas(media.width_px, media.height_px), partial(masks.load, blobs)
    rulers = () if one.ruler is None else (_told(one.ruler, canvas, load),)
    earlier = {"ruler": rulers, "specimen": (_told(one.outline, canvas, load),)}
    found = remeasure.run(blank, step.parameters, StepContext("", earlier)).findings
    return {finding.kind: finding for finding in found}


def _told(annotation: Annotation, canvas: Canvas, load: LoadMask) -> Finding:
    return statements.finding_of(annotation, shown_region(annotation, canvas, load))


def _store(
    session: Session,
    runtime: Runtime,
    run: Run,
    media: Media,
    one: Remake,
    found: dict[str, Finding],
    number: int,
) -> str:
    addresses, at, finding = runtime.addresses, runtime.clock(), found[one.stale.kind]
    ruler, outline = ("" if key is None else addresses.annotation(key.key) for key in (one.ruler, one.outline))
    source = statements.StatementSource(run, STEP, media, addresses, at, rests_on=ruler, outline=outline)
    document = statements.statement(finding, number, source)
    document["wasRevisionOf"] = f"{addresses.annotation(one.stale.key)}/versions/{one.stale.version}"
    return annotations.create_machine(
        session,
        document,
        media=media,
        run_key=run.key,
        kind=finding.kind,
        value=finding.value,
        unit=finding.unit,
        text=finding.text,
        remakes=bases.first_of(session, one.stale.key),
        addresses=addresses,
        at=at,
    ).key
