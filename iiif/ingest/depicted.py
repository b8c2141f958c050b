"""What a media row says of how its image shows the specimen: role and region, in the terms of Audiovisual Core.

A region of interest (Audiovisual Core, section 7.12) is given in fractions of the upright image, on the row of the image or on a
row of its own that names it by `isROIOf`. It is taken for the specimen's own only where the record has no other on that image,
and where it speaks of no part of the organism and of nothing beside it: a leaf or a scale bar is no specimen.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from iiif.catalogue.model import DepictionRole, OwnRegion
from iiif.ingest.model import ImageFile, IngestIssue, Record, warning
from ontology.darwin_core import spelling

Cells = Mapping[str, str]
SIDES = ("xfrac", "yfrac", "widthfrac", "heightfrac")
OF_REGIONS = frozenset({*SIDES, "radius", "isroiof", "subjectpart", "subjectpartliteral", "cvterm", "cvtermliteral", "tag"})
NAMES = ("identifier", "providermanagedid", "accessuri")  # by which `isROIOf` may name a media row
SLACK = 1e-6  # of the image's side: what the decimals of a fraction may lose
ENTIRE = frozenset({"p0001", "entireorganism", "wholeorganism", "whole", "habitus"})
PARTS = frozenset(
    (
        *("bark", "twig", "stem", "leaf", "inflorescence", "fruit", "seed", "flower", "head", "thorax"),
        *("abdomen", "leg", "wing", "antenna", "forewing", "hindwing", "skull", "mandible", "fin", "egg", "bud"),
    )
)
LABELS = frozenset({"c01", "label", "labels"})  # http://rs.tdwg.org/accd/values/c01
IN_SITU = frozenset({"insitu"})
BESIDE = frozenset(
    {"context", "scalebar", "colorbar", "organismpart", "barcode", "packet", *(f"c0{n}" for n in range(1, 9)), *LABELS}
)


@dataclass(frozen=True, slots=True)
class Fractions:
    """A box in fractions of the width and height of the upright image."""

    x: float
    y: float
    width: float
    height: float

    def within(self, width_px: int, height_px: int) -> OwnRegion:
        """The nearest whole pixels, at least one, none beyond the edge: fractions are to give back the exact pixel."""
        x0, x1 = _pixels(self.x, self.width, width_px)
        y0, y1 = _pixels(self.y, self.height, height_px)
        return OwnRegion(x0, y0, x1, y1)


@dataclass(frozen=True, slots=True)
class Depicted:
    """Role and region, where the row tells them; `problem` is why a region that it gives was not taken."""

    role: DepictionRole = ""
    region: Fractions | None = None
    problem: IngestIssue | None = None


NOTHING = Depicted()


def of_image(record: Record, image: ImageFile) -> Depicted:
    """What the source says of an image: the image's own row, or that of the record whose only image it is."""
    if image.terms or len(record.images) > 1:
        return read(image.terms)
    columns = _columns_of_regions(tuple(record.verbatim))
    return read({column: record.verbatim[column] for column in columns}) if columns else NOTHING


