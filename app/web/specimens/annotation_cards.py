"""What was found on a specimen, as people read it: grouped, with units, uncertainty and the piece of image it was found in."""

import itertools
import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annotations.model import FOUND_NOTHING, GAVE_UP, Annotation, Canvas, CanvasBox
from annotations.review.service import Opinion
from annotations.viewer_selectors import picture_of
from app.runtime.addresses import Addresses
from app.runtime.principal import Principal
from app.web import statement_words
from app.web.image_links import ImageLink, is_pictured, piece_of
from app.web.specimens import opinions, segment_groups
from app.web.specimens.opinions import Standing, Viewer
from app.web.specimens.threads import Thread, Threads
from iiif.catalogue.model import Media
from iiif.catalogue.visibility import sees

GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Scale", ("ruler",)),
    (
        "Measurements",
        (
            "outline",
            "length",
            "width",
            "area",
            "perimeter",
            "feret",
            "aspect",
            "solidity",
            "colour",
            "specimen",
            "traits",
            "distance",
        ),
    ),
    ("Colour chart", ("chart",)),
    ("Codes", ("barcode",)),
    ("Labels", ("text", "label", "ocr")),
    ("Values read from labels", ("fields",)),
    ("Image quality", ("quality",)),
)
PEOPLE = "Said by people"
REST = "Other"
READ = ("text", "label")  # what was on the sheet itself, to the letter
CROP_PX = (560, 200)
SURELY = 6  # characters of a code that do not stand in a catalogue number by chance
MOST_OF_IT = 0.9
BESIDE_LINE = 0.3  # of its length


@dataclass(frozen=True, slots=True)
class DrawnLine:
    """From end to end, in pixels of the picture that it is drawn on."""

    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(frozen=True, slots=True)
class FindingCard:
    """One annotation.

    `value` is rounded to what its uncertainty carries; `nothing` says how a step found nothing, and `says` why;
    `quoted` is text as it stands on the sheet; `agrees` tells whether a code is the catalogue number (None: no code);
    `grounds` and `notes` are sentences about it, `doubtful` that its own text says why it is; `by` and `when` tell who says it;
    `crop` is its piece of the image, None where that is the whole or was shown just before, and `line` the line that was
    measured, in pixels of that; `box` is where it lies on its canvas, x0,y0,x1,y1 in canvas units, empty for all of it.
    `ends` are those of a line that was measured, in the same form. `heading` names the segment that begins with it; `standing` is
    what people think of it, `threads` what they wrote about it.
    """

    key: str
    iri: str
    kind: str
    says: str
    quoted: bool
    value: str
    uncertainty: str
    unit: str
    grounds: str
    notes: tuple[str, ...]
    doubtful: bool
    nothing: str
    agrees: bool | None
    crop: ImageLink | None
    line: DrawnLine | None
    canvas: str
    box: str
    ends: str
    by: str
    when: str
    heading: str
    media_key: str
    standing: Standing
    threads: tuple[Thread, ...]


@dataclass(frozen=True, slots=True)
class FindingGroup:
    """`by` is who says all of it, empty where several do, whom the cards then name."""

    title: str
    findings: tuple[FindingCard, ...]
    by: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """What the cards of one specimen are written beside: its number, its images, which of them (`shared`, by key) show other
    specimens too, so that what is said of them may be about another, the rulers that count now, by image, the names of the people
    who said something, by identifier, and of those who judged, by account, the standing verdicts by statement, what was written
    about it, and who looks."""

    catalog_number: str
    media: Sequence[Media]
    shared: Collection[str]
    rulers: Mapping[str, Annotation]
    people: Mapping[str, str]
    addresses: Addresses
    names: Mapping[str, str]
    opinions: Mapping[str, Sequence[Opinion]]
    threads: Threads
    viewer: Viewer


@dataclass(frozen=True, slots=True)
class Placed:
    """A statement where it stands among the findings: the title of its group, and the heading above it, empty for none."""

    group: str
    annotation: Annotation
    heading: str


