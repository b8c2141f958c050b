"""The page of one specimen as a workplace: for who looks at it, and again for whose form was refused."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from flask import Response, request, url_for
from sqlalchemy.orm import Session

from app import problems
from app.runtime import context
from app.runtime.http import integer
from app.runtime.principal import Principal
from app.web import layout, refusals
from app.web.names import signposts
from app.web.refusals import Refusal
from app.web.specimens import changes, shared_view, specimen_page
from app.web.specimens.changes import RecordWork
from app.web.specimens.layers import Chosen
from app.web.specimens.segment_links import segment_links
from iiif.catalogue import service as catalogue
from ontology.segment_classes import CLASSES

LONGEST_QUERY = 500
KEPT = ("layer", "state", "q", "canvas", "xywh")
MOST_KEPT = 200
MOST_PAGES = 1_000


def page(key: str, by: Principal, refused: Refusal = refusals.NONE) -> Response:
    """The page, or 303 to what is asked for instead. Where a form was refused it stands open with the reason, and holds what was
    sent. Raises UnknownSpecimen."""
    runtime = context.current()
    addresses, chosen = runtime.addresses, Chosen.of(request.args)
    with runtime.reads.begin() as session:
        looked = specimen_page.look(session, key, by, addresses)
        place = shared_view.asked(request.args, looked.specimen, looked.views, addresses)
        if place.specimen_key and refused.error is None:
            return _to_another(session, place.specimen_key)
        if place.segment_key and refused.error is None:
            return Response(status=303, headers={"Location": url_for("segment_pages.segment", key=place.segment_key)})
        said = specimen_page.listen(session, looked, addresses)
        parts = segment_links(session, looked.media)
        work = changes.work(session, looked.specimen, looked.media, said.statements, addresses, by)
        namesakes = catalogue.same_number(session, looked.specimen)
    sought = refused.about or request.args.get("finding", "")[:64]
    of_page: Any = {"number": integer("findings", 1, 1, MOST_PAGES), "sought": sought}
    values = specimen_page.values(looked, said, chosen, place, runtime, **of_page)
    q = request.args.get("q", "")[:LONGEST_QUERY]
    values |= {"q": q, "namesakes": namesakes, "work": work, "parts": parts}
    values["finding_link"] = lambda number: f"/specimens/{key}{looked_at(findings=number)}#findings"
    values["kept"] = looked_at(findings=values["listed"].number) if values["listed"].pages > 1 else looked_at()
    values["segment_classes"] = {name: one.label for name, one in CLASSES.items()}
    values["part_of"] = {part.leader_key: part for part in parts}
    values |= {"refused": refused, "homeless": refused.homeless(_answerable(values, work))}
    how: Any = {"by": by, "status": refused.status, "personal": refused.error is not None}
    told = signposts.of_thing(key, by, [image.key for image in looked.seen])
    values |= {"schema_org": told.schema_org, "notices": told.notices}
    response = told.put_on(layout.page("specimen.html", here="specimens", **how, **values))
    if values["sharing"]:
        response.headers.add("Link", values["sharing"].link_header)
    return problems.sent_with(response, refused.error) if refused.error else response


def looked_at(**more: object) -> str:
    """The part of the query that says what is looked at, with its question mark, and what else is to stand in it; empty where it
    says nothing."""
    said = [(name, value) for name in KEPT for value in request.args.getlist(name)[:MOST_KEPT]]
    return f"?{query}" if (query := urlencode([*said, *more.items()])) else ""


def _answerable(values: Mapping[str, Any], work: RecordWork) -> set[str]:
    """The keys of the statements for which the page has forms: findings, comments, proposals; and "" for the specimen."""
    if not values["writes"]:
        return set()
    findings = {one.key for group in values["groups"] for one in group.findings if one.standing.may_answer}
    return {"", *findings, *values["spoken"], *(one.key for one in work.proposals)}


def _to_another(session: Session, key: str) -> Response:
    """303 to the specimen that a content state is about. Raises UnknownSpecimen."""
    catalogue.get_specimen(session, key)
    query = urlencode({"iiif-content": request.args["iiif-content"]})
    return Response(status=303, headers={"Location": f"{url_for('specimens.specimen', key=key)}?{query}"})
