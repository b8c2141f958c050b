"""The page on which people draw. Its form works without script; with one, `src/draw` takes its place and asks the API."""

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session

from annotations import creators, frames
from annotations import service as annotations
from annotations.errors import EtagMismatch, VersionPassed
from annotations.model import Annotation, Canvas
from annotations.review import service as review
from annotations.search.vocabulary import KINDS
from annotations.validation import CONTEXT
from app.problems import status_of
from app.runtime import context, principal
from app.runtime.errors import Conflict, DomainError, Gone, Invalid, StaleVersion
from app.runtime.principal import Principal
from app.web import layout, statement_words
from app.web.account import forms
from app.web.drawing import statement_form
from app.web.drawing.statement_form import Drawn, Said
from iiif.catalogue import service as catalogue
from iiif.catalogue.errors import UnknownMedia
from iiif.catalogue.model import Media, Specimen
from iiif.catalogue.visibility import view_of
from ontology import segment_classes

CLASSES = {**{one.name: one.label for one in segment_classes.CLASSES.values()}, **KINDS}
UNITS = ("mm", "mm²", "cm", "µm", "px/mm", "px", "px²", "°")
blueprint = Blueprint("drawing", __name__, template_folder="templates")


@dataclass(frozen=True, slots=True)
class Place:
    """The image that is drawn on, under the specimen of the page."""

    specimen: Specimen
    media: Media

    @property
    def canvas(self) -> Canvas:
        return Canvas(self.media.width_px, self.media.height_px)


@blueprint.get("/specimens/<key>/draw/<media_key>")
def draw(key: str, media_key: str) -> Response:
    """Draw on an image, or correct the statement that `annotation` names; `next` is where to go on to when it is kept."""
    by, runtime = principal.of_page(), context.current()
    with runtime.reads.begin() as session:
        place = place_of(session, key, media_key, by)
        stands = _stands(session, place, by, request.args.get("annotation", "")[:64])
    said, drawn = _shown(stands, place) if stands else (Said(), Drawn())
    return _page(place, by, stands, said, drawn, request.args.get("next", ""))


@blueprint.post("/specimens/<key>/draw/<media_key>")
def keep(key: str, media_key: str) -> Response:
    """What the form without script says: a new statement, a change of one's own, or a correction of a machine's. 303 to it."""
    by, runtime = principal.of_page_writer(), context.current()
    asked = request.form.get("annotation", "")[:64]
    with runtime.reads.begin() as session:
        place = place_of(session, key, media_key, by)
        stands = _standing(session, place, by, asked)
    try:
        said, drawn = statement_form.said_in(request.form), statement_form.drawn_in(request.form)
        with runtime.db.begin() as session:
            kept = _store(session, place, by, asked, said, drawn)
    except (Invalid, Conflict, StaleVersion, Gone) as error:
        kept_said = Said(**{name: request.form.get(name, "") for name in Said.__slots__})
        kept_drawn = Drawn(**{name: request.form.get(name, "") for name in Drawn.__slots__})
        return _page(place, by, stands, kept_said, kept_drawn, request.form.get("next", ""), error)
    following = forms.local(request.form.get("next", ""))
    return forms.to(following if following != "/" else f"/statements/{kept}")


def place_of(session: Session, key: str, media_key: str, by: Principal) -> Place:
    """The image under that specimen, which `by` may draw on. Raises NotFound, Closed, NotYours, NotAllowed, Forbidden."""
    specimen, media = catalogue.get_specimen(session, key[:64]), catalogue.get_media(session, media_key[:64])
    catalogue.get_depiction(session, specimen.key, media.key)
    view_of(media, by)
    principal.require(by, "annotate", specimen)
    if media.state != "ready":
        raise UnknownMedia(f"The image {media.key!r} cannot be drawn on before it can be shown.")
    return Place(specimen, media)


def _stands(session: Session, place: Place, by: Principal, key: str) -> Annotation | None:
    """The statement that is to be edited. Raises as `annotations.get` does, and Invalid for one that lies elsewhere."""
    if not key:
        return None
    found = annotations.get(session, key, by=by).seen_from(media_key=place.media.key)
    if found.media_key != place.media.key or found.layer == "review":
        raise Invalid("This statement is not about this image.", parameter="annotation")
    return found


