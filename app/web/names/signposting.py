"""FAIR Signposting (profile of 2023-10-02): what a page tells programs of the thing that it shows, in `Link` (level 1) and in a
linkset (level 2, RFC 9264)."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response

LINKSET = "application/linkset+json"
ABOUT_PAGE = "https://schema.org/AboutPage"
UNSAFE = re.compile(r"[^\x21-\x7e]|[<>\"]")  # what no target of a Link may hold


@dataclass(frozen=True, slots=True)
class Signposts:
    """`cite_as` is the persistent identifier, `described_by` and `items` are pairs of address and media type, `types` classes.

    `linkset` is the address of all of this as a document; `more` are other links, as pairs of relation and address.
    """

    cite_as: str
    described_by: tuple[tuple[str, str], ...]
    items: tuple[tuple[str, str], ...] = ()
    authors: tuple[str, ...] = ()
    licence: str = ""
    types: tuple[str, ...] = ()
    linkset: str = ""
    more: tuple[tuple[str, str], ...] = ()

    def links(self) -> Iterator[tuple[str, str, str]]:
        """Relation, address and media type (empty for none) of each."""
        yield "cite-as", self.cite_as, ""
        yield from (("describedby", address, media_type) for address, media_type in self.described_by)
        yield from (("item", address, media_type) for address, media_type in self.items)
        yield from (("author", address, "") for address in self.authors)
        if self.licence:
            yield "license", self.licence, ""
        yield from (("type", address, "") for address in (ABOUT_PAGE, *self.types))
        if self.linkset:
            yield "linkset", self.linkset, LINKSET
        yield from ((relation, address, "") for relation, address in self.more)


def add(response: Response, signposts: Signposts) -> Response:
    """Put them on a page."""
    for relation, address, media_type in signposts.links():
        if not UNSAFE.search(address):
            kind = f'; type="{media_type}"' if media_type else ""
            response.headers.add("Link", f'<{address}>; rel="{relation}"{kind}')
    return response


def linkset(signposts: Signposts, landing: str) -> Mapping[str, Any]:
    """The same as a document, with what leads back from the descriptions and files (RFC 9264, 4.2)."""
    page: dict[str, Any] = {"anchor": landing}
    for relation, address, media_type in signposts.links():
        if relation != "linkset":
            page.setdefault(relation, []).append({"href": address} | ({"type": media_type} if media_type else {}))
    back = [
        {"anchor": address, "describes": [{"href": signposts.cite_as, "type": "text/html"}]}
        for address, _ in signposts.described_by
    ]
    parts = [{"anchor": address, "collection": [{"href": landing, "type": "text/html"}]} for address, _ in signposts.items]
    return {"linkset": [page, *back, *parts]}
