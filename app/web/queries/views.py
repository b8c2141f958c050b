"""My questions, and the page of each: what it asks, what it finds now, its versions, and its feed."""

from flask import Blueprint, Response, request
from werkzeug.datastructures import MultiDict

from annotations.saved import service
from annotations.saved.service import Saved
from annotations.search import service as search
from app.runtime import context, principal
from app.runtime.accounts import store as accounts
from app.runtime.errors import Invalid, NotAllowed, TooMuch, Unavailable
from app.runtime.http import integer
from app.runtime.principal import HOW_TO_ASK
from app.web import layout
from app.web.account import forms
from app.web.specimens import hit_views
from app.web.specimens.search_question import PageQuestion

blueprint = Blueprint("queries", __name__, template_folder="templates")
SHOWN = 6
LISTED = 50


@blueprint.get("/queries")
def mine() -> Response:
    """The questions of who is signed in."""
    by, after = principal.of_page(), request.args.get("after", "")[:16]
    if not by.session:  # tokens have no pages of their own: they ask /api/queries
        raise NotAllowed(by.refused or HOW_TO_ASK)
    with context.current().reads.begin() as session:
        found = service.of_owner(session, by.name, after=after, limit=LISTED + 1)
    more = found[LISTED - 1].key if len(found) > LISTED else ""
    return layout.page("queries.html", by=by, here="queries", personal=True, saved=found[:LISTED], more=more)


@blueprint.post("/queries")
def save() -> Response:
    """Save the question of the search page; leads to its page."""
    by, runtime = principal.of_page_writer(), context.current()
    title, question = forms.field("title", service.LONGEST_TITLE), forms.field("question", service.LONGEST)
    with runtime.db.begin() as session:
        saved = service.save(session, title, question, by=by, naan=runtime.settings.naan, at=runtime.clock())
    return forms.to(f"/queries/{saved.key}")


@blueprint.get("/queries/<key>")
def one(key: str) -> Response:
    """As it stands, or as it stood with `version`."""
    runtime, by = context.current(), principal.of_page()
    number = integer("version", 0, 0, 10**6)
    with runtime.reads.begin() as session:
        now = service.get(session, key)
        saved = service.version(session, key, number) if number else now
        author = accounts.names(session, {saved.owner}).get(saved.owner, saved.owner)
        asked, trouble = PageQuestion.of(MultiDict(saved.pairs), 1), ""
        try:
            found = search.search(
                session, runtime.search, service.asked(saved.question, by=by, facets=(), size=SHOWN), runtime.addresses
            )
        except (Unavailable, Invalid, TooMuch) as error:  # what a question asks may be no longer there, or too much now
            found, trouble = None, error.sentence
        versions = service.versions(session, key)
    things = hit_views.things(found, runtime.addresses) if found else []
    response = layout.page(
        "query.html", by=by, here="queries", saved=saved, now=now, author=author, asked=asked, things=things,
        total=found.total if found else None, versions=versions, trouble=trouble, may_change=service.may_change(by, now),
        longest=service.LONGEST_TITLE,
    )  # fmt: skip
    response.headers.add("Link", f'<{runtime.addresses.question_feed(now.key)}>; rel="alternate"; type="application/atom+xml"')
    return response


@blueprint.post("/queries/<key>/<any(change, delete):deed>")
def revise(key: str, deed: str) -> Response:
    """Give it another title or question, as a new version, or delete it."""
    by, runtime = principal.of_page_writer(), context.current()
    with runtime.db.begin() as session:
        if deed == "delete":
            service.delete(session, key, by=by, at=runtime.clock())
            return forms.to("/queries")
        title, question = forms.field("title", service.LONGEST_TITLE), forms.field("question", service.LONGEST)
        saved: Saved = service.change(
            session, key, title, question, by=by, at=runtime.clock(), seen=forms.field("etag", 64) or None
        )
    return forms.to(f"/queries/{saved.key}")
