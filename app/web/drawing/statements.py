"""The page of one statement, and what people answer there. Each answer is a form that works without script."""

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session

from annotations import service as annotations
from annotations.model import Annotation
from annotations.review import service as review
from annotations.review.service import REASONS
from annotations.states.derive import VERDICTS
from app.runtime import context, principal
from app.runtime.errors import Conflict, Gone, Invalid, NotFound, StaleVersion
from app.runtime.principal import Principal, may
from app.web import layout, refusals
from app.web.account.forms import field, local, to
from app.web.drawing import statement_page
from app.web.drawing.views import CLASSES
from app.web.refusals import Refusal
from app.web.specimens import answers, changes
from app.web.statements import history

blueprint = Blueprint("statement", __name__)
LONGEST_KEY = 64
REFUSED = (Invalid, Conflict, StaleVersion, Gone, NotFound)


@blueprint.get("/statements/<key>")
def statement(key: str) -> Response:
    """One statement: where it lies, what it says, who says so and by what, how it stands, and what was replied."""
    return _page(key, principal.of_page())


@blueprint.post("/statements/<key>/verdicts")
def judge(key: str) -> Response:
    """Accept it, or say that it is wrong and why: 303 to the page; the page with a sentence where somebody was faster."""
    by, runtime = principal.of_page_writer(), context.current()
    said, version = field("verdict", 20), field("version", 9)
    verdict = next((known for known in VERDICTS if known == said), None)
    try:
        if verdict is None:
            raise Invalid(f"verdict is one of {', '.join(VERDICTS)}.", parameter="verdict")
        seen = int(version) if version.isascii() and version.isdigit() else 0
        comment = field("comment", review.LONGEST_COMMENT)
        judgement = review.Judgement(key[:LONGEST_KEY], seen, verdict, field("reason", 40), comment)
        with runtime.db.begin() as session:
            review.judge(session, judgement, by=by, addresses=runtime.addresses, at=runtime.clock())
    except REFUSED as error:
        return _page(key, by, Refusal(error, "judge", "", request.form.to_dict()))
    following = local(field("next", 2100))
    return to(following if following != "/" else f"/statements/{key[:LONGEST_KEY]}")


@blueprint.post("/statements/<key>/verdicts/<verdict>/undo")
def undo(key: str, verdict: str) -> Response:
    """Take a verdict back: 303 to the page."""
    by, runtime = principal.of_page_writer(), context.current()
    with runtime.db.begin() as session:
        review.undo(session, verdict[:LONGEST_KEY], by=by, at=runtime.clock())
    return to(f"/statements/{key[:LONGEST_KEY]}")


@blueprint.post("/statements/<key>/comments")
def comment(key: str) -> Response:
    """A comment on it, or a reply to the comment that `about` names: 303 to the page."""
    by, runtime = principal.of_page_writer(), context.current()
    about = field("about", LONGEST_KEY) or key[:LONGEST_KEY]
    try:
        with runtime.db.begin() as session:
            named = annotations.get(session, about, by=by)
            document = _comment(session, key[:LONGEST_KEY], named, by)
            said = annotations.create(session, document, by=by, addresses=runtime.addresses, at=runtime.clock())
    except REFUSED as error:
        return _page(key, by, Refusal(error, f"say-{about}", about, request.form.to_dict()))
    return to(f"/statements/{key[:LONGEST_KEY]}#comment-{said.key}")


def _comment(session: Session, key: str, named: Annotation, by: Principal) -> dict[str, object]:
    """Raises Invalid, and as `annotations.get` does for the statement of the page."""
    annotations.get(session, key, by=by)
    text = field("text", 20_000)
    return answers.comment(text, named, named.specimen_key, by=by, addresses=context.current().addresses)


def _page(key: str, by: Principal, refused: Refusal = refusals.NONE) -> Response:
    runtime = context.current()
    with runtime.reads.begin() as session:
        page = statement_page.look(session, key[:LONGEST_KEY], by, runtime.addresses)
        proposed = changes.line_of(session, page.statement, runtime.addresses, by)
        versions = history.of(session, page.statement.key, by=by, addresses=runtime.addresses, before=0)
    comments = {one.key for thread in page.threads for one in thread.comments}
    return layout.page(
        "statement.html",
        by=by,
        personal=bool(by.session),
        status=refused.status,
        here="specimens",
        page=page,
        statement=page.statement,
        history=versions,
        proposed=proposed,
        kinds=CLASSES,
        reasons=REASONS[1:],
        writes=may(by, "annotate", page.specimen),
        iri=runtime.addresses.annotation(page.statement.key),
        refused=refused,
        homeless=refused.homeless({"", page.statement.key, *comments}),
    )
