"""Dates as collections write them: ISO 8601-1:2019, the parts of ISO 8601-2 (EDTF) in use, and what leaves no doubt.

What could be read in two ways is not read: two-digit years, days before or after months, serial numbers of a spreadsheet.
"""

import calendar
import re
from datetime import UTC, datetime

FIRST_YEAR = 1000
_CLOCK = r"(?:(?:[01]\d|2[0-3]):[0-5]\d(?::(?:[0-5]\d|60)(?:[.,]\d+)?)?|24:00(?::00)?)"
_TIME = rf"(?:[T ]{_CLOCK}(?:Z|[+-](?:0\d|1[0-4])(?::?[0-5]\d)?)?)?"
_DAY = re.compile(rf"(\d{{4}}|\d{{3}}X|\d{{2}}XX)(?:-(\d{{2}}|XX)(?:-(\d{{2}}|XX){_TIME})?)?[~?%]?", re.ASCII)
_SHORT_END = re.compile(r"(?:(\d{2})-)?(\d{2})", re.ASCII)
_ROMAN = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii")
_ENGLISH = tuple(name.lower() for name in calendar.month_name[1:])
_MONTHS = (
    {name: number for number, name in enumerate(_ROMAN, 1)}
    | {name: number for number, name in enumerate(_ENGLISH, 1)}
    | {name[:3]: number for number, name in enumerate(_ENGLISH, 1)}
    | {"sept": 9}
)
_DAY_FIRST = re.compile(r"(?:(\d{1,2})[.\s/\-]+)?([A-Za-z]{1,9})\.?[.\s/\-,]+(\d{4})", re.ASCII)
_YEAR_FIRST = re.compile(r"(\d{4})[.\s/\-]+([A-Za-z]{1,9})\.?(?:[.\s/\-]+(\d{1,2}))?", re.ASCII)
_MONTH_FIRST = re.compile(r"([A-Za-z]{3,9})\.?\s+(\d{1,2}),\s*(\d{4})", re.ASCII)
_RANGE = re.compile(r"(.+?)\s+(?:-|–|—|to)\s+(.+)|(\d{4})\s*[-–—]\s*(\d{4})", re.ASCII)


def is_date(text: str) -> bool:
    """Whether the text is a day, month or year, or an interval of them (`1887-06-12`, `188X`, `1887-06/07`, `1887/..`)."""
    start, slash, end = text.partition("/")
    if not slash:
        return _is_day(start)
    if {start, end} <= {"", ".."}:
        return False
    if start in ("", "..") or end in ("", ".."):
        return _is_day(start if start not in ("", "..") else end)
    return _is_day(start) and (_is_day(end) or _is_short_end(start, end))


def date_of(text: str) -> str:
    """The date in ISO 8601, where slashes, single digits, Roman months or zeros for unknown parts leave no doubt; else empty.

    `2015/9/5` is 2015-09-05, `12.VI.1887` is 1887-06-12, `1904-1910` is 1904/1910 and `1998-00-00` is 1998; `5/9/2015`
    could be either day and stays unread, `0000-00-00` is no date, and an interval that ends before it begins is none.
    """
    text = text.strip()
    whole = _day_of(text)
    if not whole and len(text) <= 80 and (match := _RANGE.fullmatch(text)):
        start, end = _day_of(match[1] or match[3]), _day_of(match[2] or match[4])
        whole = f"{start}/{end}" if start and end and "/" not in start + end else ""
    return whole if whole and not _runs_backwards(whole) else ""