def in_order(found: Sequence[Annotation]) -> list[Placed]:
    """The findings in the order in which a curator asks: scale, sizes, codes, labels, quality, and what people said."""
    kinds = {kind: (title, place) for title, of_group in GROUPS for place, kind in enumerate(of_group)}
    sorted_out: dict[str, list[Annotation]] = {title: [] for title in (*[title for title, _ in GROUPS], REST, PEOPLE)}
    home = segment_groups.homes(found)
    for annotation in found:
        kind = home[annotation.key].kind if annotation.key in home else annotation.kind
        alone = annotation.layer == "people" and annotation.key not in home
        sorted_out[PEOPLE if alone else kinds.get(kind, (REST, 0))[0]].append(annotation)
    for some in sorted_out.values():
        some.sort(key=lambda one: (bool(_nothing(one)), kinds.get(home.get(one.key, one).kind, (REST, 0))[1]))
    return [
        Placed(title, one, heading) for title, some in sorted_out.items() for one, heading in segment_groups.in_order(some, home)
    ]


def groups(placed: Sequence[Placed], sheet: Sheet, by: Principal) -> tuple[FindingGroup, ...]:
    """The cards of these findings, in groups."""
    images = {image.key: image for image in sheet.media if is_pictured(image) and sees(image, by)}
    found = []
    for title, members in itertools.groupby(placed, key=lambda one: one.group):
        crops: set[str] = set()
        findings = [
            _finding(one.annotation, sheet, one.heading, *_picture(one.annotation, images.get(one.annotation.media_key), crops))
            for one in members
        ]
        said_by = {f"{one.by}, {one.when}" for one in findings}
        found.append(FindingGroup(title, tuple(findings), said_by.pop() if len(said_by) == 1 and title != PEOPLE else ""))
    return tuple(found)


def _finding(annotation: Annotation, sheet: Sheet, heading: str, crop: ImageLink | None, line: DrawnLine | None) -> FindingCard:
    value, uncertainty = rounded(annotation.value, uncertainty_of(annotation.document))
    nothing = _nothing(annotation)
    says = said(annotation)
    of_code = annotation.kind == "barcode" and not nothing and sheet.catalog_number != ""
    agrees = _agrees(says, sheet.catalog_number) if of_code else None
    box, addresses = annotation.box, sheet.addresses
    return FindingCard(
        key=annotation.key,
        iri=addresses.annotation(annotation.key),
        kind=annotation.kind,
        says=says,
        quoted=annotation.kind in READ and not nothing and annotation.layer == "machine",
        value=value,
        uncertainty=uncertainty,
        unit=annotation.unit,
        grounds="" if nothing else statement_words.grounds(annotation),
        notes=tuple(_notes(annotation, sheet)),
        doubtful=statement_words.is_doubtful(annotation),
        nothing=nothing,
        agrees=agrees or None if annotation.media_key in sheet.shared else agrees,
        crop=crop,
        line=line,
        canvas=addresses.canvas(annotation.specimen_key, annotation.media_key) if annotation.media_key else "",
        box="" if box is None else ",".join(f"{side:g}" for side in (box.x0, box.y0, box.x1, box.y1)),
        ends=_ends(annotation),
        by=statement_words.author(annotation, sheet.people),
        when=statement_words.when(annotation.modified_at),
        heading=heading,
        media_key=annotation.media_key,
        standing=opinions.standing(
            annotation, sheet.opinions.get(annotation.key, ()), sheet.viewer, sheet.names, nothing=bool(nothing)
        ),
        threads=sheet.threads.on(annotation.key),
    )


def _ends(annotation: Annotation) -> str:
    """The line that was measured, x0,y0,x1,y1 in canvas units; empty for none."""
    ends = statement_words.ends_px(annotation)
    return "" if ends is None else ",".join(f"{number:g}" for end in ends for number in end)


def _notes(annotation: Annotation, sheet: Sheet) -> Iterator[str]:
    """What else must be known to read it rightly."""
    if annotation.layer == "machine" and annotation.media_key in sheet.shared and not _nothing(annotation):
        yield "The image shows other specimens too: this may be another's."
    scale, now = statement_words.rests_on(annotation), sheet.rulers.get(annotation.media_key)
    if scale and now is None:
        yield "The scale that it rests on no longer stands."
    elif scale and now is not None and scale != sheet.addresses.annotation(now.key):
        yield "It rests on another scale than the one that counts now."
    if annotation.kind == "ruler" and annotation.value is not None and now is not None and now.key != annotation.key:
        yield "Another scale counts for this image."


