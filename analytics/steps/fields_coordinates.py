"""Coordinates on labels, in degrees, minutes and seconds, decimal degrees or UTM; heights and depths.

A pair is read only whole, within ±90 and ±180 degrees and with less than 60 minutes and seconds. The digits behind the point
say how exactly it was written.
"""

import math
import re
from collections.abc import Iterator

from analytics.steps.fields_text import Reading, tidy

FEET_M, FATHOM_M = 0.3048, 1.8288
HIGHEST_M, DEEPEST_M = 8_900, 11_000
LEAST_BARE_M = 10  # a lower number of metres without a word may be the height of a plant

_DEGREES = (
    r"(?P<d{0}>\d{{1,3}}(?:[.,]\d+)?)[ \t]?(?:[°º˚]|deg\.?|(?<=\d)[ \t](?=\d))[ \t]?"
    r"(?:(?P<m{0}>\d{{1,2}}(?:[.,]\d+)?)[ \t]?(?:['’′´`]|(?=[ \t]?[NSEWOLnsew]\b)|[ \t])?[ \t]?"
    r"(?:(?P<s{0}>\d{{1,2}}(?:[.,]\d+)?)[ \t]?(?:[\"”″]|''|’’)?)?)?"
)
_PLAIN = r"(?P<d{0}>[-−+]?\d{{1,3}}[.,]\d{{2,}})[ \t]?[°º]?"
_BETWEEN = r"[\s,;/]*"


def _named(word: str) -> str:
    return rf"(?:{word})[a-z]*\.?[ \t]*:?[ \t]*"


_LETTERS = _DEGREES.format(0) + r"[ \t]*[\"”]?[ \t]*(?P<n>[NSns])\b[.,]?" + _BETWEEN + r"(?:Long\.?:?\s*)?"
_LETTERS += _DEGREES.format(1) + r"[ \t]*[\"”]?[ \t]*(?P<e>[EWOew])\b"
_BEFORE = r"\b(?P<n>[NS])[ \t]*" + _DEGREES.format(0) + _BETWEEN + r"(?P<e>[EWO])[ \t]*" + _DEGREES.format(1)
_WORDS = _named("lat") + _PLAIN.format(0) + r"(?P<n>[NS])?" + _BETWEEN + _named("lon") + _PLAIN.format(1) + r"(?P<e>[EW])?"
_BEHIND = r"(?<![\d.])" + _PLAIN.format(0) + r"[ \t]?(?P<n>[NS])\b" + _BETWEEN + _PLAIN.format(1) + r"[ \t]?(?P<e>[EW])\b"
_PAIR = r"(?<![\d.])(?P<d0>[-−]?\d{1,2}\.\d{3,})[ \t]?°?[,;][ \t]*(?P<d1>[-−]?\d{1,3}\.\d{3,})(?![\d.])"
_PATTERNS = (
    ("signs behind", re.compile(_LETTERS)),
    ("signs before", re.compile(_BEFORE)),
    ("decimal named", re.compile(_WORDS, re.IGNORECASE)),
    ("decimal letters", re.compile(_BEHIND)),
    ("decimal pair", re.compile(_PAIR)),
)
_UTM = re.compile(r"\b(?P<zone>[1-5]?\d|60) ?(?P<band>[C-HJ-NP-X])[ ,]{1,2}(?P<e>\d{6})(?:m?E)?[ ,]{1,2}(?P<n>\d{6,7})(?:m?N)?\b")
_DATUM = re.compile(r"(?i)\b(WGS[ -]?84|NAD[ -]?(?:27|83)|ED50|GDA94)\b")
_RADIUS = re.compile(r"(?:\+/-|±|\+-)[ \t]?(\d{1,5})[ \t]?m\b")

