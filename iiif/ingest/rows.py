"""Rows of delimited text (RFC 4180, and what is made of it): no quote swallows a row, and no row vanishes.

A field that is enclosed in quotes may run over several lines. Where its quote does not close, or the lines that it ran over
are rows themselves, the row with the quote is refused and the others are read.
"""

import csv
import io
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from iiif.ingest.model import IngestIssue, warning
from iiif.ingest.text_lines import MAX_LINE, Line, looks_garbled

MAX_FIELD = 1_000_000
MAX_FIELD_LINES = 1000
MAX_ATTEMPTS = 40  # at the end of one field, before it is given up
MAX_GIVEN_UP = 500  # fields of one file; then none runs over more than a line
BLANKS = " \0\t\v\f\x1a\x1c\x1d\x1e\x1f\x85\xa0"  # a line of these and delimiters alone is no row
QUOTE = '"'


@dataclass(frozen=True, slots=True)
class Dialect:
    """How fields are parted and enclosed. `quote` is empty where a descriptor says that nothing encloses them.

    `width` is how many fields a row has, 0 where that is not known. `plain_first`: quotes that do not pair within their
    line are plain characters, as in tables parted by tabs.
    """

    delimiter: str
    quote: str = QUOTE
    width: int = 0
    plain_first: bool = False
    declared: bool = False


class Row(NamedTuple):
    """Fields of one row; `line` is its first. A row with an issue of severity `rejected` has none."""

    line: int
    fields: list[str]
    issues: tuple[IngestIssue, ...] = ()


@dataclass(slots=True)
class _Lines:
    """Lines that can be looked at before they are taken."""

    source: Iterator[Line]
    ahead: deque[Line] = field(default_factory=deque)
    given_up: int = 0

    def take(self) -> Line | None:
        return self.ahead.popleft() if self.ahead else next(self.source, None)

    def look(self, position: int) -> Line | None:
        while len(self.ahead) <= position:
            line = next(self.source, None)
            if line is None:
                return None
            self.ahead.append(line)
        return self.ahead[position]

    def drop(self, count: int) -> None:
        for _ in range(count):
            self.ahead.popleft()


def rows_of_lines(source: Iterator[Line], dialect: Dialect) -> Iterator[Row]:
    """Every row, one at a time; lines without any text, in quotes or not, are passed over."""
    csv.field_size_limit(MAX_LINE)
    lines, delimiter, quote = _Lines(source), dialect.delimiter, dialect.quote
    while (line := lines.take()) is not None:
        text = line.text.rstrip("\r\n")
        if line.issue is not None and line.issue.severity == "rejected":
            yield Row(line.number, [], (line.issue,))
        elif QUOTE in text if not quote else quote in text:
            row = _quoted(line, text, lines, dialect)
            if row.issues or _has_text("".join(row.fields), delimiter):
                yield row
        elif _has_text(text, delimiter):
            yield _checked(line, text.split(delimiter))


def _has_text(text: str, delimiter: str) -> bool:
    """Whether anything stands there beside blanks, ends of lines and delimiters."""
    return bool(text) and not text.isspace() and bool(text.strip(delimiter + BLANKS + "\r\n"))


def _checked(line: Line, fields: list[str], *issues: IngestIssue) -> Row:
    if len(line.text) > MAX_FIELD and any(len(each) > MAX_FIELD for each in fields):
        return Row(line.number, [], (IngestIssue("bad-row", f"A field has more than {MAX_FIELD:,} characters."),))
    found = (line.issue, *issues) if line.issue is not None else issues
    if not line.text.isascii() and looks_garbled(line.text):
        value = next((each for each in fields if looks_garbled(each)), "")
        sentence = f"{value[:60]!r} looks as if it had been read in the wrong encoding before; it was kept as it is."
        found = (*found, warning("garbled-text", sentence, value=value))
    return Row(line.number, fields, found)


def _quoted(line: Line, text: str, lines: _Lines, dialect: Dialect) -> Row:
    """A row with quotes in it: strictly within its line, else over several lines, else as leniently as leaves no doubt."""
    width, plain = dialect.width, text.split(dialect.delimiter)
    if not dialect.quote:
        return _unenclosed(line, text, plain, dialect)
    strict = _strict(text, dialect)
    if strict and (not width or len(strict) == width or len(plain) != width):
        return _checked(line, strict)
    if strict is None:
        ended = _over_lines(line, text, lines, dialect)
        if ended is not None:
            return ended
    if dialect.plain_first and (not width or len(plain) == width):
        return _checked(line, plain)
    lenient = _lenient(text, dialect)
    if lenient is None and strict == [] and width == len(plain):
        lenient = plain
    if lenient is not None:
        sentence = "A quote within a field is neither doubled nor at its end: read as a plain character."
        return _checked(line, lenient, warning("stray-quote", sentence, value=_around_quote(text)))
    if strict:
        return _checked(line, strict)
    return Row(line.number, [], (_unclosed(line, text, lines, dialect),))


def _unenclosed(line: Line, text: str, plain: list[str], dialect: Dialect) -> Row:
    """The descriptor says that quotes enclose nothing; that holds unless only the other way gives a whole row."""
    if not dialect.width or len(plain) == dialect.width:
        return _checked(line, plain)
    enclosed = Dialect(dialect.delimiter, QUOTE, dialect.width)
    fields = _strict(text, enclosed) or _lenient(text, enclosed)
    if not fields or len(fields) != dialect.width:
        return _checked(line, plain)
    sentence = "meta.xml says that nothing encloses fields, but only with quotes does the row have as many as it should."
    return _checked(line, fields, warning("stray-quote", sentence, value=_around_quote(text)))