def date_of_parts(year: str, month: str, day: str) -> tuple[str, str]:
    """The date that a year, month and day make, and what of them was not understood; either may be empty.

    Zeros stand for unknown parts. What comes before a part that is not understood still counts: 1887, 13, 1 is 1887.
    """
    year, month, day = (re.sub(r"\.0+$", "", part.strip()) for part in (year, month, day))
    months, days = month.strip("0"), day.strip("0")
    if re.fullmatch(r"\d{4}\s*[-–—/]\s*\d{4}", year, re.ASCII) and not months and not days:
        return date_of(re.sub(r"\s*[-–—/]\s*", " - ", year)), ""
    if re.fullmatch(r"\d{4}", year, re.ASCII) is None or int(year) < FIRST_YEAR:
        return "", f"the year {year[:20]!r} is none of four digits"
    if not months:
        return ("", "there is a day but no month") if days else (year, "")
    number = _month_of(month)
    if not number:
        return year, f"{month[:20]!r} is no month"
    if not days:
        return f"{year}-{number:02}", ""
    whole = f"{year}-{number:02}-{day.zfill(2)}"
    return (whole, "") if is_date(whole) else (f"{year}-{number:02}", f"{day[:20]!r} is no day of that month")


def is_before_collecting(date: str) -> bool:
    """Whether a date begins before the year 1000, when nothing was collected: a two-digit year that was padded."""
    return date[:4].isdigit() and int(date[:4]) < FIRST_YEAR


def is_in_the_future(date: str) -> bool:
    """Whether a date begins after next year, when nothing was collected yet."""
    return date[:4].isdigit() and int(date[:4]) > datetime.now(UTC).year + 1


def _day_of(text: str) -> str:
    text = _spelled_out(text)
    text = re.sub(r"^(\d{4})/(\d{1,2})/(\d{1,2})(?!\d)", r"\1-\2-\3", text, flags=re.ASCII)
    text = re.sub(r"(?<=-)(\d)(?=-|/|$)", r"0\1", text, flags=re.ASCII)
    text = re.sub(r"^(\d{4})(?:-00-00|-00|(-\d{2})-00)$", r"\1\2", text, flags=re.ASCII)
    return text if is_date(text) and not text.startswith("0000") else ""


def _spelled_out(text: str) -> str:
    """A date whose month is a Roman numeral or an English name, as ISO 8601 has it; other text as it is."""
    for pattern, order in ((_DAY_FIRST, (3, 2, 1)), (_YEAR_FIRST, (1, 2, 3)), (_MONTH_FIRST, (3, 1, 2))):
        match = pattern.fullmatch(text)
        if match is not None and (number := _MONTHS.get(match[order[1]].lower())):
            day = match[order[2]]
            return f"{match[order[0]]}-{number:02}" + (f"-{day.zfill(2)}" if day else "")
    return text


def _month_of(text: str) -> int:
    """1 to 12; 0 for what is no month."""
    if re.fullmatch(r"\d{1,2}", text, re.ASCII):
        return int(text) if 1 <= int(text) <= 12 else 0
    return _MONTHS.get(text.rstrip(".").lower(), 0)


def _runs_backwards(date: str) -> bool:
    start, _, end = date.partition("/")
    return start[:4].isdigit() and bool(re.match(r"\d{4}", end, re.ASCII)) and end < start[: len(end)]


def _is_day(text: str) -> bool:
    match = _DAY.fullmatch(text)
    if match is None:
        return False
    year, month, day = match.groups()
    if month in (None, "XX"):
        return day in (None, "XX")
    if not 1 <= int(month) <= 12:
        return False
    if day in (None, "XX"):
        return True
    leap_safe = int(year) if "X" not in year and int(year) >= 1 else 2000
    return 1 <= int(day) <= calendar.monthrange(leap_safe, int(month))[1]


def _is_short_end(start: str, end: str) -> bool:
    """An interval's end may leave out what it shares with the start (ISO 8601-1, section 5.5.2): `1887-06-12/14`."""
    match = _SHORT_END.fullmatch(end)
    day = re.fullmatch(r"(\d{4})-(\d{2})(-\d{2})?", start, re.ASCII)
    if match is None or day is None:
        return False
    if day[3] is None:
        return match[1] is None and _is_day(f"{day[1]}-{match[2]}")
    return _is_day(f"{day[1]}-{match[1] or day[2]}-{match[2]}")
