"""Dates on labels: months in eight languages or Roman numerals, ranges, years of two digits kept as they are written.

What could be a day or another is read as its year alone, and a year of two digits is given no century: the record then gets the
words (`verbatimEventDate`), and no date.
"""

import re
from collections.abc import Iterator

from analytics.steps.fields_text import Reading, row_end, row_start, tidy
from ontology.dates import is_date, is_in_the_future

NAMES = (
    "january januar janvier januarius januarii enero janeiro januari gennaio jänner jaanuar",
    "february februar février fevrier februarius februarii febrero fevereiro februari febbraio veebruar",
    "march märz maerz mars martius martii marzo março marco maart märts",
    "april avril aprilis abril aprile",
    "may mai maius maii mayo maio maj mei maggio",
    "june juni juin junius junii junio junho giugno juuni",
    "july juli juillet julius julii julio julho luglio juuli",
    "august août aout augustus augusti agosto",
    "september septembre septembris septiembre setiembre setembro settembre",
    "october oktober octobre octobris octubre outubro ottobre oktoober",
    "november novembre novembris noviembre novembro",
    "december dezember décembre decembre decembris diciembre dezembro dicembre",
)
ROMAN = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii")
SHORTEST = 3  # letters of a month that is cut short

_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_MONTH = r"(?:[A-Za-zÀ-ÿ]{3,11}|[IVX]{1,4}|[ivx]{1,4})"
_YEAR = r"(?:1[6-9]|20)\d\d"
_GAP = r"[ \t]*[.\-/:,·]?[ \t]*"
_TO = r"[ \t]*(?:[-–—/]|to|bis|au|al|a|t/m|till)[ \t]*"
_TH = r"(?:[ \t]?(?:st|nd|rd|th)\b)?"
_DAY_FIRST = re.compile(
    rf"(?<![\d,])(?:(?P<d0>{_DAY}){_TH}\.?(?:{_GAP}(?P<m0>{_MONTH}))?(?:{_GAP}(?P<y0>{_YEAR}))?{_TO})?"
    rf"(?P<d>{_DAY}){_TH}{_GAP}(?:(?:of|de|di)[ \t]+)?(?P<m>{_MONTH}){_GAP}(?:(?:de|del)[ \t]+)?(?P<y>{_YEAR}|['’]?\d\d)(?!\d)"
)
_MONTH_FIRST = re.compile(
    rf"(?<![^\W_])(?:(?P<m0>{_MONTH}){_GAP}(?P<d0>{_DAY}){_TH}{_TO}|(?P<m1>{_MONTH}){_GAP}(?P<d1>{_DAY}){_TH}{_TO})?"
    rf"(?P<m>{_MONTH})?{_GAP}(?P<d>{_DAY}){_TH}{_GAP}(?P<y>{_YEAR})(?!\d)"
)
_MONTH_YEAR = re.compile(rf"(?<![^\W_])(?<!\d[ .\-/])(?P<m>{_MONTH}){_GAP}(?P<y>{_YEAR})(?!\d)")
_ISO = re.compile(rf"(?<!\d)(?P<y>{_YEAR})-(?P<m>\d\d)-(?P<d>\d\d)(?!\d)")
_NUMBERS = re.compile(rf"(?<![\d.])(?P<a>\d{{1,2}}) ?(?P<s>[./\-]) ?(?P<b>\d{{1,2}}) ?(?P=s) ?(?P<y>{_YEAR}|\d\d)(?![\d.]*\d)")
_YEAR_ROW = re.compile(rf"^[ \t.,·]*(?P<y>{_YEAR})[ \t.,·]*$", re.MULTILINE)
_YEAR_LAST = re.compile(rf"[A-Za-zÀ-ÿ.!)],?[ \t]+(?P<y>{_YEAR})[ \t.]*$", re.MULTILINE)

_DETERMINED = re.compile(r"(?i)\b(?:det|d[ée]t|determin\w*|identif\w+|ident|rev|revid\w*|conf|confirm\w*|bestimmt|id)\b[.:]?")
_COLLECTED = re.compile(r"(?i)\b(?:coll?|leg|lgt|legit|collect\w*|r[ée]colt\w*|date)\b[.:]?")
_OTHER = re.compile(
    r"(?i)present|purchas|acquis|\bdonn|accession|\bacc\b|received|copyright|©|digit|database|printed|"
    r"\bB\.? ?M\.?\b|BMNH|image|photo|reg\b|"
    r"public|nov\. ?sp|\bsp\. ?nov|\bin litt|ann\.|bull\.|journ|univ\. calif|engl|\bt\. ?\d|herb\."
)


def month_of(word: str) -> int:
    """1 to 12 for a month's name in one of the languages, whole or cut to three letters and more, or a Roman numeral; else 0."""
    lower = word.lower()
    if lower in ROMAN:
        return ROMAN.index(lower) + 1
    if len(lower) < SHORTEST:
        return 0
    months = [number for number, names in enumerate(NAMES, 1) if any(name.startswith(lower) for name in names.split())]
    return months[0] if len(months) == 1 else 0