def _strict(text: str, dialect: Dialect) -> list[str] | None:
    """The fields by RFC 4180; None where a quote is open at the end, an empty list where the text breaks its rules."""
    try:
        return next(csv.reader([text], delimiter=dialect.delimiter, quotechar=dialect.quote, strict=True))
    except StopIteration:
        return []
    except csv.Error as error:
        return None if "unexpected end of data" in str(error) else []


def _lenient(text: str, dialect: Dialect) -> list[str] | None:
    """The fields where a quote closes only before a delimiter, or backslashes escape; None unless that gives a whole row."""
    fields: list[str] = []
    position = 0
    quote, delimiter = dialect.quote, dialect.delimiter
    while True:
        value, position = _lenient_field(text, position, quote, delimiter)
        if position < 0:
            fields = []
            break
        fields.append(value)
        if position >= len(text):
            break
        position += 1
        if position == len(text):
            fields.append("")
            break
    if fields and (not dialect.width or len(fields) == dialect.width):
        return fields
    if "\\" + quote not in text:
        return None
    try:
        escaped = next(csv.reader([text], delimiter=delimiter, quotechar=quote, escapechar="\\", doublequote=False, strict=True))
    except (csv.Error, StopIteration):
        return None
    return escaped if not dialect.width or len(escaped) == dialect.width else None


def _lenient_field(text: str, start: int, quote: str, delimiter: str) -> tuple[str, int]:
    """A field from there, and where the delimiter behind it stands; -1 where its quote does not close."""
    if not text.startswith(quote, start):
        end = text.find(delimiter, start)
        end = len(text) if end < 0 else end
        return text[start:end], end
    at = start + 1
    while (at := text.find(quote, at)) >= 0:
        following = text[at + 1 : at + 2]
        if following == quote:
            at += 2
        elif following in ("", delimiter):
            return text[start + 1 : at].replace(quote * 2, quote), at + 1
        else:
            at += 1
    return "", -1


def _over_lines(line: Line, text: str, lines: _Lines, dialect: Dialect) -> Row | None:
    """The row whose last field is open, with the lines that it runs over; None where it does not end as a row should."""
    joined, taken = line.text, 0
    limit = 1 if lines.given_up > MAX_GIVEN_UP else MAX_FIELD_LINES
    attempts = 0
    while taken < limit and attempts < MAX_ATTEMPTS and len(joined) <= MAX_FIELD:
        following = lines.look(taken)
        if following is None or (following.issue is not None and following.issue.severity == "rejected"):
            break
        taken += 1
        joined += following.text
        if dialect.quote not in following.text:
            continue
        attempts += 1
        fields = _strict_over_lines(joined, dialect)
        if fields is None:
            continue
        swallowed = [lines.ahead[position].text.rstrip("\r\n") for position in range(taken)]
        if not fields or (dialect.width and len(fields) != dialect.width) or _are_rows(text, swallowed, dialect):
            break
        lines.drop(taken)
        return _checked(Line(line.number, joined, line.issue), fields)
    lines.given_up += 1
    return None


def _strict_over_lines(text: str, dialect: Dialect) -> list[str] | None:
    """As _strict, for text with line ends in it."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=dialect.delimiter, quotechar=dialect.quote, strict=True)
    try:
        fields = next(reader)
        return fields if next(reader, None) is None else []
    except StopIteration:
        return []
    except csv.Error as error:
        return None if "unexpected end of data" in str(error) else []


def _are_rows(opening: str, swallowed: list[str], dialect: Dialect) -> bool:
    """Whether a line that a field ran over is a row of the table itself: as many fields, and a first one of the same form."""
    if dialect.width < 2:
        return False
    pieces = [line.split(dialect.delimiter) for line in swallowed]
    rows = [each for each in pieces if len(each) == dialect.width and any(value.strip() for value in each)]
    first = opening.split(dialect.delimiter)[0]
    if any(_form(each[0]) == _form(first) != "" for each in rows):
        return True
    return len(swallowed) > 1 and dialect.width > 2 and len(rows) == len(pieces) and all(each[0].strip() for each in rows)


def _form(text: str) -> str:
    """What a number looks like: `HB-12` and `HB-7` are alike; empty for what has no digit."""
    if not any(char.isdigit() for char in text):
        return ""
    return re.sub(r"[^\W\d_]+", "A", re.sub(r"\d+", "9", text.strip().strip(QUOTE)))


def _unclosed(line: Line, text: str, lines: _Lines, dialect: Dialect) -> IngestIssue:
    last = line.number
    for position in range(len(lines.ahead)):
        last = lines.ahead[position].number
        if dialect.quote in lines.ahead[position].text:
            break
    over = f", and would run over lines {line.number} to {last}" if last > line.number else ""
    sentence = f"A quote opens a field and does not close where one ends{over}: the row is refused, the lines below it are read."
    return IngestIssue("bad-row", sentence, value=_around_quote(text))


def _around_quote(text: str) -> str:
    at = max(0, text.find(QUOTE))
    return text[max(0, at - 20) : at + 60]
