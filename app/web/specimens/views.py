"""The search page and the page of a specimen."""

from dataclasses import replace

from flask import Blueprint, Response, request

from annotations.search import items, looks
from annotations.search.service import QuestionAnswer
from app.runtime import context, principal
from app.runtime.http import integer
from app.runtime.search.port import Everything
from app.web import layout
from app.web.runs import listing
from app.web.specimens import hit_views, search_page, workplace
from app.web.specimens.search_question import PageQuestion, from_panel
from iiif.catalogue import service as catalogue

SHOWN = 24
LONGEST_IRI = 500
blueprint = Blueprint("specimens", __name__, template_folder="templates")


@blueprint.get("/")
def home() -> Response:
    """The search with its facets; without words, all specimens."""
    runtime = context.current()
    asked = PageQuestion.of(request.args, integer("page", 1, 1, 1_000))
    if narrowed := from_panel(request.args, asked):
        return Response(status=303, headers={"Location": f"{request.script_root}{narrowed}"})
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
    """One specimen as a workplace: viewer, layers, findings to be judged, comments, record, and what to take along."""
    return workplace.page(key, principal.of_page())


@blueprint.get("/similar")
def similar() -> Response:
    """What looks most like a specimen, an image or a segment, joined with a question; why it cannot be told where nobody has
    looked at it yet. Where nothing is asked for, 303 to the search."""
    runtime, by = context.current(), principal.of_page()
    if not request.args:
        return Response(status=303, headers={"Location": f"{request.script_root}/"})
    asked, to = PageQuestion.of(request.args, 1), request.args.get("to", "")[:LONGEST_IRI]
    question = replace(asked.asked(SHOWN, by), facets=())
    with runtime.reads.begin() as session:
        try:
            like = looks.of(session, to, by, runtime.addresses)
        except looks.NoVector as none:
            return layout.page("similar.html", by=by, here="specimens", to=to, things=(), asked=asked, none=none.sentence)
        found = looks.similar(session, runtime.search, like, question, runtime.addresses)
        of = items.items_of(session, runtime.search, [f"{like.type}/{like.key}"], Everything(), by, runtime.addresses)
    answer = QuestionAnswer([dict(item) for item in found.items], {}, len(found.items))
    things = hit_views.things(answer, runtime.addresses)
    shown = [{**thing, "score": item["score"], "same": item["same"]} for thing, item in zip(things, found.items, strict=True)]
    own = next(iter(hit_views.things(QuestionAnswer(of, {}, 1), runtime.addresses)), None)
    return layout.page("similar.html", by=by, here="specimens", to=like.key, own=own, things=shown, asked=asked)
