"""What the present code answers otherwise than release 70fa686, on purpose, with the reason.

Each entry: pattern of the address, pattern of the place in the answer (a JSON pointer, `status`, `picture` or a header),
and why clients of that release are served by the change. Members that are added need no entry, nor do links in a `Link` header
beside all that stood there (RFC 8288 gives their order no meaning).

One change is no entry, as it depends on who asks: that release let everybody read what was said about a closed image. Now
only a token opens that, so an answer which names such an image or lists annotations is held to what the token gets.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

EXCEPTIONS: tuple[tuple[str, str, str], ...] = (
    (r"/canvases/[^/]+/annotations/people\.json", r"/items", "an annotation is on the page of each canvas that it is about"),
    (r"/canvases/[^/]+/annotations/people\.json", r"/items/\d+/target", "what is about an annotation is drawn where that lies"),
    (r"/annotations/[^/]+\?profile=\w+", r"/(target|on)", "what is about an annotation is drawn where that lies"),
    (
        r"/iiif/presentation/3/[^/]+/(manifest\.json|canvas/[^/]+)",
        r"/items/\d+/annotations|/annotations",
        "after the pages of before stands one of links to the segments of the canvas",
    ),
    (r"/api/search(\?.*)?", r"/items/\d+/sort", "the kind of thing is called `type` now; `sort` is the order"),
    (
        r"/api/search(\?.*)?",
        r"/facets/kind(/\d+/(count|value))?",
        "what a step looked for in vain is counted apart, and statements about closed images for those who may see them",
    ),
    (r"/api/runs(/x1\w+|\?.*)", r"(/items/\d+)?/(done|total)", "they count images; the steps of each stand with its task"),
    (r"/api/runs/x1\w+", r"/report", "a run has no report: that is its ingest's"),
    (r"/api/pipelines/sheet", r"/(version|description|steps)", "the name leads to the pipeline of now, whose steps are more"),
    (r"/api/runs\?limit=50", r"/items", "ingests have a list of their own, and this address that of the runs"),
    (
        r"/annotations/(n1xdzsd6t475/versions/2|n1345s743m8g/versions/3)",
        "status",
        "a deletion is a version of its own now, answered by a tombstone in place of 404",
    ),
    (
        r"/ark:/?99999/n1\w+",
        "status",
        "an ARK says itself that what it names is gone or not public, as the address that it led to did and does",
    ),
    (r"/ns", "status", "the vocabulary is published there, where nothing was"),
)


BETWEEN_LINKS = re.compile(r",\s*(?=<)")
EVEN_ODD = ' fill-rule="evenodd"'  # what viewers are given of a shape says now by which rule it is filled


def is_meant(path: str, place: str, old: Any, new: Any) -> bool:
    """Whether an entry covers a difference at that place of that address."""
    if place == "Link" and isinstance(new, str):
        return set(BETWEEN_LINKS.split(old)) <= set(BETWEEN_LINKS.split(new))
    if isinstance(new, str) and "</svg>" in new and new.replace(EVEN_ODD, "") == old:
        return True
    return any(re.fullmatch(address, path) and re.fullmatch(where, place) for address, where, _ in EXCEPTIONS)


def may_be_closed(exchange: Mapping[str, Any], closed: Iterable[str]) -> bool:
    """Whether the recorded answer lists annotations, is of an ingest, whose report names files, or names one of these keys of
    closed images and their specimens."""
    text = exchange["path"] + json.dumps(exchange.get("json"))
    return (
        exchange["path"].startswith(("/annotations/?", "/api/runs/j1", "/api/ingests/"))
        or exchange["path"] == "/annotations/"
        or any(key in text for key in closed)
    )