def _standing(session: Session, place: Place, by: Principal, key: str) -> Annotation | None:
    """The same, None also for what was deleted or withdrawn meanwhile."""
    try:
        return _stands(session, place, by, key)
    except Gone:
        return None


def _shown(stands: Annotation, place: Place) -> tuple[Said, Drawn]:
    region = frames.shown_region(stands, place.canvas)
    return statement_form.said_of(stands.document), statement_form.drawn_of(region)


def _store(session: Session, place: Place, by: Principal, key: str, said: Said, drawn: Drawn) -> str:
    """Keep what the form says; the key of what says it now."""
    runtime = context.current()
    addresses, at = runtime.addresses, runtime.clock()
    how: Any = {"by": by, "addresses": addresses, "at": at}
    selector = statement_form.selector_of(drawn)
    target: Any = {"source": addresses.canvas(place.specimen.key, place.media.key)}
    target |= {"selector": selector} if selector else {}
    known = [f"{addresses.base}/ns/1/context.jsonld", CONTEXT]
    stands = _stands(session, place, by, key)
    if stands is None:
        document = statement_form.with_said({"@context": known, "type": "Annotation"}, said)
        if not selector and said == Said():
            raise Invalid("Draw or write something first.")
        document = creators.in_own_name({**document, "target": target}, by, addresses)
        return annotations.create(session, document, **how).key
    before, shown = _shown(stands, place)
    document = statement_form.with_said(stands.document, said, stands.kind)
    if drawn != shown:
        document["target"] = target
    if (said, drawn) == (before, shown):
        return stands.key
    if not _mine(stands, by):
        correction = {name: document[name] for name in ("motivation", "body", "bodyValue", "target") if name in document} | {
            "@context": known
        }
        reason, version = statement_form.reason_of(before, said), forms.field("version")
        judgement = review.Judgement(stands.key, _number(version), "rejected", reason, correction=correction)
        return review.judge(session, judgement, **how).correction_key
    return annotations.replace(session, stands.key, document, if_match=frozenset([forms.field("etag")]), **how).key


def _mine(stands: Annotation, by: Principal) -> bool:
    """Whether it is changed, as one's own, rather than corrected."""
    if stands.layer == "machine" or not by.account:
        return stands.layer != "machine"
    return context.current().addresses.pid(by.account) in statement_words.creators(stands)


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise Invalid("The version of what was seen is missing: open the page again.", parameter="version")
    return int(text)


def _page(
    place: Place,
    by: Principal,
    stands: Annotation | None,
    said: Said,
    drawn: Drawn,
    following: str,
    error: DomainError | None = None,
) -> Response:
    passed = isinstance(error, EtagMismatch | VersionPassed)
    mine, back = _mine(stands, by) if stands else True, forms.local(following) if following else ""
    return drawing_page(
        "draw.html",
        place,
        by,
        status=status_of(error) if error else 200,
        wrong=error.sentence if error else "",
        heading=("Edit a statement" if mine else "Correct a statement") if stands else "Draw",
        back=back,
        following=back,
        mine=mine,
        curates=principal.may(by, "curate", place.specimen),
        stands=stands,
        said=said,
        drawn=drawn,
        classes=CLASSES,
        units=UNITS,
        theirs=_shown(stands, place) if passed and stands else None,
    )


def drawing_page(template: str, place: Place, by: Principal, *, status: int, **told: Any) -> Response:
    """A page on which people draw on the image (templates/drawing_page.html, editor.html), with what else its template needs."""
    addresses = context.current().addresses
    return layout.page(
        template,
        by=by,
        personal=True,
        status=status,
        here="specimens",
        specimen=place.specimen,
        media=place.media,
        canvas=addresses.canvas(place.specimen.key, place.media.key),
        base=addresses.base,
        me=addresses.pid(by.account) if by.account else "",
        **told,
    )
