"""What people do on the page of a specimen: judge, correct, comment, measure, take back.

Each is a form that works without scripts and leads back to the page at the same place; with scripts the page sends it and takes
over what has changed (frontend/src/workplace.js). What is allowed is decided by the services, as for `/api/` and `/annotations/`.
"""

import re
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, request, url_for
from sqlalchemy.orm import Session

from annotations import service as annotations
from annotations.proposals import service as proposals
from annotations.proposals.service import Asked
from annotations.proposed.form import LONGEST_VALUE
from annotations.review import service as review
from annotations.states.derive import VERDICTS
from app.runtime import context, principal
from app.runtime.context import Runtime
from app.runtime.errors import DomainError, Invalid
from app.runtime.principal import Principal
from app.web import layout
from app.web.account.forms import field
from app.web.refusals import Refusal
from app.web.specimens import answers, measured_lines, threads, workplace
from app.web.specimens.measured_lines import Line
from iiif.catalogue import service as catalogue
from iiif.catalogue.errors import UnknownSpecimen
from iiif.catalogue.visibility import view_of

blueprint = Blueprint("answering", __name__)
DECIMAL = re.compile(r"\d{1,9}(?:\.\d{1,9})?", re.ASCII)


@blueprint.post("/specimens/<key>/verdicts")
def judge(key: str) -> Response:
    """A verdict about a statement; `text` or `value` that differ from it make it a correction."""
    name = request.form.get("annotation", "")[:64]
    corrects = "text" in request.form or "value" in request.form

    def work(session: Session, by: Principal, runtime: Runtime) -> str:
        said, version, reason = field("verdict", 20), field("version", 9), field("reason", 40)
        verdict = next((known for known in VERDICTS if known == said), None)
        if verdict is None:
            raise Invalid(f"verdict is one of {', '.join(VERDICTS)}.", parameter="verdict")
        correction = None
        if corrects:
            judged = annotations.get(session, name, by=by)
            correction = answers.correction(judged, field("text", answers.LONGEST_TEXT + 1000), field("value", 40))
        seen = int(version) if version.isascii() and version.isdigit() else 0
        comment = field("comment", review.LONGEST_COMMENT)
        judgement = review.Judgement(name, seen, verdict, reason, comment, correction)
        review.judge(session, judgement, by=by, addresses=runtime.addresses, at=runtime.clock())
        return f"finding-{name}"

    return _answered(key, f"edit-{name}" if corrects else f"finding-{name}", name, work)


@blueprint.post("/specimens/<key>/verdicts/<verdict>/undo")
def undo(key: str, verdict: str) -> Response:
    """Take a verdict back."""

    def work(session: Session, by: Principal, runtime: Runtime) -> str:
        return f"finding-{review.undo(session, verdict[:64], by=by, at=runtime.clock()).annotation_key}"

    return _answered(key, "", "", work)


@blueprint.post("/specimens/<key>/comments")
def comment(key: str) -> Response:
    """A comment on the specimen, or on what `about` names: a statement, or a comment, to which it replies."""
    about = request.form.get("about", "")[:64]

    def work(session: Session, by: Principal, runtime: Runtime) -> str:
        text = field("text", 20_000)
        specimen = catalogue.get_specimen(session, key)
        principal.require(by, "annotate", specimen)
        named = annotations.get(session, about, by=by) if about else None
        document = answers.comment(text, named, key, by=by, addresses=runtime.addresses)
        said = annotations.create(session, document, by=by, addresses=runtime.addresses, at=runtime.clock())
        return f"comment-{said.key}"

    return _answered(key, f"say-{about or 'specimen'}", about, work)


@blueprint.post("/specimens/<key>/statements/<name>/<any(change, delete):deed>")
def revise(key: str, name: str, deed: str) -> Response:
    """Change the words of a comment, or delete a comment or another statement of people: of one's own, or as a curator."""

    def work(session: Session, by: Principal, runtime: Runtime) -> str:
        if_match = frozenset((field("etag", 64),)) if request.form.get("etag") else None
        at, addresses = runtime.clock(), runtime.addresses
        found = annotations.get(session, name[:64], by=by)
        if found.layer == "machine":
            raise Invalid("A machine said this: say that it is wrong, and it stays as it was said.")
        if deed == "delete":
            annotations.delete(session, found.key, by=by, at=at, if_match=if_match)
            return "comments" if threads.is_comment(found) else "findings"
        if not threads.is_comment(found):
            raise Invalid("Only the words of a comment are changed here.")
        document = answers.edited(found, field("text", 20_000))
        annotations.replace(session, found.key, document, by=by, addresses=addresses, at=at, if_match=if_match)
        return f"comment-{name}"

    return _answered(key, f"change-{name[:64]}" if deed == "change" else "", name[:64], work)