_NUMBER = r"\d{1,2}[ ,.']?\d{3}(?!\d)|\d{1,4}(?:[.,]\d)?"
_UNIT = r"(?P<u>feet|foot|ft|['’](?![\d'’])|fathoms?|fms?|metres|meters|m[èe]tres|mtrs?|msnm|m)(?![^\W_])"
_TO = r"(?:[ \t]?(?:m|ft|['’])?[ \t]*[-–—][ \t]*"
_HEIGHT = re.compile(
    rf"(?i)\b(?:elev(?:ation)?|alt(?:itude?|itud)?|h[öo]he|seehöhe|hoogte|höjd)\b[.:]*[ \t]*(?:ca?\.?|circa|approx\.?|"
    rf"about|±)?[ \t]*"
    rf"(?P<a>{_NUMBER}){_TO}(?P<b>{_NUMBER}))?[ \t]?{_UNIT}\.?"
)
_DEPTH = re.compile(
    rf"(?i)\b(?:depth|tiefe|profondeur|profundidad|profundidade|djup|diepte)\b[.:]*[ \t]*(?:ca?\.?)?[ \t]*"
    rf"(?P<a>{_NUMBER}){_TO}(?P<b>{_NUMBER}))?[ \t]?{_UNIT}\.?"
)
_HEIGHT_BEHIND = re.compile(
    rf"(?i)(?<![\d.,])(?P<a>{_NUMBER}){_TO}(?P<b>{_NUMBER}))?[ \t]?{_UNIT}\.?[ \t]*(?:alt|elev|a\.?[ \t]?s\.?[ \t]?l|"
    rf"s\.?n\.?m|ü\.?[ \t]?d?\.?m|ü\.?NN)"
)
_HEIGHT_BARE = re.compile(
    rf"(?:^|[,;][ \t]*)(?P<a>{_NUMBER}){_TO}(?P<b>{_NUMBER}))?[ \t]?(?P<u>m|ft|feet)\.?[ \t]*(?=$|[,;]|\d)", re.MULTILINE
)


def readings(text: str) -> Iterator[Reading]:
    """Coordinates, and heights above and depths below the sea."""
    pair = next(_pairs(text), None)
    if pair is not None:
        yield from pair
    yield from _heights(text)


def _pairs(text: str) -> Iterator[tuple[Reading, ...]]:
    for rule, pattern in _PATTERNS:
        for match in pattern.finditer(text):
            parts = match.groupdict()
            north = _angle(parts, "0", parts.get("n") or "", 90)
            east = _angle(parts, "1", parts.get("e") or "", 180)
            if north is not None and east is not None and (float(north), float(east)) != (0, 0):
                yield _stated(text, match, north, east, rule)
    for match in _UTM.finditer(text):
        place = _of_utm(int(match["zone"]), match["band"], float(match["e"]), float(match["n"]))
        if place is not None:
            yield _stated(text, match, f"{place[0]:.5f}", f"{place[1]:.5f}", "utm")


def _stated(text: str, match: re.Match[str], north: str, east: str, rule: str) -> tuple[Reading, ...]:
    start, end, verbatim = match.start(), match.end(), tidy(match[0])
    found = [
        Reading(term, value, verbatim, start, end, rule)
        for term, value in (("decimalLatitude", north), ("decimalLongitude", east))
    ]
    if datum := _DATUM.search(text):
        name = re.sub(r"[ -]", "", datum[1].upper())
        found.append(Reading("geodeticDatum", name, datum[1], datum.start(), datum.end(), "datum"))
    if radius := _RADIUS.search(text, end, min(len(text), end + 30)):
        found.append(Reading("coordinateUncertaintyInMeters", radius[1], radius[0], radius.start(), radius.end(), "radius"))
    return tuple(found)


def _angle(parts: dict[str, str | None], which: str, letter: str, limit: int) -> str | None:
    """Decimal degrees with as many digits as were written; None for what is no angle."""
    whole = (parts.get(f"d{which}") or "").replace(",", ".").replace("−", "-")
    minutes, seconds = ((parts.get(f"{name}{which}") or "").replace(",", ".") for name in "ms")
    if not whole or (minutes and "." in whole) or float(minutes or 0) >= 60 or float(seconds or 0) >= 60:
        return None
    if seconds and "." in minutes:
        return None
    finest = seconds or minutes or whole
    digits = len(finest.partition(".")[2]) + (4 if minutes else 0)
    value = abs(float(whole)) + float(minutes or 0) / 60 + float(seconds or 0) / 3600
    below = whole.startswith("-") or letter.upper() in ("S", "W")
    return None if value > limit else f"{-value if below else value:.{min(digits, 6)}f}"