@lru_cache(maxsize=512)
def _columns_of_regions(columns: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(column for column in columns if spelling(column) in OF_REGIONS)


def read(row: Cells) -> Depicted:
    """What the row of an image says."""
    terms = {spelling(column): text.strip() for column, text in row.items() if text.strip()}
    role = _role(terms)
    if not any(side in terms for side in SIDES):
        return Depicted(role)
    region = _fractions(terms)
    if region is None:
        given = ", ".join(terms.get(side, "nothing")[:20] for side in SIDES)
        sentence = f"The region {given} is not a part of an image (xFrac, yFrac, widthFrac, heightFrac from 0 to 1)."
        return Depicted(role, None, warning("bad-region", sentence))
    if role in ("detail", "label") or any(_word(terms.get(term, "")) in BESIDE for term in ("cvterm", "cvtermliteral")):
        sentence = "The region shows a part of the specimen, or something beside it; it is not taken for the whole specimen."
        return Depicted(role, None, warning("other-region", sentence))
    return Depicted(role, region)


def joined(rows: Sequence[Cells], image_row: Callable[[str], Cells | None]) -> tuple[list[Cells], list[IngestIssue]]:
    """The media rows of one record, the rows of its regions laid onto those of their images.

    Args:
        image_row: the media row of any record that has that identifier or address.

    Returns:
        One row per image, and what was not taken of rows of regions.
    """
    images = [row for row in rows if not _image_named(row)]
    by_name = {name: place for place, row in enumerate(images) for name in _names(row)}
    regions: dict[int, list[Cells]] = {}
    issues: list[IngestIssue] = []
    for row in rows:
        if not (named := _image_named(row)):
            continue
        if named not in by_name and (other := image_row(named)) is not None:
            by_name.update(dict.fromkeys(_names(other), len(images)))
            images.append({column: text for column, text in other.items() if spelling(column) not in OF_REGIONS})
        if named in by_name:
            regions.setdefault(by_name[named], []).append(row)
        else:
            issues.append(warning("other-region", f"The region's image {named[:200]!r} (isROIOf) is not a media row here."))
    for place, own in regions.items():
        if len(own) == 1 and not any(side in map(spelling, images[place]) for side in SIDES):
            images[place] = {
                **images[place],
                **{column: text for column, text in own[0].items() if spelling(column) in OF_REGIONS},
            }
        else:
            sentence = f"The record has {len(own)} regions on one image, none of which is taken for all of the specimen."
            issues.append(warning("other-region", sentence))
    return images, issues


def is_region(row: Cells) -> bool:
    """Whether a media row speaks of a region of another row's image, and names no image itself."""
    return bool(_image_named(row))


def names_of(row: Cells) -> tuple[str, ...]:
    """By what `isROIOf` may name the row of an image; nothing for the row of a region."""
    return () if _image_named(row) else _names(row)


def _names(row: Cells) -> tuple[str, ...]:
    terms = {spelling(column): text.strip() for column, text in row.items()}
    return tuple(terms[name] for name in NAMES if terms.get(name))


def _image_named(row: Cells) -> str:
    return next((text.strip() for column, text in row.items() if spelling(column) == "isroiof"), "")


def _role(terms: Mapping[str, str]) -> DepictionRole:
    """Only what a controlled word says, alone; a title in passing says nothing."""
    part = [_word(terms[term]) for term in ("subjectpart", "subjectpartliteral") if terms.get(term)]
    content = [_word(terms[term]) for term in ("cvterm", "cvtermliteral", "subtypeliteral", "title", "tag") if terms.get(term)]
    found: set[DepictionRole] = set()
    for word in part:
        if word in ENTIRE:
            found.add("whole")
        elif word in PARTS or re.fullmatch(r"p00(0[2-9]|[12]\d|3[0-2])", word):
            found.add("detail")
    for word in content:
        if word in LABELS:
            found.add("label")
        elif word in IN_SITU:
            found.add("in situ")
    return found.pop() if len(found) == 1 else ""


def _word(text: str) -> str:
    """The last part of an IRI or of a prefixed name, in small letters without blanks: `acpart:p0005` is `p0005`."""
    return re.sub(r"[\s_-]+", "", re.split(r"[/#:]", text)[-1]).lower()


def _fractions(terms: Mapping[str, str]) -> Fractions | None:
    values = [terms.get(side, "") for side in SIDES]
    if not all(re.fullmatch(r"[01]?(?:[.,]\d{1,20})?(?:[eE]-\d{1,2})?", text, re.ASCII) and text for text in values):
        return None
    try:
        x, y, width, height = (float(text.replace(",", ".")) for text in values)
    except ValueError:
        return None
    if not (width > 0 and height > 0 and x + width <= 1 + SLACK and y + height <= 1 + SLACK and x < 1 and y < 1):
        return None
    return Fractions(x, y, min(width, 1 - x), min(height, 1 - y))


def _pixels(start: float, length: float, side_px: int) -> tuple[float, float]:
    first = min(round(start * side_px), side_px - 1)
    return float(first), float(max(first + 1, min(side_px, round((start + length) * side_px))))
