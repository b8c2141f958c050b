"""Conditional and range requests (RFC 9110, sections 13 and 14), from the headers in a WSGI environment."""

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

RANGE = re.compile(r"bytes=\s*(\d{0,18})-(\d{0,18})\s*", re.ASCII)


def unchanged(environ: Mapping[str, Any], etag: str, modified_s: int) -> bool:
    """Whether the client has this already; If-Modified-Since counts only without If-None-Match."""
    sent = environ.get("HTTP_IF_NONE_MATCH")
    if sent:
        tags = [tag.strip().removeprefix("W/").strip('"') for tag in sent.split(",")]
        return etag in tags or "*" in tags
    since = environ.get("HTTP_IF_MODIFIED_SINCE")
    return since is not None and modified_s <= _moment(since)


def may_be_parted(environ: Mapping[str, Any], etag: str, modified_s: int) -> bool:
    """Whether If-Range, where it is sent, names what the client would get: by strong ETag or exact date."""
    sent = environ.get("HTTP_IF_RANGE")
    return not sent or sent == f'"{etag}"' or modified_s == _moment(sent)


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


def _moment(text: str) -> float:
    """Seconds since 1970, or -1 for what is no date."""
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return -1.0