def readings(text: str) -> Iterator[Reading]:
    """Each date of the label, as that of collecting or of determining; a date of other things is passed over."""
    taken: list[tuple[int, int]] = []
    for rule, pattern, iso in _PATTERNS:
        for match in pattern.finditer(text):
            start, end = match.start("y") if rule == "year" else match.start(), match.end()
            if any(start < other[1] and other[0] < end for other in taken):
                continue
            date = iso(match)
            if date is None:
                continue
            taken.append((start, end))
            if date and (not is_date(date) or is_in_the_future(date) or _backwards(date)):
                continue
            role = _role(text, start)
            if role and not (rule == "year" and role == "eventDate" and _OTHER.search(text[row_start(text, start) : end])):
                yield from _stated(text, start, end, date, role, rule)


def _stated(text: str, start: int, end: int, date: str, role: str, rule: str) -> Iterator[Reading]:
    verbatim = tidy(text[start:end])
    if date:
        yield Reading(role, date, verbatim, start, end, f"{'determined' if role == 'dateIdentified' else 'date'} by {rule}")
    elif role == "eventDate":
        yield Reading("verbatimEventDate", verbatim, verbatim, start, end, "year of two digits")


def _role(text: str, at: int) -> str:
    """`eventDate`, `dateIdentified`, or nothing: by the last word before it in its row that says what it is a date of."""
    before = text[row_start(text, at) : at]
    last = {name: max((m.start() for m in pattern.finditer(before)), default=-1) for name, pattern in _ROLES.items()}
    if last["other"] > max(last["eventDate"], last["dateIdentified"]):
        return ""
    if last["dateIdentified"] > last["eventDate"]:
        return "dateIdentified"
    if not re.search(r"[^\W_]", before):
        return _role_of_row(text, at)
    return "eventDate"


def _role_of_row(text: str, at: int) -> str:
    """Of a date that begins its row: by the row above, where that is short and says who determined, or what else was done."""
    begin = row_start(text, at)
    above = text[row_start(text, begin - 1) : begin] if begin else ""
    alone = len(text[begin : row_end(text, at)].split()) <= 3
    if not alone or _COLLECTED.search(above):
        return "eventDate"
    if _DETERMINED.search(above):
        return "dateIdentified"
    return "" if len(above.split()) <= 2 and _OTHER.search(above) else "eventDate"


def _day_first(match: re.Match[str]) -> str | None:
    month, year = month_of(match["m"]), match["y"]
    if not month or (match["m0"] and not month_of(match["m0"])):
        return None
    if len(year) != 4:
        return ""
    end = f"{year}-{month:02}-{int(match['d']):02}"
    if match["d0"] is None:
        return end
    first = month_of(match["m0"]) if match["m0"] else month
    return f"{match['y0'] or year}-{first:02}-{int(match['d0']):02}/{end}"


def _month_first(match: re.Match[str]) -> str | None:
    first = match["m0"] or match["m1"]
    name = match["m"] or first
    month = month_of(name or "")
    if not month or len(name or "") < SHORTEST or (first and not month_of(first)):
        return None
    end = f"{match['y']}-{month:02}-{int(match['d']):02}"
    day = match["d0"] or match["d1"]
    return f"{match['y']}-{month_of(first):02}-{int(day):02}/{end}" if first and day else end


def _month_year(match: re.Match[str]) -> str | None:
    month = month_of(match["m"])
    return f"{match['y']}-{month:02}" if month else None


def _iso(match: re.Match[str]) -> str | None:
    return f"{match['y']}-{match['m']}-{match['d']}"


def _numbers(match: re.Match[str]) -> str | None:
    first, second, year = int(match["a"]), int(match["b"]), match["y"]
    if not first or not second or min(first, second) > 12 or max(first, second) > 31:
        return None
    if len(year) != 4:
        return ""
    if max(first, second) <= 12 and first != second:
        return year  # 5/9/2015 may be either day
    day, month = (first, second) if second <= 12 else (second, first)
    return f"{year}-{month:02}-{day:02}"


def _year(match: re.Match[str]) -> str | None:
    """The year, unless a month stands before it: then the day was not understood."""
    before = match.string[: match.start("y")].rstrip(" .,").rsplit(None, 1)
    return None if before and month_of(before[-1].strip(".,")) else match["y"]


def _backwards(date: str) -> bool:
    start, _, end = date.partition("/")
    return bool(end) and end < start


_ROLES = {"eventDate": _COLLECTED, "dateIdentified": _DETERMINED, "other": _OTHER}
_PATTERNS = (
    ("day", _ISO, _iso),
    ("day", _DAY_FIRST, _day_first),
    ("day", _MONTH_FIRST, _month_first),
    ("numbers", _NUMBERS, _numbers),
    ("month", _MONTH_YEAR, _month_year),
    ("year", _YEAR_ROW, _year),
    ("year", _YEAR_LAST, _year),
)
