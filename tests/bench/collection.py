"""A collection of any size, written straight into the tables of a hub: specimens with four images each, ten statements an image.

The words of labels come from a vocabulary by Zipf's law, so that a few are on nearly every sheet and most on hardly any. Three of
the ten statements are of things that have a segment. The same seed and sizes make the same rows, whatever the database.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import Connection, Table, insert

from annotations.segments.tables import SegmentRow, SegmentStatementRow
from annotations.tables import AnnotationRow, AnnotationTargetRow
from iiif.catalogue.tables import DepictionRow, MediaRow, SpecimenRow

IMAGES, STATEMENTS = 4, 10  # of a specimen, and on an image
VOCABULARY = 50_000
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
WIDTH, HEIGHT = 4000, 6000
FAMILIES = {
    "Fagaceae": ("Quercus", "Fagus", "Castanea"),
    "Betulaceae": ("Betula", "Alnus", "Carpinus"),
    "Cyperaceae": ("Carex", "Cyperus", "Scirpus"),
    "Asteraceae": ("Aster", "Bellis", "Crepis", "Senecio"),
    "Rosaceae": ("Rosa", "Rubus", "Prunus"),
}
COUNTRIES = ("Germany", "Portugal", "Netherlands", "Belgium", "Brazil", "Kenya", "Fiji")
KINDS = ("label", "stamp", "ruler", "text", "text", "barcode", "length", "width", "area", "outline")
WITH_SEGMENT = 3  # the first of the kinds
AT_ONCE = 250  # specimens in one go
Row = dict[str, Any]


def vocabulary() -> list[str]:
    """Words that look like some, the most frequent first."""
    syllables = ("ba", "ce", "di", "fo", "gu", "ha", "li", "mo", "nu", "pe", "ra", "si", "to", "ve", "wi", "xa")
    return ["".join(syllables[(nth >> shift) % 16] for shift in (0, 4, 8, 12)) + "snr"[nth % 3] for nth in range(VOCABULARY)]


def fill(
    connection: Connection, specimens: int, *, of_each: tuple[int, int] = (IMAGES, STATEMENTS), said: str = "", seed: int = 11
) -> int:
    """Write so many specimens with all that lies on them; how many statements.

    `of_each` is how many images a specimen has, and how many statements an image. Each reads eight words by chance, or `said`,
    with the number of the statement in the place of `{}`.
    """
    chance, words, written = np.random.default_rng(seed), np.array(vocabulary()), 0
    for start in range(0, specimens, AT_ONCE):
        numbers = range(start, min(start + AT_ONCE, specimens))
        rows: dict[Table, list[Row]] = {}
        for one in _of(numbers, of_each, said, chance, words):
            for row_type, row in one:
                rows.setdefault(row_type.__table__, []).append(row)
        for table, several in rows.items():
            connection.execute(insert(table), several)
        written += len(rows[AnnotationRow.__table__])  # type: ignore[index]  # a table it is
    return written


def _of(
    numbers: range, of_each: tuple[int, int], said: str, chance: np.random.Generator, words: Any
) -> Iterator[list[tuple[Any, Row]]]:
    images, statements = of_each
    drawn = words[np.minimum(chance.zipf(1.2, len(numbers) * images * statements * 8), VOCABULARY) - 1].reshape(-1, 8)
    figures = chance.random((len(drawn), 3))
    for number in numbers:
        yield [(SpecimenRow, _specimen(number))]
        for sequence in range(images):
            image = _image(number, sequence, number * images + sequence)
            yield [(MediaRow, image), (DepictionRow, _depiction(image))]
            for at in range(statements):
                nth = (number * images + sequence) * statements + at
                own = nth - numbers.start * images * statements
                yield list(_said(nth, at, image, said.format(nth) or " ".join(drawn[own]), figures[own]))


def _specimen(number: int) -> Row:
    families = tuple(FAMILIES)
    family = families[number % len(families)]
    genus = FAMILIES[family][number // 5 % len(FAMILIES[family])]
    year = 1800 + number * 7 % 200
    terms = {
        "scientificName": f"{genus} {'abcdefgh'[number % 8]}nsis L.",
        "family": family,
        "genus": genus,
        "country": COUNTRIES[number % len(COUNTRIES)],
        "stateProvince": f"Province {number % 90}",
        "locality": f"Station {number % 997}, {number % 97} km south",
        "recordedBy": f"Collector {number % 500}",
        "typeStatus": "Holotype" if number % 50 == 0 else "",
        "institutionCode": "B",
        "collectionCode": "H",
        "basisOfRecord": "PreservedSpecimen",
        "catalogNumber": f"B {number:09}",
        "eventDate": f"{year}-0{number % 9 + 1}-1{number % 9}",
        "year": str(year),
        "decimalLatitude": f"{-60 + number * 13 % 1200 / 10:.1f}",
        "decimalLongitude": f"{-180 + number * 17 % 3600 / 10:.1f}",
        "habitat": "wet meadow",
    }
    terms = {name: text for name, text in terms.items() if text}
    at = BEGAN + timedelta(seconds=number)
    return {
        "key": f"s1b{number:09}", "identity": f"bench {number}", "version": 1, "catalog_number": terms["catalogNumber"],
        "folded_number": f"b{number:09}", "institution_code": "B", "collection_code": "H",
        "scientific_name": terms["scientificName"], "interpreted": terms, "verbatim": terms, "source": "bench",
        "created_at": at, "updated_at": at, "record_version": 1, "accepted": None,
    }  # fmt: skip


def _image(number: int, sequence: int, nth: int) -> Row:
    return {
        "key": f"m1b{nth:09}", "specimen_key": f"s1b{number:09}", "version": 1, "sequence": sequence + 1, "sha256": f"{nth:064}",
        "byte_size": 1000, "format": "image/jpeg", "width_px": WIDTH, "height_px": HEIGHT, "file_name": f"B{nth:010}.jpg",
        "state": "ready", "pyramid_sha256": f"{nth:064}", "derivative_version": 1, "created_at": BEGAN,
    }  # fmt: skip


def _depiction(image: Row) -> Row:
    names = ("specimen_key", "sequence")
    return {"media_key": image["key"], "role": "", **{name: image[name] for name in names}}


def _said(nth: int, at: int, image: Row, text: str, figures: Any) -> Iterator[tuple[Any, Row]]:
    kind, key = KINDS[at % len(KINDS)], f"n1b{nth:09}"
    x, y = int(figures[0] * 3000), int(figures[1] * 5000)
    box = {"x0": float(x), "y0": float(y), "x1": float(x + 200 + at * 50), "y1": float(y + 100 + at * 60)}
    measured = kind in ("length", "width", "area")
    value = round(1 + figures[2] * 150, 2) if measured else 20.0 + at if kind == "ruler" else None
    unit = {"area": "mm²", "ruler": "px/mm"}.get(kind, "mm" if measured else "")
    moment = BEGAN + timedelta(seconds=nth)
    yield AnnotationRow, {
        "key": key, "version": 1, "etag": f"{nth:032}", "media_key": image["key"], "specimen_key": image["specimen_key"],
        "layer": "machine", "kind": kind, "motivations": ["tagging"], "text": text, **box, "run_key": f"r1bench{nth % 20:03}",
        "confidence": round(float(figures[2]), 3), "value": value, "unit": unit, "document": {"type": "Annotation", "id": key},
        "created_at": moment, "modified_at": moment, "state": "accepted" if nth % 11 == 0 else "unreviewed",
        "state_reason": None,
    }  # fmt: skip
    yield AnnotationTargetRow, {
        "annotation_key": key, "position": 0, "place": 0, "kind": "canvas", "key": image["key"], "media_key": image["key"],
        "specimen_key": image["specimen_key"], **box,
    }  # fmt: skip
    if at < WITH_SEGMENT:
        yield from _segment(key, kind, box, image, moment)


def _segment(key: str, kind: str, box: Mapping[str, float], image: Row, moment: datetime) -> Iterator[tuple[Any, Row]]:
    own = f"g1{key[2:]}"
    x, y, width, height = (int(side) for side in (box["x0"], box["y0"], box["x1"] - box["x0"], box["y1"] - box["y0"]))
    fragment = {"conformsTo": "http://www.w3.org/TR/media-frags/", "value": f"xywh={x},{y},{width},{height}"}
    yield SegmentRow, {
        "key": own, "version": 1, "class_name": kind, "media_key": image["key"],
        "selector": [{"type": "FragmentSelector", **fragment}], "x": x, "y": y,
        "width": width, "height": height, "area_px": width * height, "state": "unreviewed", "live": True, "leader_key": key,
        "leader_version": 1, "derived_from": [], "successors": [], "made_by": "bench", "created_at": moment,
        "modified_at": moment, "changes": 0, "words": "",
    }  # fmt: skip
    yield SegmentStatementRow, {
        "segment_key": own, "annotation_key": key, "part": "made", "class_name": kind, "run_key": "r1bench000", "as_role": "",
        "said_at": moment,
    }  # fmt: skip