def _nothing(annotation: Annotation) -> str:
    """A step that found nothing or gave up says so with its motivations and without a place; a person never does."""
    if annotation.layer != "machine" or annotation.box is not None or annotation.value is not None:
        return ""
    if annotation.motivations == GAVE_UP:
        return "gave up"
    return "nothing found" if annotation.motivations == FOUND_NOTHING and annotation.kind != "quality" else ""


def said(annotation: Annotation) -> str:
    """Its text without its tags."""
    texts = [body for body in statement_words.bodies(annotation.document) if isinstance(body.get("value"), str)]
    return "\n".join(body["value"] for body in texts if body.get("purpose") != "tagging") or annotation.text


def uncertainty_of(document: Mapping[str, Any]) -> float | None:
    """The standard uncertainty that a body's `quantity` states, in the unit of its value."""
    for body in statement_words.bodies(document):
        quantity = body.get("quantity")
        stated = quantity.get("standardUncertainty") if isinstance(quantity, Mapping) else body.get("dwc:assertionError")
        number = re.match(r"\d+(?:\.\d+)?(?:[eE][+-]?\d+)?", str(stated or ""))
        if number:
            return float(number[0])
    return None


def rounded(value: float | None, uncertainty: float | None) -> tuple[str, str]:
    """Value and uncertainty to the two figures that the uncertainty carries (GUM, 7.2.6); without one, four figures."""
    if value is None or not math.isfinite(value):
        return "", ""
    if uncertainty is None or not math.isfinite(uncertainty) or uncertainty <= 0:
        return (f"{value:.4g}" if abs(value) < 1e4 else f"{value:,.0f}"), ""
    places = max(0, 1 - math.floor(math.log10(uncertainty)))
    return f"{value:,.{places}f}", f"{uncertainty:,.{places}f}"


def _agrees(text: str, catalog_number: str) -> bool:
    """Whether the code holds the catalogue number, or the number the code (`plant_bm001128287`, say)."""
    number, code = _letters(catalog_number), _letters(text)
    return bool(number and code) and (number in code or (len(code) >= SURELY and code in number))


def _letters(text: str) -> str:
    return re.sub(r"[^0-9a-z]", "", text.lower())


def _picture(annotation: Annotation, image: Media | None, shown: set[str]) -> tuple[ImageLink | None, DrawnLine | None]:
    """The piece of the image, and on it the line that was measured, where one was."""
    ends = statement_words.ends_px(annotation)
    if ends is None or image is None or not all(0 <= x <= image.width_px and 0 <= y <= image.height_px for x, y in ends):
        return _crop(annotation, image, shown), None
    (x0, y0), (x1, y1) = ends
    region = picture_of(_around(ends, image), Canvas(image.width_px, image.height_px))
    piece = piece_of(image, region, CROP_PX)
    left, top, width, height = map(int, region.split(","))
    across, down = piece.width / width, piece.height / height
    return piece, DrawnLine((x0 - left) * across, (y0 - top) * down, (x1 - left) * across, (y1 - top) * down)


def _around(ends: statement_words.Ends, image: Media) -> CanvasBox:
    """A box around a line with as much beside it as shows what was measured."""
    (x0, y0), (x1, y1) = ends
    margin = BESIDE_LINE * max(1.0, math.dist(*ends))
    return CanvasBox(
        max(0.0, min(x0, x1) - margin),
        max(0.0, min(y0, y1) - margin),
        min(float(image.width_px), max(x0, x1) + margin),
        min(float(image.height_px), max(y0, y1) + margin),
    )


def _crop(annotation: Annotation, image: Media | None, shown: set[str]) -> ImageLink | None:
    """The box's piece of the image, once each, and not where the box is nearly all of it."""
    box = annotation.box
    if box is None or image is None:
        return None
    if (box.x1 - box.x0) * (box.y1 - box.y0) > MOST_OF_IT * image.width_px * image.height_px:
        return None
    region = picture_of(box, Canvas(image.width_px, image.height_px))
    if region in shown:
        return None
    shown.add(region)
    return piece_of(image, region, CROP_PX)
