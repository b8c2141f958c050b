"""What waits for verdicts, with counts, and the page on which one question is answered item by item (docs/review.md)."""

import re

from flask import Blueprint, Response, request

from annotations.queue import service as queue
from annotations.queue.model import ORDERS, Count
from annotations.review.service import REASONS
from app.runtime import context, principal
from app.runtime.errors import Invalid, NotFound
from app.runtime.principal import Grant
from app.web import layout

blueprint = Blueprint("review_pages", __name__, template_folder="templates")
KIND = re.compile(r"[\w .:-]{1,32}")
NAMES = {
    "ruler": "Rulers",
    "chart": "Colour charts",
    "label": "Labels",
    "text": "Texts",
    "barcode": "Codes",
    "stamp": "Stamps",
    "length": "Lengths",
    "width": "Widths",
    "area": "Areas",
    "perimeter": "Perimeters",
    "aspect": "Aspects",
    "solidity": "Solidities",
    "feret": "Feret diameters",
    "colour": "Colours",
    "outline": "Outlines",
    "specimen": "Sizes of specimens",
    "quality": "Image quality",
    "fields": "Values read from labels",
    "proposal": "Proposals for the record",
}
ORDER_NAMES = {"gain": "most gained first", "uncertainty": "least certain first", "disagreement": "most disagreed first"}
ORDER_NAMES |= {"oldest": "oldest first"}


@blueprint.get("/review")
def overview() -> Response:
    """The questions, how many statements wait in each, and for curators how many can be accepted at once."""
    by = principal.of_page()
    with context.current().reads.begin() as session:
        counts = queue.counts(session, by=by)
    return layout.page(
        "review.html",
        by=by,
        personal=True,
        here="review",
        counts=counts,
        names=NAMES,
        waiting=sum(one.waiting for one in counts),
        disputed=sum(dict(one.states).get("disputed", 0) for one in counts),
        curates=bool(by.granted("curate")),
        orders=ORDER_NAMES,
    )


@blueprint.get("/review/<kind>")
def question(kind: str) -> Response:
    """One question, item by item; a script asks for the items and sends the verdicts. Raises NotFound, Invalid."""
    by = principal.of_page()
    principal.require_somewhere(by, "annotate")
    if KIND.fullmatch(kind) is None:
        raise NotFound("There is no such question.")
    order = request.args.get("order", "gain")
    if order not in ORDERS:
        raise Invalid(f"order is one of {', '.join(ORDERS)}.", parameter="order")
    collection = request.args.get("collection", "")
    if collection:
        Grant.parse("reader", collection)
    with context.current().reads.begin() as session:
        count = next((one for one in queue.counts(session, by=by) if one.kind == kind), Count(kind, 0, (), ()))
    return layout.page(
        "question.html",
        by=by,
        personal=True,
        here="review",
        kind=kind,
        name=NAMES.get(kind, kind),
        count=count,
        classes=[name for name, _ in count.classes if len(count.classes) > 1][:9],
        order=order,
        orders=ORDER_NAMES,
        asked={"class": request.args.get("class", "")[:100], "collection": collection},
        account=by.name,
        counts_for=bool(by.granted("judge")),
        reasons=REASONS[1:],
    )
