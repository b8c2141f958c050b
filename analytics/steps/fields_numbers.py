"""Catalogue numbers on labels, and whose collection a label says that the specimen is in or came from."""

import re
from collections.abc import Iterator

from analytics.steps.fields_text import Reading, tidy

_NUMBER = re.compile(
    r"(?<![^\W_])(?P<code>[A-Z]{1,3}(?: 10)|[A-Z]{2,9}(?:[ ]?\([A-Z]\))?(?:-[A-Z]{2,6})*|"
    r"[A-Z](?=\d|[ .]\d{6}))[ \t]*(?P<sign>[-#№:.]|N[or°]\.?)?[ \t\n]*#?[ \t]*"
    r"(?P<digits>\d{5,10})(?![\d.,/]*\d)"
)
_LETTERED = re.compile(r"(?<![^\W_])(?P<code>[A-Z]{2,6})-(?P<digits>[A-Z]{0,3}\d{5,10})(?!\d)")
_SMALL = re.compile(r"(?<![^\W_])(?:No\.[ \t]*)?(?P<code>PE|UC|FMNH|USNM|MCZ|NHMUK)[ \t]+(?P<digits>\d{4,9})(?!\d)")
_NO_CODE = re.compile(r"(?i)^(?:no|nr|tel|fax|box|isbn|nad|wgs|utm|elev|alt|gps|lat|long|date|acc|coll|page)$")
_CLUB = re.compile(
    r"(?im)^[^\n]*\b(?:exchange club|botanical exchange|tauschverein|exsicc\w*|distributed by|société d[’']échange|"
    r"dupl(?:icat\w*|\.|es:)?[ \t]+(?:sent|deposited|at|to)|DUPES)\b[^\n]*"
)
_HOLDER = re.compile(
    r"(?im)^(?:[^\n]*(?:\bherb(?:arium|ier|ar|\.)|\bmuse(?:um|o|e)\b|\bmusée\b|botanic(?:al)? gardens?\b|hortus\b|"
    r"natural history survey|mus\. ?bot)[^\n]*)$"
)


def spans(text: str) -> list[tuple[int, int]]:
    """Where catalogue numbers stand, each time."""
    found = [match for pattern in (_LETTERED, _NUMBER, _SMALL) for match in pattern.finditer(text)]
    return [match.span() for match in found if not _NO_CODE.match(match["code"])]


def readings(text: str) -> Iterator[Reading]:
    """The catalogue number (the only one, or the one that stands twice), the institution and the exchange that a label names.

    The institution and the exchange are under no term of Darwin Core that may be proposed; they are stated as `institution` and
    `exchange`.
    """
    numbers: dict[str, tuple[re.Match[str], int]] = {}
    for pattern in (_LETTERED, _NUMBER, _SMALL):
        for match in pattern.finditer(text):
            if not _NO_CODE.match(match["code"]):
                key = re.sub(r"\W", "", match[0]).casefold()
                numbers[key] = (match, numbers.get(key, (match, 0))[1] + 1)
    if numbers:
        match, times = max(numbers.values(), key=lambda one: (one[1], -one[0].start()))
        if len(numbers) == 1 or times > 1 or len({re.sub(r"\D", "", key).lstrip("0") for key in numbers}) == 1:
            value = re.sub(r"^No\.\s*", "", " ".join(match[0].split()))
            yield Reading("catalogNumber", value, tidy(match[0]), match.start(), match.end(), "catalogue number")
    for term, pattern in (("exchange", _CLUB), ("institution", _HOLDER)):
        if row := pattern.search(text):
            yield Reading(term, tidy(row[0]), tidy(row[0]), row.start(), row.end(), term)
