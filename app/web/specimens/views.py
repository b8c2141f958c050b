"""The search page and the page of a specimen."""

from collections.abc import Mapping, Sequence

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session

from annotations import service as annotations
from annotations.model import Annotation
from app.runtime import context, principal
from app.runtime.accounts import store as accounts
from app.runtime.addresses import Addresses
from app.runtime.http import integer
from app.web import layout
from app.web.image_links import is_pictured, picture_of
from app.web.runs import listing
from app.web.runs.lines import RunLine
from app.web.specimens import annotation_cards, record, search_page, sharing, statement_words
from iiif.catalogue import places
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media
from iiif.catalogue.visibility import sees
from iiif.presentation.canvases import canvas_views
from iiif.presentation.manifest import canvas_address

SHOWN = 24
LONGEST_QUERY = 500
FIRST_VIEW_PX = (640, 640)  # what 40 kB of WebP hold; the viewer follows with more
blueprint = Blueprint("specimens", __name__, template_folder="templates")


@blueprint.get("/")
def home() -> Response:
    """The search with its facets; without words, all specimens."""
    runtime = context.current()
    asked = search_page.PageQuestion.of(request.args, integer("page", 1, 1, 1_000))
    by = principal.of_page()
    with runtime.reads.begin() as session:
        work = listing.work(session)
        specimens = catalogue.count_specimens(session)
        shown = search_page.look(session, runtime, asked, SHOWN, by) if specimens else search_page.NOTHING
    status = shown.trouble.status if shown.trouble else 200
    values = shown.for_template(asked, SHOWN)
    response = layout.page("search.html", by=by, status=status, here="specimens", work=work, specimens=specimens, **values)
    if status == 503:
        response.headers["Retry-After"] = "5"
        response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get("/specimens/<key>")
def specimen(key: str) -> Response:
    """One specimen: viewer, findings, record."""
    runtime = context.current()
    addresses, by = runtime.addresses, principal.of_page()
    with runtime.reads.begin() as session:
        found = places.as_seen(catalogue.get_specimen(session, key), by)
        media = catalogue.media_of(session, key)
        statements = annotations.of_specimen(session, key, by=by)
        views = canvas_views(session, key, [image for image in media if image.state == "ready" and sees(image, by)], by)
        namesakes = catalogue.same_number(session, found)
        seen = [image for image in media if sees(image, by)]
        runs = listing.of_media(session, seen)
        rulers = annotations.scale_of(session, [image.key for image in seen], by=by)
        people = _people(session, statements, addresses)
    shared = {view.media.key for view in views if view.others_total}
    sheet = annotation_cards.Sheet(found.catalog_number, media, shared, rulers, people, addresses)
    pictured = [view for view in views if is_pictured(view.media)]
    share = None
    if pictured:
        share = sharing.of_specimen(key, found.scientific_name or key, canvas_address(found, pictured[0], addresses), addresses)
    response = layout.page(
        "specimen.html",
        by=by,
        here="specimens",
        q=request.args.get("q", "")[:LONGEST_QUERY],
        specimen=found,
        name=found.scientific_name,
        type_status=found.interpreted.get("typeStatus", ""),
        picture=picture_of(pictured[0].media, FIRST_VIEW_PX, pictured[0].segment, "webp") if pictured else None,
        unready=[image for image in media if image.state != "ready" and sees(image, by)],
        closed=[image for image in media if image.access == "closed"],
        images=seen,
        rights={image.key: record.rights(found, image) for image in seen},
        withheld=record.withheld(found, by),
        shown={view.media.key: view for view in views if view.segment is None},
        namesakes=namesakes,
        groups=annotation_cards.groups(statements, sheet, by),
        statements=len(statements),
        cut_off=len(statements) == annotations.MAX_OF_SPECIMEN,
        silence=_silence(seen, runs),
        runs=runs,
        running=sum(run.state in ("running", "waiting") for run in runs),
        sections=record.sections(found),
        manifest=addresses.manifest(key),
        record_url=addresses.specimen_record(key),
        pid=addresses.pid(key),
        cite=record.citation(found, runtime.settings.provider_name, addresses.pid(key)),
        sharing=share,
    )
    if share:
        response.headers.add("Link", share.link_header)
    return response


def _people(session: Session, statements: Sequence[Annotation], addresses: Addresses) -> Mapping[str, str]:
    """What those with an account are called now who made the statements, by their identifiers."""
    ours = addresses.pid("")
    keys = {iri.removeprefix(ours) for one in statements for iri in statement_words.creators(one) if iri.startswith(ours)}
    return {addresses.pid(key): name for key, name in accounts.names(session, keys).items()} if keys else {}


def _silence(images: Sequence[Media], runs: Sequence[RunLine]) -> str:
    """Why nothing is said of a specimen of which nothing is."""
    if not images:
        return "Nothing is said of it: it has no image that can be analysed."
    if not runs:
        return "Nothing is said of it: no analysis has run over its images yet."
    if all(run.state == "retracted" for run in runs):
        return "Nothing that was said of it stands: the analyses were retracted."
    return "Nothing that is said of it stands; how the analyses ended is told below."
