"""Dates as the index compares them: the first and the last millisecond, since 1970 in UTC, of what ISO 8601 says."""

import re
from calendar import monthrange
from datetime import UTC, datetime, timedelta

EVER = 2**62  # milliseconds: before, with a minus, or after anything that has a date
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
A_DAY = 86_400_000  # milliseconds
_DATE = re.compile(r"(\d{4}|\d{3}X|\d\dXX)(?:-(\d\d|XX)(?:-(\d\d|XX)([T ][\d:.,+Z-]+)?)?)?[~?%]?", re.ASCII)


def moment(text: str) -> int | None:
    """Of a date with or without a time, which is in UTC unless it says otherwise; None where it is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return milliseconds(found if found.tzinfo else found.replace(tzinfo=UTC))


def milliseconds(when: datetime) -> int:
    """Of a moment with a zone."""
    since = when - _EPOCH
    return since.days * A_DAY + since.seconds * 1000 + since.microseconds // 1000


def span(text: str) -> tuple[int, int] | None:
    """First and last of a year, a month, a day, a moment, or an interval of two of them; None where it is none of these.

    What is written as unknown may be anything (`188X`, `1887-XX`, ISO 8601-2), and what is said with doubt (`~`, `?`) counts.
    The end of an interval may leave out what it shares with its beginning (`1887-06-12/14`, ISO 8601-1, section 5.5.2); an
    end that is `..` or empty is open (ISO 8601-2, section 9).
    """
    begin, slash, end = text.strip().partition("/")
    if not slash:
        return _whole(begin)
    begins_open, ends_open = begin in ("", ".."), end in ("", "..")
    first = None if begins_open else _whole(begin)
    last = None if ends_open else _whole(_completed(begin, end))
    if (first is None and not begins_open) or (last is None and not ends_open) or (begins_open and ends_open):
        return None
    low, high = first[0] if first else -EVER, last[1] if last else EVER
    return (low, high) if low <= high else None


def day_of(milliseconds: int) -> str | None:
    """The day, in UTC, that the moment lies in; None where no year from 1 to 9999 has it."""
    try:
        return (_EPOCH + timedelta(milliseconds=milliseconds)).date().isoformat()
    except OverflowError:
        return None


def _whole(text: str) -> tuple[int, int] | None:
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    year, month, day, time = match.groups()
    if time:
        found = moment(text.rstrip("~?%").replace(",", "."))
        return None if found is None else (found, found)
    low_year, high_year = int(year.replace("X", "0")), int(year.replace("X", "9"))
    low_month, high_month = (1, 12) if month in (None, "XX") else (int(month), int(month))
    if low_year == 0 or not 1 <= low_month <= high_month <= 12:
        return None
    high_day = monthrange(high_year, high_month)[1] if day in (None, "XX") else int(day)
    first = moment(f"{low_year:04}-{low_month:02}-{'01' if day in (None, 'XX') else day}")
    last = moment(f"{high_year:04}-{high_month:02}-{high_day:02}")
    return None if first is None or last is None else (first, last + A_DAY - 1)


def _completed(begin: str, end: str) -> str:
    """The end with what it leaves out put before it: a year and a month before a day, a year before a month, or one and a day."""
    days, months = re.fullmatch(r"\d{4}-\d\d-\d\d", begin, re.ASCII), re.fullmatch(r"\d{4}-\d\d", begin, re.ASCII)
    if (days or months) and re.fullmatch(r"\d\d", end, re.ASCII):
        return begin[:-2] + end
    if days and re.fullmatch(r"\d\d-\d\d", end, re.ASCII):
        return begin[:-5] + end
    return end