@blueprint.post("/specimens/<key>/proposals")
def propose(key: str) -> Response:
    """Propose a value for a term of the record, read from the statement `source` where it names one."""

    def work(session: Session, by: Principal, runtime: Runtime) -> str:
        value = field("value", LONGEST_VALUE).strip()
        verbatim = field("verbatim", 2 * LONGEST_VALUE).replace("\r\n", "\n").strip()
        if not value or len(verbatim) > LONGEST_VALUE:
            raise Invalid(f"A proposed value has from 1 to {LONGEST_VALUE:,} characters.", parameter="value")
        asked = Asked(key, field("term", 200), value, verbatim, field("source", 64))
        principal.require(by, "annotate", catalogue.get_specimen(session, key))
        told = proposals.propose(session, asked, by=by, addresses=runtime.addresses, at=runtime.clock())
        return f"finding-{told.proposal.annotation.key}"

    return _answered(key, "propose", "", work)


@blueprint.post("/specimens/<key>/lines")
def measure(key: str) -> Response:
    """Measure a line on an image by the scale that counts for it, and keep it as one's statement."""

    def work(session: Session, by: Principal, runtime: Runtime) -> str:
        principal.require(by, "annotate", catalogue.get_specimen(session, key))
        media = catalogue.get_media(session, catalogue.get_depiction(session, key, field("media", 64)).media_key)
        view_of(media, by)  # how large a closed image is, is closed with it
        x0, y0, x1, y1 = (_number(name) for name in ("x0", "y0", "x1", "y1"))
        line = Line(x0, y0, x1, y1, _number("step", 1.0), _name())
        line.check(media)
        ruler = annotations.scale_of(session, [media.key], by=by).get(media.key)
        measured = measured_lines.length(line, ruler, runtime.addresses)
        document = measured_lines.statement(line, measured, media, key, by=by, addresses=runtime.addresses)
        how: Any = {"by": by, "addresses": runtime.addresses, "at": runtime.clock()}
        return f"finding-{annotations.create(session, document, kind=measured_lines.KIND, **how).key}"

    return _answered(key, "measuring", "", work)


def _answered(key: str, form: str, about: str, work: Callable[[Session, Principal, Runtime], str]) -> Response:
    """303 to what `work` names on the page. Where it is refused, people get the page with that form open, the reason and what
    they typed (see `Refusal`), and programs the problem. What comes from other sites gets nothing of it back."""
    by, runtime = principal.of_page(), context.current()
    try:
        if not by.name:
            principal.of_page_writer()
        with runtime.db.begin() as session:
            anchor = work(session, by, runtime)
    except DomainError as error:
        if not layout.wants_page() or not (by.name or by.refused):
            raise
        try:
            return workplace.page(key, by, Refusal(error, form, about, request.form.to_dict()))
        except UnknownSpecimen:  # there is no page to show it on
            raise error from None
    return _back(key, anchor)


def _name() -> str:
    return " ".join(field("name", measured_lines.LONGEST_NAME).split())


def _number(name: str, otherwise: float | None = None) -> float:
    text = field(name, 40).strip()
    if not text and otherwise is not None:
        return otherwise
    if not DECIMAL.fullmatch(text):
        raise Invalid(f"{name} is a number of pixels, such as 1204.5.", parameter=name)
    return float(text)


def _back(key: str, anchor: str) -> Response:
    """303 to the page of the specimen as it was looked at; where that has several pages of findings, to the one with this."""
    path, about = url_for("specimens.specimen", key=key), anchor.partition("-")[2]
    paged = {"finding": about} if "findings" in request.args and about else {}
    response = Response(status=303, headers={"Location": f"{path}{workplace.looked_at(**paged)}#{anchor}"})
    response.headers["Cache-Control"] = "no-store"
    return response
