"""Earlier versions by their time: Memento (RFC 7089), where a thing is its own TimeGate (section 4.1.1).

A version stands from the second in which it was stored until that of the next one; of several in one second the last stands.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime

from flask import Response, request

from app.runtime.errors import Invalid
from app.runtime.http import depends_on
from app.runtime.principal import Principal

LINK_FORMAT = "application/link-format"
HTTP_DATE = re.compile(r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT", re.ASCII)


@dataclass(frozen=True, slots=True)
class Stamp:
    """A version and when it was stored."""

    version: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Original:
    """A thing with versions: its own address, below which they are."""

    iri: str

    @property
    def timemap(self) -> str:
        return f"{self.iri}/timemap"

    def version(self, number: int) -> str:
        return f"{self.iri}/versions/{number}"


def asked() -> datetime | None:
    """The end of the second that Accept-Datetime names, None without the header. Raises Invalid (RFC 7089, 4.5.3: 400)."""
    text = request.headers.get("Accept-Datetime", "").strip()
    if not text:
        return None
    try:
        if HTTP_DATE.fullmatch(text) is None:
            raise ValueError(text)
        return parsedate_to_datetime(text).astimezone(UTC) + timedelta(seconds=1)
    except ValueError as error:
        raise Invalid(
            f"Accept-Datetime is a date such as Tue, 11 Sep 2001 20:35:00 GMT, not {text[:60]!r}.",
            parameter="Accept-Datetime",
            spec="RFC 7089, 2.1.1",
        ) from error


def to_memento(original: Original, found: Stamp, first: Stamp, last: Stamp, *, by: Principal | None = None) -> Response:
    """The answer of a TimeGate: on to the version that stood then (RFC 7089, 4.1.1: 302 of a thing that is its own TimeGate)."""
    response = Response(status=302, headers={"Location": original.version(found.version)})
    response.headers["Link"] = ", ".join([*_about(original), *_edges(original, first, last)])
    response.vary.add("Accept-Datetime")
    if by is not None:
        depends_on(response, by)
    return response


def of_original(response: Response, original: Original) -> Response:
    """The present answer of a thing, which says that it has earlier versions and where."""
    _add_links(response, _about(original))
    response.vary.add("Accept-Datetime")
    return response


def of_version(response: Response, original: Original, stamp: Stamp, first: Stamp, last: Stamp) -> Response:
    """The answer of a version, which says when it came to stand, and of what it is one (RFC 7089, 4.2)."""
    response.headers["Memento-Datetime"] = http_date(stamp.at)
    _add_links(response, [*_about(original), *_edges(original, first, last)])
    return response


def timemap(original: Original, stamps: Sequence[Stamp], *, own: str, earlier: str = "", by: Principal | None = None) -> Response:
    """All versions of a thing, or a page of them, oldest first (RFC 7089, 5). `earlier` is the address of the page before, `by`
    who asks, where the answer depends on that."""
    lines = [f'<{original.iri}>;rel="original timegate"']
    span = f';from="{http_date(stamps[0].at)}";until="{http_date(stamps[-1].at)}"' if stamps else ""
    lines.append(f'<{own}>;rel="self";type="{LINK_FORMAT}"{span}')
    if earlier:
        lines.append(f'<{earlier}>;rel="timemap";type="{LINK_FORMAT}"')
    last = len(stamps) - 1
    for place, stamp in enumerate(stamps):
        words = ["first"] * (place == 0 and not earlier) + ["last"] * (place == last and own == original.timemap)
        lines.append(_memento(original, stamp, *words))
    response = Response(",\n".join(lines) + "\n", content_type=LINK_FORMAT)
    if by is not None:
        depends_on(response, by)
    return response


def http_date(moment: datetime) -> str:
    return format_datetime(moment.astimezone(UTC).replace(microsecond=0), usegmt=True)


def _about(original: Original) -> list[str]:
    return [f'<{original.iri}>; rel="original timegate"', f'<{original.timemap}>; rel="timemap"; type="{LINK_FORMAT}"']


def _edges(original: Original, first: Stamp, last: Stamp) -> list[str]:
    if first == last:
        return [_memento(original, first, "first", "last")]
    return [_memento(original, first, "first"), _memento(original, last, "last")]


def _memento(original: Original, stamp: Stamp, *words: str) -> str:
    return f'<{original.version(stamp.version)}>; rel="{" ".join((*words, "memento"))}"; datetime="{http_date(stamp.at)}"'


def _add_links(response: Response, links: Sequence[str]) -> None:
    before = response.headers.get("Link")
    response.headers["Link"] = ", ".join([before, *links] if before else links)
