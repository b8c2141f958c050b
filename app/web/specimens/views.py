"""The search page and the page of a specimen."""

from urllib.parse import urlencode

from flask import Blueprint, Response, request, url_for
from sqlalchemy.orm import Session

from app.runtime import context, principal
from app.runtime.http import integer
from app.web import layout
from app.web.names import signposts
from app.web.runs import listing
from app.web.specimens import changes, search_page, shared_view, specimen_page
from app.web.specimens.answering import looked_at
from app.web.specimens.layers import Chosen
from app.web.specimens.segment_links import segment_links
from iiif.catalogue import service as catalogue
from ontology.segment_classes import CLASSES

SHOWN = 24
LONGEST_QUERY = 500
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
    """One specimen as a workplace: viewer, layers, findings to be judged, comments, record, and what to take along."""
    runtime, by = context.current(), principal.of_page()
    addresses, chosen = runtime.addresses, Chosen.of(request.args)
    with runtime.reads.begin() as session:
        looked = specimen_page.look(session, key, by, addresses)
        place = shared_view.asked(request.args, looked.specimen, looked.views, addresses)
        if place.specimen_key:
            return _to_another(session, place.specimen_key)
        if place.segment_key:
            return Response(status=303, headers={"Location": url_for("segment_pages.segment", key=place.segment_key)})
        said = specimen_page.listen(session, looked, addresses)
        parts = segment_links(session, looked.media)
        work = changes.work(session, looked.specimen, looked.media, said.statements, addresses, by)
        namesakes = catalogue.same_number(session, looked.specimen)
    values = specimen_page.values(looked, said, chosen, place, runtime)
    q = request.args.get("q", "")[:LONGEST_QUERY]
    values |= {"q": q, "namesakes": namesakes, "work": work, "parts": parts, "kept": looked_at()}
    values["segment_classes"] = {name: one.label for name, one in CLASSES.items()}
    values["part_of"] = {part.leader_key: part for part in parts}
    response = layout.page("specimen.html", by=by, here="specimens", **values)
    signposts.of_page(response, key, by)
    if values["sharing"]:
        response.headers.add("Link", values["sharing"].link_header)
    return response


def _to_another(session: Session, key: str) -> Response:
    """303 to the specimen that a content state is about. Raises UnknownSpecimen."""
    catalogue.get_specimen(session, key)
    query = urlencode({"iiif-content": request.args["iiif-content"]})
    return Response(status=303, headers={"Location": f"{url_for('specimens.specimen', key=key)}?{query}"})
