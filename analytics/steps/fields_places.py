"""Places on labels: country, state, county and locality."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from analytics.steps.fields_countries import COUNTRIES, STATES
from analytics.steps.fields_text import BLANK, Reading, blanked, is_garbled, row_end, row_start, tidy

_BEFORE, _AFTER = r"(?<![^\W_])(?<![^\W_]-)", r"(?![^\W_])"


def _any(names: Sequence[str]) -> str:
    return "|".join(re.escape(name).replace(r"\ ", r"[ \t]") for name in sorted(names, key=len, reverse=True))


_BY_NAME = {name.casefold(): (name, *said) for name, said in STATES.items()}
_COUNTRY_BY_NAME = {name.casefold(): country for name, country in COUNTRIES.items()}
_COUNTRY = re.compile(rf"(?i){_BEFORE}({_any(list(COUNTRIES))}){_AFTER}")
_STATE = re.compile(rf"(?i){_BEFORE}({_any(list(STATES))}){_AFTER}")
_NO_PLACE = re.compile(
    r"(?i)univ|herb|museum|musée|institut|society|department|station|survey|bank|dupl|sent|flora of north|gardens?,|"
    r"botanic|expedition|"
    r"collection|sensu|\bbot\b|plant research|printed|library|academy|school|college"
)
_COUNTY_BEHIND = re.compile(
    r"(?P<county>[A-ZÀ-Þ][\w'’.-]+(?:[ \t][A-ZÀ-Þ][\w'’.-]+){0,2})[ \t]+(?:County|COUNTY|Co\.|Cty\.?|Parish|"
    r"shire)(?![ \t]*(?:Rd|Road|road))"
)
_COUNTY_NAMED = re.compile(
    r"(?:County|Comté|Kreis|Landkreis|District|Distr\.|Dept\.|Département)[ \t]*:[ \t]*(?P<county>[A-ZÀ-Þ][^\n,;:]{2,40})"
)
_KEY = re.compile(
    r"(?<![^\W_])(?i:(?:Locality(?:[ \t]Info)?|Localit[ée]|Localidade?|Loc\.|Location|Fundort|Fundstelle|"
    r"Lokal(?:itet)?|Lieu(?:[ \t]de[ \t]r[ée]colte)?|Vindplaats|"
    r"Lugar|Local|Standort|Leiuk\.|Gazette)(?![^\W\d_])[ \t]*:?|(?:Loc|Fundort)[ \t]*:)[ \t]*(?P<place>[^\n]*)"
)
_OTHER_KEY = re.compile(
    r"(?i)(?<![^\W_])(?:hab(?:itat)?\b|notes?\b|alt(?:itude)?\b|elev|date\b|coll?[.:]|collector|collected|leg[.:]|"
    r"det[.:]|lat[.:]|long[.:]|no[.:]|"
    r"name\b|disease|state:|drainage|specimens|annot|nomen|kasvuk|dupl|voucher|associat|freq|common\b|locally|"
    r"(?<!jct\. )(?<!jct )with\b|growing|occasional)"
)
_PLACE_WORD = re.compile(
    r"(?<![^\W_])(?:(?i:\d+(?:[.,]\d+)?[ \t]*(?:km|mi|miles?)\b|near|vicinity|envir\w*|environs|prov\.?|pr\.|distr?\.|"
    r"isl\.?|n\.p\.|national park|state park|hwys?|"
    r"umg\.?|près|prope|insula|lagoa?|inters)|[NSEW]{1,3} of|District|Forest|Wood|Creek|River|Lake|Lago|R[ií]o|Mts?\.?|"
    r"Mont|Monte|Mount\w*|Cape|Bay|Island|Isles?|Ins\.|"
    r"Park|Road|Rd\.?|Highway|Street|Bridge|Ford|Res\.|Reserve|Valley|Falls|Plateau|Camp|Hill|Hills|Tower|Harbour|"
    r"Swamp|Bog|Farm|Strait|Sea|Beach|Serra|Sierra|Berg|[A-Z]\w+(?:berg|wald|see|bach|skoven|dal|fjord))(?![^\W_])"
)
_HEADING = re.compile(r"(?i)(?:plants|flora)[ \t]+of(?:[ \t]+the)?")  # what is left of one when its state is taken
MOST_ROWS = 3


def readings(rest: str) -> Iterator[Reading]:
    """`rest` is what no other parser has taken of the label's text."""
    units = [*_states(rest), *_county(rest)]
    yield from units
    left = blanked(rest, [(one.start, one.end) for one in units])
    place = _named(left) or _left(rest, left)
    if place and not is_garbled(place.value) and _HEADING.fullmatch(place.value) is None:
        yield place


def country_of(name: str) -> str:
    """The English name of today for a name that a label has; the name itself where it is not known."""
    known = _COUNTRY_BY_NAME.get(name.casefold().strip())
    return known or name


def _states(text: str) -> Iterator[Reading]:
    states = [match for match in _STATE.finditer(text) if _is_place(text, match)]
    names = {_BY_NAME[" ".join(match[1].casefold().split())] for match in states}
    countries = {
        _COUNTRY_BY_NAME[" ".join(match[1].casefold().split())]: match
        for match in _COUNTRY.finditer(text)
        if _is_place(text, match)
    }
    if len(countries) == 1:
        ((country, match),) = countries.items()
        yield Reading("country", country, match[1], match.start(1), match.end(1), "country")
    if len(names) == 1 and (not countries or next(iter(names))[2] in countries):
        ((_, state, country),) = names
        match = states[0]
        span = (match[1], match.start(1), match.end(1))
        yield Reading("stateProvince", state, *span, "state")
        if not countries:
            yield Reading("country", country, *span, "country by its state")


