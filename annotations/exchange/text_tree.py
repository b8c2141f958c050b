"""Texts of an image in the order of formats for texts: blocks hold lines, lines hold words, by where their middles lie."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from annotations import region_masks, region_measures
from annotations.exchange.abilities import EXACT, Abilities, Ability, Feature, lost, near, out, table
from annotations.exchange.losses import Losses, Miss
from annotations.exchange.model import Statement
from annotations.model import CanvasBox, Ring
from annotations.regions import Region

BLOCKS, WORDS = ("page", "block", "paragraph"), ("word", "glyph")
NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
OWN = {"granularity", "order"}
Held = TypeVar("Held", "TextLine", "TextBlock")


def abilities(*, box: Ability, rings: Ability, score: Ability) -> Abilities:
    """Those of a format for texts."""
    outer = near("the largest of its outlines, without holes")
    return table(
        box=box, rings=rings, parts=outer, holes=outer, mask=outer, oriented_box=near("an outline like any other"),
        text=EXACT, language=EXACT, score=score,
        line=out("a line has no area"), point=out("a point has no area"), whole_image=out("a text needs a place"),
        attributes=lost("but for granularity and order of reading"),
    )  # fmt: skip


@dataclass(slots=True)
class TextLine:
    """A line; `own` is None for one that only holds words."""

    own: Statement | None
    box: CanvasBox
    words: list[Statement] = field(default_factory=list)


@dataclass(slots=True)
class TextBlock:
    """A block; `own` is None for one that only holds lines."""

    own: Statement | None
    box: CanvasBox
    lines: list[TextLine] = field(default_factory=list)


def texts_of(statements: Sequence[Statement], losses: Losses) -> list[Statement]:
    """Those that have a text and a place; the others are counted as left out. In the order of reading where they say one."""
    found = []
    for one in statements:
        if losses.refuses(one):
            continue
        if not one.text.strip():
            losses.leave_out(one, "it has no text")
        elif NOT_XML.search(f"{one.text}{one.language}"):
            losses.leave_out(one, "its text holds a character that XML has no place for")
        elif one.region is None or not (one.region.box.x1 > one.region.box.x0 and one.region.box.y1 > one.region.box.y0):
            losses.leave_out(one, "it has no extent")
        else:
            found.append(one)
    return sorted(found, key=_order)


def tree(found: Sequence[Statement]) -> list[TextBlock]:
    """Blocks with their lines and these with their words. What lies in none has one of its own."""
    blocks = [TextBlock(one, box_of(one)) for one in found if granularity(one) in BLOCKS]
    lines: list[TextLine] = []
    for one in found:
        if granularity(one) not in (*BLOCKS, *WORDS):
            line = TextLine(one, box_of(one))
            lines.append(line)
            _put(line, blocks)
    for one in found:
        if granularity(one) in WORDS:
            holding = _smallest([line for line in lines if line.own is not None], box_of(one))
            if holding is None:
                line = TextLine(None, box_of(one), [one])
                _put(line, blocks)
            else:
                holding.words.append(one)
    return blocks


def granularity(one: Statement) -> str:
    said = one.attributes.get("granularity")
    return said if isinstance(said, str) else "line"


def box_of(one: Statement) -> CanvasBox:
    if one.region is None:
        raise ValueError("a text without a place")
    return one.region.box


def outline(one: Statement) -> Ring:
    """Its largest outer ring."""
    if one.region is None:
        raise ValueError("a text without a place")
    return max(one.region.outlines(), key=lambda ring: region_masks.signed_area(ring))


def told(
    one: Statement, losses: Losses, written: Region, *, exact: bool, more: Sequence[Miss] = (), kept: Sequence[Feature] = ()
) -> None:
    """Tell the report of it: `written` is the shape that the file has, `exact` whether that is the statement's own."""
    region = one.region
    misses = list(more)
    keeps: list[Feature] = [*kept, *(["attributes"] if set(one.attributes) <= OWN else [])]  # type: ignore[list-item]  # a feature
    if region is not None and not exact:
        kind = "oriented box" if one.oriented else region.kind
        near_as = {"iou": region_measures.iou(region, written)}
        misses += [Miss(each, **near_as) for each in _kinds(region, kind)]
    elif region is not None:
        keeps += ["box", "rings"]
    losses.wrote(one, misses, keeps)


def _kinds(region: Region, kind: str) -> list[str]:
    if kind != "rings":
        return [kind]
    holes = sum(region_masks.signed_area(ring) < 0 for ring in region.rings)
    return ["rings", *(["parts"] if len(region.rings) - holes > 1 else []), *(["holes"] if holes else [])]


def _order(one: Statement) -> tuple[float, float, float]:
    said = one.attributes.get("order")
    box = box_of(one)
    return (float(said) if isinstance(said, int | float) else float("inf"), box.y0, box.x0)


def _put(line: TextLine, blocks: list[TextBlock]) -> None:
    block = _smallest([each for each in blocks if each.own is not None], line.box)
    if block is None:
        blocks.append(TextBlock(None, line.box, [line]))
    else:
        block.lines.append(line)


def _smallest(holders: Sequence[Held], box: CanvasBox) -> Held | None:
    x, y = (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
    around = [one for one in holders if one.box.x0 <= x < one.box.x1 and one.box.y0 <= y < one.box.y1]
    return min(around, key=lambda one: (one.box.x1 - one.box.x0) * (one.box.y1 - one.box.y0), default=None)
