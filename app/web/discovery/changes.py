"""IIIF Change Discovery 1.0, level 2: what came, changed, moved and went, in pages, the oldest first."""

from typing import Any

from flask import Blueprint, Response

from app.discovery import activities as discovery
from app.runtime import activities, context
from app.runtime.activities import Activity
from app.runtime.addresses import Addresses
from app.runtime.clock import iso
from app.runtime.errors import NotFound
from app.runtime.http import answer
from ontology import rdf

blueprint = Blueprint("changes", __name__)
CONTEXT = "http://iiif.io/api/discovery/1/context.json"
ACTIVITY_JSON = f'application/ld+json;profile="{CONTEXT}"'
PAGE = 500  # activities; a number that stands for ever, as pages keep their addresses
TYPES = {"manifest": "Manifest", "annotation": "Annotation", "dataset": "Dataset"}


class UnknownPage(NotFound):
    """There is no page of activities of that number."""


@blueprint.get("/activity/changes")
def read_changes() -> Response:
    """The collection of all activities (section 3.1)."""
    addresses = context.current().addresses
    with context.current().reads.begin() as session:
        newest = activities.newest(session)
    body: dict[str, Any] = {"@context": CONTEXT, "id": f"{addresses.base}/activity/changes", "type": "OrderedCollection"}
    body["totalItems"] = newest
    if newest:
        body["first"] = _page_reference(1, addresses)
    body["last"] = _page_reference(_last(newest), addresses)
    return answer(body, ACTIVITY_JSON)


@blueprint.get("/activity/changes/page/<int:number>")
def read_page(number: int) -> Response:
    """A page (section 3.2). What is closed now is left out of it. Raises UnknownPage."""
    runtime = context.current()
    with runtime.reads.begin() as session:
        newest = activities.newest(session)
        if not 1 <= number <= _last(newest):
            raise UnknownPage(f"There is no page {number} of activities; they are numbered from 1 to {_last(newest)}.")
        found = activities.page(session, (number - 1) * PAGE + 1, number * PAGE)
        shown = discovery.seen(session, found)
    addresses = runtime.addresses
    body: dict[str, Any] = {
        "@context": CONTEXT,
        **_page_reference(number, addresses),
        "startIndex": (number - 1) * PAGE,
        "partOf": {"id": f"{addresses.base}/activity/changes", "type": "OrderedCollection"},
    }
    body |= {"prev": _page_reference(number - 1, addresses)} if number > 1 else {}
    body |= {"next": _page_reference(number + 1, addresses)} if number < _last(newest) else {}
    body["orderedItems"] = [_activity(one, addresses) for one in shown]
    return answer(body, ACTIVITY_JSON)


def _last(newest: int) -> int:
    return max(1, -(-newest // PAGE))


def _page_reference(number: int, addresses: Addresses) -> dict[str, Any]:
    return {"id": f"{addresses.base}/activity/changes/page/{number}", "type": "OrderedCollectionPage"}


def _activity(one: Activity, addresses: Addresses) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": f"{addresses.base}/activity/changes/{one.number}",
        "type": one.type,
        "object": _object(one, one.key, addresses),
        "endTime": iso(one.at),
    }
    return shown | ({"target": _object(one, one.target, addresses)} if one.target else {})


def _object(one: Activity, key: str, addresses: Addresses) -> dict[str, Any]:
    iri = {"manifest": addresses.manifest(key), "annotation": addresses.annotation(key), "dataset": addresses.pid(key)}[one.kind]
    shown: dict[str, Any] = {"id": iri, "type": TYPES[one.kind]}
    if one.kind == "manifest" and one.type != "Delete":
        form = rdf.FORMS["jsonld"]
        shown["seeAlso"] = [{"id": f"{addresses.pid(key)}.{form.suffix}", "type": "Dataset", "format": form.media_type}]
    return shown
