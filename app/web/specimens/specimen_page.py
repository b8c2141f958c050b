"""What the page of a specimen shows, gathered with a query for each sort of thing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from analytics import service as analytics
from analytics.model import Run
from annotations import service as annotations
from annotations.model import Annotation
from annotations.proposed.form import KIND as PROPOSAL
from annotations.review import service as review
from annotations.review.service import REASONS, Opinion
from app.runtime import context
from app.runtime.accounts import store as accounts
from app.runtime.addresses import Addresses
from app.runtime.context import Runtime
from app.runtime.principal import Principal, may
from app.web import sharing, statement_words
from app.web.image_links import is_pictured, picture_of
from app.web.runs import listing
from app.web.runs.lines import RunLine
from app.web.sharing import Sharing
from app.web.specimens import (
    annotation_cards,
    citing,
    downloads,
    finding_pages,
    layers,
    original_files,
    record,
    shared_view,
    threads,
)
from app.web.specimens.layers import Chosen
from app.web.specimens.opinions import Viewer
from app.web.specimens.shared_view import Place
from iiif.catalogue import places, records
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media, Specimen
from iiif.catalogue.visibility import sees
from iiif.image.request import SizeLimits
from iiif.presentation.canvases import canvas_views
from iiif.presentation.manifest import canvas_address
from iiif.presentation.model import CanvasView

FIRST_VIEW_PX = (640, 640)  # what 40 kB of WebP hold; the viewer follows with more


@dataclass(frozen=True, slots=True)
class Looked:
    """The specimen as `by` sees it, with its images and canvases, the day of this version of its record, and by image why its
    file is not given out."""

    specimen: Specimen
    media: Sequence[Media]
    seen: Sequence[Media]
    views: Sequence[CanvasView]
    viewer: Viewer
    day: date
    kept: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Said:
    """All that is said of it: statements, comments, standing verdicts, the scales that count, what the newest runs came to, the
    runs that said something, by key, and who is who."""

    statements: tuple[Annotation, ...]
    opinions: Mapping[str, tuple[Opinion, ...]]
    rulers: Mapping[str, Annotation]
    runs: Sequence[RunLine]
    spoke: Mapping[str, Run]
    people: Mapping[str, str]
    names: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ScaleLine:
    """The scale that counts for an image: pixels for one millimetre and their standard uncertainty, empty where there is none."""

    media_key: str
    canvas: str
    file_name: str
    width_px: int
    height_px: int
    px_per_mm: str
    uncertainty: str


def look(session: Session, key: str, by: Principal, addresses: Addresses) -> Looked:
    """Raises UnknownSpecimen."""
    specimen = places.as_seen(catalogue.get_specimen(session, key), by)
    media = catalogue.media_of(session, key)
    seen = [image for image in media if sees(image, by)]
    views = canvas_views(session, key, [image for image in seen if image.state == "ready"], by)
    viewer = Viewer(by, may(by, "annotate", specimen), addresses.pid(by.account) if by.account else "")
    settings = context.current().settings
    kept = {one.key: original_files.refused(session, one, settings, by) for one in seen}
    return Looked(specimen, media, seen, views, viewer, records.day_of(session, specimen), kept)


def listen(session: Session, looked: Looked, addresses: Addresses) -> Said:
    """Everything that is said, whatever layers are on."""
    by, keys = looked.viewer.by, [image.key for image in looked.seen]
    statements = annotations.of_specimen(session, looked.specimen.key, by=by, fallen=True)
    judged = [one.key for one in statements if by.account or one.state_reason is not None]
    opinions = review.opinions(session, judged) if judged else {}
    names, known = people(session, statements, [one.account for several in opinions.values() for one in several], addresses)
    return Said(
        statements,
        opinions,
        annotations.scale_of(session, keys, by=by) if keys else {},
        listing.of_media(session, looked.seen),
        analytics.by_key(session, sorted({one.run_key for one in statements if one.run_key})),
        known,
        names,
    )


def people(
    session: Session, statements: Sequence[Annotation], judges: Sequence[str], addresses: Addresses
) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """What those with an account are called now who made the statements or judged them: by account, and by identifier."""
    ours = addresses.pid("")
    named = {iri.removeprefix(ours) for one in statements for iri in statement_words.creators(one) if iri.startswith(ours)}
    names = accounts.names(session, named.union(judges)) if named or judges else {}
    return names, {addresses.pid(key): name for key, name in names.items()}


def values(
    looked: Looked, said: Said, chosen: Chosen, place: Place, runtime: Runtime, *, number: int = 1, sought: str = ""
) -> dict[str, Any]:
    """What the template needs, with that page of the findings, or the one on which the statement `sought` stands, or a comment
    on it."""
    addresses, settings = runtime.addresses, runtime.settings
    provider, limits = settings.provider_name, SizeLimits(settings.max_width, settings.max_area)
    specimen, views, viewer = looked.specimen, looked.views, looked.viewer
    talk = threads.threads(said.statements, said.people, viewer, addresses.annotation(""))
    statements = [one for one in said.statements if not threads.is_comment(one) and one.kind != PROPOSAL]
    shared = {view.media.key for view in views if view.others_total}
    told = (specimen.catalog_number, looked.media, shared, said.rulers, said.people, addresses)
    sheet = annotation_cards.Sheet(*told, said.names, said.opinions, talk, viewer)
    shown = [one for one in statements if chosen.shows(one) or (chosen.is_usual and _is_own_verdict(one, said, viewer))]
    listed = finding_pages.page_of(annotation_cards.in_order(shown), number, talk.commented(sought))
    pictured = [view for view in views if is_pictured(view.media)]
    return {
        "specimen": specimen,
        "name": specimen.scientific_name,
        "type_status": specimen.interpreted.get("typeStatus", ""),
        "picture": picture_of(pictured[0].media, FIRST_VIEW_PX, pictured[0].segment, "webp") if pictured else None,
        "unready": [image for image in looked.seen if image.state != "ready"],
        "closed": [image for image in looked.media if image.access == "closed"],
        "images": looked.seen,
        "rights": {image.key: record.rights(specimen, image) for image in looked.seen},
        "withheld": record.withheld(specimen, viewer.by),
        "shown": {view.media.key: view for view in views if view.segment is None},
        "groups": annotation_cards.groups(listed.placed, sheet, viewer.by),
        "listed": listed,
        "statements": len(said.statements),
        "cut_off": len(said.statements) == annotations.MAX_OF_SPECIMEN,
        "all_off": bool(statements) and not shown,
        "silence": silence(looked.seen, said.runs, hidden=bool(statements)),
        "runs": said.runs,
        "running": sum(run.state in ("running", "waiting") for run in said.runs),
        "sections": record.sections(specimen),
        "manifest": addresses.manifest(specimen.key),
        "record_url": addresses.specimen_record(specimen.key),
        "pid": addresses.pid(specimen.key),
        "cite": citing.source(specimen, provider, addresses.pid(specimen.key), looked.day).text,
        "cite_forms": citing.TITLES,
        "takes": downloads.images(looked.seen, limits, looked.kept),
        "layers": layers.runs(statements, said.spoke, chosen),
        "states": layers.states(statements, chosen),
        "usual": chosen.is_usual,
        "layer_query": chosen.query,
        "talk": talk.on(""),
        "spoken": talk.keys(listed.keys),
        "talk_beside": " ".join(talk.beside(listed.keys)),
        "writes": viewer.may_write,
        "reasons": REASONS[1:],
        "place": place,
        "page_url": addresses.specimen_page(specimen.key),
        "links": shared_view.links(specimen, place, chosen.query, addresses),
        "sharing": _sharing(specimen, pictured, runtime),
        "scales": scales(specimen, views, said.rulers, addresses),
    }


def _is_own_verdict(annotation: Annotation, said: Said, viewer: Viewer) -> bool:
    """Whether who looks has judged it: that stays in sight, to be taken back."""
    return any(one.account == viewer.by.name for one in said.opinions.get(annotation.key, ()))


def _sharing(specimen: Specimen, pictured: Sequence[CanvasView], runtime: Runtime) -> Sharing | None:
    if not pictured:
        return None
    canvas, title = canvas_address(specimen, pictured[0], runtime.addresses), specimen.scientific_name or specimen.key
    return sharing.of_specimen(specimen.key, title, canvas, runtime.addresses, runtime.settings)


def scales(
    specimen: Specimen, views: Sequence[CanvasView], rulers: Mapping[str, Annotation], addresses: Addresses
) -> list[ScaleLine]:
    """For each image that a line can be laid on."""
    found = []
    for view in views:
        if view.segment is not None or not is_pictured(view.media):
            continue
        image, ruler = view.media, rulers.get(view.media.key)
        per_mm = f"{ruler.value:.9g}" if ruler is not None and ruler.value else ""
        of_scale = annotation_cards.uncertainty_of(ruler.document) if ruler is not None and per_mm else None
        where = (image.key, canvas_address(specimen, view, addresses), image.file_name, image.width_px, image.height_px)
        found.append(ScaleLine(*where, per_mm, f"{of_scale or 0:.9g}" if per_mm else ""))
    return found


def silence(images: Sequence[Media], runs: Sequence[RunLine], *, hidden: bool) -> str:
    """Why nothing is said of a specimen of which nothing is."""
    if hidden:
        return "All that is said of it is in layers that are switched off."
    if not images:
        return "Nothing is said of it: it has no image that can be analysed."
    if not runs:
        return "Nothing is said of it: no analysis has run over its images yet."
    if all(run.state == "retracted" for run in runs):
        return "Nothing that was said of it stands: the analyses were retracted."
    return "Nothing that is said of it stands; how the analyses ended is told below."