def _of_utm(zone: int, band: str, easting: float, northing: float) -> tuple[float, float] | None:
    """Latitude and longitude of WGS 84 (Snyder 1987, Map Projections, p. 63); None outside the zone."""
    if not 1 <= zone <= 60 or not 100_000 <= easting < 900_000 or northing >= 10_000_000:
        return None
    radius, e2 = 6_378_137.0, 0.00669437999014
    ep2 = e2 / (1 - e2)
    mu = (northing - (0 if band >= "N" else 10_000_000)) / 0.9996 / (radius * (1 - e2 / 4 - 3 * e2**2 / 64 - 5 * e2**3 / 256))
    e1 = (1 - math.sqrt(1 - e2)) / (1 + math.sqrt(1 - e2))
    foot = mu + (1.5 * e1 - 27 * e1**3 / 32) * math.sin(2 * mu) + (21 * e1**2 / 16 - 55 * e1**4 / 32) * math.sin(4 * mu)
    foot += 151 * e1**3 / 96 * math.sin(6 * mu)
    sine, cosine = math.sin(foot), math.cos(foot)
    t, c = math.tan(foot) ** 2, ep2 * cosine**2
    n, r = radius / math.sqrt(1 - e2 * sine**2), radius * (1 - e2) / (1 - e2 * sine**2) ** 1.5
    d = (easting - 500_000) / (n * 0.9996)
    terms = d**2 / 2 - (5 + 3 * t + 10 * c - 4 * c**2 - 9 * ep2) * d**4 / 24
    terms += (61 + 90 * t + 298 * c + 45 * t**2 - 252 * ep2 - 3 * c**2) * d**6 / 720
    north = math.degrees(foot - n * math.tan(foot) / r * terms)
    along = d - (1 + 2 * t + c) * d**3 / 6 + (5 - 2 * c + 28 * t - 3 * c**2 + 8 * ep2 + 24 * t**2) * d**5 / 120
    east = zone * 6 - 183 + math.degrees(along / cosine)
    letters = "CDEFGHJKLMNPQRSTUVWX"
    low = -80 + 8 * letters.index(band)
    return (north, east) if low - 0.01 <= north <= (84 if band == "X" else low + 8) + 0.01 else None


def _heights(text: str) -> Iterator[Reading]:
    for rule, pattern, name, limit in (
        ("height named", _HEIGHT, "Elevation", HIGHEST_M),
        ("height named", _HEIGHT_BEHIND, "Elevation", HIGHEST_M),
        ("depth named", _DEPTH, "Depth", DEEPEST_M),
        ("height bare", _HEIGHT_BARE, "Elevation", HIGHEST_M),
    ):
        for match in pattern.finditer(text):
            low, high = _number(match["a"]), _number(match["b"] or match["a"])
            factor = _factor(match["u"])
            low, high = low * factor, high * factor
            if not 0 <= low <= high <= limit or (rule == "height bare" and (high < LEAST_BARE_M or "." in match[0].rstrip(". "))):
                continue
            verbatim, at = tidy(match[0]), (match.start(), match.end())
            yield Reading(f"minimum{name}InMeters", _plain(low), verbatim, *at, rule)
            yield Reading(f"maximum{name}InMeters", _plain(high), verbatim, *at, rule)
            return


def _number(text: str) -> float:
    if re.fullmatch(r"\d{1,2}[ ,.']\d{3}", text):
        return float(re.sub(r"\D", "", text))
    return float(text.replace(",", "."))


def _factor(unit: str) -> float:
    lower = unit.lower()
    return FATHOM_M if lower.startswith(("fat", "fm")) else FEET_M if lower.startswith(("f", "'", "’")) else 1.0


def _plain(metres: float) -> str:
    return f"{round(metres, 1):g}" if metres < 10 else str(round(metres))
