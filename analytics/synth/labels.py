"""Texts of labels as they are printed in eight languages, with the Darwin Core terms that they give, and misreadings drawn in.

Real taxa and countries, invented people and places (`records.py`). Not the picture of a label: its words, for what reads words.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from numpy.random import Generator

from analytics.synth import records

ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII")


@dataclass(frozen=True, slots=True)
class _Language:
    """The months, and the words before country, collector, determiner, place and height."""

    months: str
    flora: str
    collected: str
    determined: str
    locality: str
    height: str


_GERMAN = "Januar Februar März April Mai Juni Juli August September Oktober November Dezember"
_FRENCH = "janvier février mars avril mai juin juillet août septembre octobre novembre décembre"
_LATIN = "Januarii Februarii Martii Aprilis Maii Junii Julii Augusti Septembris Octobris Novembris Decembris"
_SPANISH = "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"
_PORTUGUESE = "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro"
_SWEDISH = "januari februari mars april maj juni juli augusti september oktober november december"
_DUTCH = "januari februari maart april mei juni juli augustus september oktober november december"
_ENGLISH = "Jan. Feb. March April May June July Aug. Sept. Oct. Nov. Dec."
_LANGUAGES = (
    _Language(_ENGLISH, "Flora of", "Coll.", "Det.", "Locality:", "Elev."),
    _Language(_GERMAN, "Flora von", "leg.", "det.", "Fundort:", "Höhe"),
    _Language(_FRENCH, "Flore de", "Récolté par", "dét.", "Localité:", "Alt."),
    _Language(_LATIN, "Plantae", "leg.", "det.", "Loc.", "alt."),
    _Language(_SPANISH, "Flora de", "Leg.", "Det.", "Localidad:", "Alt."),
    _Language(_PORTUGUESE, "Flora de", "Coletor:", "Det.", "Localidade:", "Alt."),
    _Language(_SWEDISH, "Flora", "leg.", "det.", "Lokal:", "Höjd"),
    _Language(_DUTCH, "Flora van", "Verzameld door", "det.", "Vindplaats:", "Hoogte"),
)
GIVEN = (*("scientificName", "country", "locality", "recordedBy", "recordNumber", "eventDate", "identifiedBy", "dateIdentified"),)
MISREAD = {"l": "1", "I": "l", "O": "0", "0": "O", "1": "l", ".": ",", "c": "e", "rn": "m", "ü": "u", "é": "e", " ": ""}


@dataclass(frozen=True, slots=True)
class LabelText:
    """The words of a label, row by row, and what they say under the names of Darwin Core."""

    text: str
    fields: Mapping[str, str]


def label_text(random: Generator, number: int, misread: float = 0.0) -> LabelText:
    """The label of that number; each character is misread with the probability `misread`."""
    record = records.plausible(random, number)
    words, metres = _LANGUAGES[number % len(_LANGUAGES)], int(random.integers(5, 2900))
    year, month, day = (int(part) for part in record["eventDate"].split("-"))
    date = f"{day}.{ROMAN[month - 1]}.{year}" if random.integers(2) else f"{day} {words.months.split()[month - 1]} {year}"
    collector = f"{record['recordedBy']} {record['recordNumber']}"
    rows = [
        f"{words.flora} {record['country']}",
        record["scientificName"],
        f"{words.locality} {record['locality']}",
        f"{words.height} {metres} m",
        f"{words.collected} {collector}" if random.integers(2) else collector,
        date,
        f"{words.determined} {record['identifiedBy']} {record['dateIdentified']}",
    ]
    fields = {name: record[name] for name in GIVEN} | {"minimumElevationInMeters": str(metres)}
    if random.integers(2):
        north, east = record["decimalLatitude"], record["decimalLongitude"]
        rows.insert(4, f"{_degrees(north, 'NS')} {_degrees(east, 'EW')}")
        fields |= {"decimalLatitude": north, "decimalLongitude": east}
    return LabelText("\n".join(_misread(row, misread, random) for row in rows), fields)


def _degrees(value: str, letters: str) -> str:
    """Degrees and minutes before the letter of the hemisphere."""
    minutes = round(abs(float(value)) * 60, 2)
    return f"{int(minutes // 60)}°{minutes % 60:.2f}'{letters[float(value) < 0]}"


def _misread(row: str, share: float, random: Generator) -> str:
    return "".join(MISREAD.get(char, char) if random.random() < share else char for char in row)
