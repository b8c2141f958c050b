"""Conditional and range requests (RFC 9110, sections 13 and 14), from the headers in a WSGI environment.

Dates are no validators here: an answer changes with rights, access, limits and services, of which no file tells the date.
"""

import re
from collections.abc import Mapping
from typing import Any

RANGE = re.compile(r"bytes=\s*(\d{0,18})-(\d{0,18})\s*", re.ASCII)


def unchanged(environ: Mapping[str, Any], etag: str) -> bool:
    """Whether the client has this already."""
    sent = environ.get("HTTP_IF_NONE_MATCH")
    if not sent:
        return False
    tags = [tag.strip().removeprefix("W/").strip('"') for tag in sent.split(",")]
    return etag in tags or "*" in tags


def may_be_parted(environ: Mapping[str, Any], etag: str) -> bool:
    """Whether a part may be sent: only a GET is for one, and If-Range, where it is sent, has to name the strong ETag of what
    the client would get."""
    if environ["REQUEST_METHOD"] != "GET":
        return False
    sent = environ.get("HTTP_IF_RANGE")
    return not sent or sent == f'"{etag}"'


def part_of(header: str, length: int) -> tuple[int, int] | None:
    """First byte and the one behind the last; none of them where the range lies outside; None for what is to be ignored.

    Only a single range is honoured; a server may send everything instead (section 14.2).
    """
    match = RANGE.fullmatch(header)
    if match is None or not (match[1] or match[2]):
        return None
    if not match[1]:
        return max(0, length - int(match[2])), length
    first, last = int(match[1]), int(match[2]) if match[2] else length - 1
    if match[2] and last < first:
        return None
    return first, min(last + 1, length)