def _is_place(text: str, match: re.Match[str]) -> bool:
    row = text[row_start(text, match.start()) : row_end(text, match.start())]
    before = text[row_start(text, match.start()) : match.start()].rstrip()
    if re.match(
        r"[ \t]+(?:County|Co\.|River|Creek|Street|Road|Strait|Sea|Ocean|Gulf|Bay|Falls)", text[match.end() :]
    ) or before.endswith(("New", "of North")):
        return False
    begin = row_start(text, match.start())
    above = text[row_start(text, begin - 1) : begin] if begin else ""
    return _NO_PLACE.search(row) is None and not (above.rstrip().endswith(",") and _NO_PLACE.search(above))


def _county(text: str) -> Iterator[Reading]:
    for pattern, rule in ((_COUNTY_NAMED, "county named"), (_COUNTY_BEHIND, "county")):
        for match in pattern.finditer(text):
            name = tidy(match["county"])
            name = re.sub(r"^(?:Plants of|PLANTS OF|of|OF)[ \t]+", "", name).removeprefix("LAKE OF ")
            if name and _NO_PLACE.search(name) is None and BLANK not in name and ". " not in name:
                words = name.split()
                name = " ".join(words[-1:]) if words[0].casefold() in ("plants", "flora") else name
                yield Reading(
                    "county", name.title() if name.isupper() else name, tidy(match[0]), match.start(), match.end(), rule
                )
                return


def _named(rest: str) -> Reading | None:
    """What stands behind a word for locality, with the rows below that go on."""
    for match in _KEY.finditer(rest):
        end = match.end()
        start = match.start("place")
        if not tidy(match["place"]) and row_end(rest, end) < len(rest):
            start, end = end + 1, row_end(rest, end + 1)
        for _ in range(MOST_ROWS - 1):
            below = rest[end + 1 : row_end(rest, end + 1)] if end < len(rest) else ""
            if (
                not tidy(below)
                or BLANK in below
                or _OTHER_KEY.search(below)
                or (not rest[start:end].rstrip().endswith((",", "-")) and not below[:1].islower())
            ):
                break
            end = row_end(rest, end + 1)
        cut = _OTHER_KEY.search(rest, start, end)
        stop = min([cut.start() if cut else end, *(at for at in [rest.find(BLANK, start, end)] if at >= 0)])
        place = tidy(rest[start:stop])
        if len(re.findall(r"[^\W\d_]", place)) >= 3:
            return Reading("locality", place, place, start, stop, "locality named")
    return None


@dataclass(frozen=True, slots=True)
class _Row:
    """A row that is left: `words` without what other parsers took; `unit`: a country, state or county stands in it."""

    start: int
    end: int
    words: str
    unit: bool

    @property
    def speaks(self) -> bool:
        return len(re.findall(r"[^\W\d_]", self.words)) >= 4 and _PLACE_WORD.search(self.words) is not None

    @property
    def is_proper(self) -> bool:
        """Whether it is made of names: no word but small ones begins with a small letter."""
        words = re.findall(r"[^\W\d_]{3,}", self.words)
        return bool(words) and all(word[0].isupper() or len(word) <= 3 for word in words) and len(max(words, key=len)) >= 4

    @property
    def goes_on(self) -> bool:
        return not self.words.endswith(".") or re.search(r"(?<![^\W_])[A-Z][^\W_]{0,3}\.$", self.words) is not None

    @property
    def must_go_on(self) -> bool:
        """Whether it ends in the middle of something."""
        return re.search(r"(?:[,-]|(?<![^\W_])(?:of|at|from|in|the|near|on|and|de|von|bei|am))$", self.words) is not None


def _rows(rest: str, left: str) -> list[_Row]:
    rows, at = [], 0
    for whole, row in zip(rest.split("\n"), left.split("\n"), strict=True):
        other = _OTHER_KEY.search(row)
        kept = row[: other.start()] if other else row
        words = "" if _NO_PLACE.search(row) else " ".join(kept.replace(BLANK, " ").split()).lstrip(" ,;:.-–")
        rows.append(_Row(at, at + len(kept), words, whole != row))
        at += len(row) + 1
    return rows


def _left(rest: str, left: str) -> Reading | None:
    """Rows that speak of a place, or stand beside a country or state; with names right above, and what goes on below."""
    rows = _rows(rest, left)
    first = next((n for n, row in enumerate(rows) if row.speaks), None)
    rule = "locality by its words"
    if first is None:
        first, rule = next((n for n, row in enumerate(rows) if row.unit and row.is_proper), None), "locality beside its state"
    if first is None:
        return None
    last = first
    while first and rows[first - 1].is_proper and (rows[first - 1].words.endswith((",", ":")) or rows[first - 1].unit):
        first -= 1
    while (
        last + 1 < len(rows) and last - first < MOST_ROWS and rows[last].goes_on and rows[last].end == _end_of(left, rows[last])
    ):
        below = rows[last + 1]
        if not below.words or not (
            rows[last].must_go_on or below.speaks or below.is_proper or re.match(r"[a-z\d(]", below.words)
        ):
            break
        last += 1
    start, end = rows[first].start, rows[last].end
    place = _without_habitat(tidy(left[start:end]))
    return Reading("locality", place, place, start, end, rule)


def _without_habitat(place: str) -> str:
    """Up to a semicolon behind which a description goes on in small letters, without marks that are left over at the end."""
    return re.sub(r"[ ,;]+\.?$", "", re.sub(r";[ \t]+[a-z].*$", "", place))


def _end_of(text: str, row: _Row) -> int:
    return row_end(text, row.start)
