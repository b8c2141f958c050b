"""What people do on the page of a specimen: judge, correct, comment, measure, take back.

Each is a form that works without scripts and leads back to the page at the same place; with scripts the page sends it and takes
over what has changed (frontend/src/workplace.js). What is allowed is decided by the services, as for `/api/` and `/annotations/`.
"""

import re
from urllib.parse import urlencode

from flask import Blueprint, Response, request, url_for

from annotations import service as annotations
from annotations.proposals import service as proposals
from annotations.proposals.service import Asked
from annotations.proposed.form import LONGEST_VALUE
from annotations.review import service as review
from annotations.states.derive import VERDICTS
from app.runtime import context, principal
from app.runtime.errors import Invalid
from app.web.account.forms import field
from app.web.specimens import answers, measured_lines, threads
from app.web.specimens.measured_lines import Line
from iiif.catalogue import service as catalogue
from iiif.catalogue.visibility import view_of

blueprint = Blueprint("answering", __name__)
KEPT = ("layer", "state", "q", "canvas", "xywh")
MOST_KEPT = 200
DECIMAL = re.compile(r"\d{1,9}(?:\.\d{1,9})?", re.ASCII)


@blueprint.post("/specimens/<key>/verdicts")
def judge(key: str) -> Response:
    """A verdict about a statement; `text` or `value` that differ from it make it a correction."""
    by, runtime = principal.of_page_writer(), context.current()
    name, said = field("annotation", 64), field("verdict", 20)
    verdict = next((known for known in VERDICTS if known == said), None)
    if verdict is None:
        raise Invalid(f"verdict is one of {', '.join(VERDICTS)}.", parameter="verdict")
    reason, version = field("reason", 40), field("version", 9)
    with runtime.db.begin() as session:
        correction = None
        if "text" in request.form or "value" in request.form:
            judged = annotations.get(session, name, by=by)
            correction = answers.correction(judged, field("text", answers.LONGEST_TEXT + 1000), field("value", 40))
        judgement = review.Judgement(
            name,
            int(version) if version.isascii() and version.isdigit() else 0,
            verdict,
            reason,
            field("comment", review.LONGEST_COMMENT),
            correction,
        )
        review.judge(session, judgement, by=by, addresses=runtime.addresses, at=runtime.clock())
    return _back(key, f"finding-{name}")


@blueprint.post("/specimens/<key>/verdicts/<verdict>/undo")
def undo(key: str, verdict: str) -> Response:
    """Take a verdict back."""
    by, runtime = principal.of_page_writer(), context.current()
    with runtime.db.begin() as session:
        judged = review.undo(session, verdict[:64], by=by, at=runtime.clock())
    return _back(key, f"finding-{judged.annotation_key}")


@blueprint.post("/specimens/<key>/comments")
def comment(key: str) -> Response:
    """A comment on the specimen, or on what `about` names: a statement, or a comment, to which it replies."""
    by, runtime = principal.of_page_writer(), context.current()
    about, text = field("about", 64), field("text", 20_000)
    with runtime.db.begin() as session:
        specimen = catalogue.get_specimen(session, key)
        principal.require(by, "annotate", specimen)
        named = annotations.get(session, about, by=by) if about else None
        document = answers.comment(text, named, key, by=by, addresses=runtime.addresses)
        said = annotations.create(session, document, by=by, addresses=runtime.addresses, at=runtime.clock())
    return _back(key, f"comment-{said.key}")


@blueprint.post("/specimens/<key>/statements/<name>/<any(change, delete):deed>")
def revise(key: str, name: str, deed: str) -> Response:
    """Change the words of a comment, or delete a comment or another statement of people: of one's own, or as a curator."""
    by, runtime = principal.of_page_writer(), context.current()
    if_match = frozenset((field("etag", 64),)) if request.form.get("etag") else None
    with runtime.db.begin() as session:
        at, addresses = runtime.clock(), runtime.addresses
        found = annotations.get(session, name[:64], by=by)
        if found.layer == "machine":
            raise Invalid("A machine said this: say that it is wrong, and it stays as it was said.")
        if deed == "delete":
            annotations.delete(session, found.key, by=by, at=at, if_match=if_match)
            return _back(key, "comments" if threads.is_comment(found) else "findings")
        if not threads.is_comment(found):
            raise Invalid("Only the words of a comment are changed here.")
        document = answers.edited(found, field("text", 20_000))
        annotations.replace(session, found.key, document, by=by, addresses=addresses, at=at, if_match=if_match)
    return _back(key, f"comment-{name}")


@blueprint.post("/specimens/<key>/proposals")
def propose(key: str) -> Response:
    """Propose a value for a term of the record, read from the statement `source` where it names one."""
    by, runtime = principal.of_page_writer(), context.current()
    value, verbatim = field("value", LONGEST_VALUE).strip(), field("verbatim", 2 * LONGEST_VALUE).replace("\r\n", "\n").strip()
    if not value or len(verbatim) > LONGEST_VALUE:
        raise Invalid(f"A proposed value has from 1 to {LONGEST_VALUE:,} characters.", parameter="value")
    asked = Asked(key, field("term", 200), value, verbatim, field("source", 64))
    with runtime.db.begin() as session:
        principal.require(by, "annotate", catalogue.get_specimen(session, key))
        told = proposals.propose(session, asked, by=by, addresses=runtime.addresses, at=runtime.clock())
    return _back(key, f"finding-{told.proposal.annotation.key}")


@blueprint.post("/specimens/<key>/lines")
def measure(key: str) -> Response:
    """Measure a line on an image by the scale that counts for it, and keep it as one's statement."""
    by, runtime = principal.of_page_writer(), context.current()
    with runtime.db.begin() as session:
        principal.require(by, "annotate", catalogue.get_specimen(session, key))
        media = catalogue.get_media(session, catalogue.get_depiction(session, key, field("media", 64)).media_key)
        view_of(media, by)  # how large a closed image is, is closed with it
        x0, y0, x1, y1 = (_number(name) for name in ("x0", "y0", "x1", "y1"))
        line = Line(x0, y0, x1, y1, _number("step", 1.0), _name())
        line.check(media)
        ruler = annotations.scale_of(session, [media.key], by=by).get(media.key)
        measured = measured_lines.length(line, ruler, runtime.addresses)
        document = measured_lines.statement(line, measured, media, key, by=by, addresses=runtime.addresses)
        said = annotations.create(
            session, document, by=by, addresses=runtime.addresses, at=runtime.clock(), kind=measured_lines.KIND
        )
    return _back(key, f"finding-{said.key}")


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
    """303 to the page of the specimen as it was looked at."""
    path = url_for("specimens.specimen", key=key)
    response = Response(status=303, headers={"Location": f"{path}{looked_at()}#{anchor}"})
    response.headers["Cache-Control"] = "no-store"
    return response


def looked_at() -> str:
    """The part of the query that says what is looked at, with its question mark; empty where it says nothing."""
    said = urlencode([(name, value) for name in KEPT for value in request.args.getlist(name)[:MOST_KEPT]])
    return f"?{said}" if said else ""
