"""Masks of whole pictures: of classes (semantic, grey or with a palette) and of instances, with a legend as CSV.

A pixel belongs to an object if its centre does. Where objects overlap, the smaller lies over the larger, and the pixels that the
larger loses are counted. 0 is the background, the highest number is void.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache, partial
from typing import Literal

import numpy as np

from annotations.exchange import gray
from annotations.exchange.abilities import EXACT, Abilities, Ability, near, out, table
from annotations.exchange.classes import ClassTable, ExchangeClass
from annotations.exchange.gray import Numbers
from annotations.exchange.losses import Losses, Miss
from annotations.exchange.model import ExchangeImage, ImageStream, Options, Piece, Statement
from annotations.exchange.naming import beside
from annotations.exchange.pieces import HeldBack
from annotations.region_masks import Mask
from app.runtime.spreadsheets import csv_line

Kind = Literal["semantic", "palette", "instance", "colour"]
VOID = {"semantic": 255, "palette": 255, "instance": 65_535, "colour": 1 << 24}
COLOUR = re.compile(r"#[0-9a-f]{6}", re.ASCII)
PIXELS = near("its pixels, exactly; corners of drawn outlines lie on the edges of pixels")
OVER = "pixels that a smaller object covers"


def _abilities(*, instances: bool) -> Abilities:
    whole = EXACT if instances else Ability("near", "objects of one class that touch are one")
    return table(
        box=PIXELS, rings=PIXELS, parts=PIXELS, holes=PIXELS, oriented_box=PIXELS, mask=whole, class_=EXACT,
        line=out("a line covers no pixel"), point=out("a point covers no pixel"),
        whole_image=out("a mask says nothing of whole images"), crowd=out("a crowd is no single object"),
        **({"identifier": Ability("beside", "in the legend"), "class_term": Ability("beside", "in the legend")} if instances
           else {"class_term": Ability("beside", "in the legend")}),
    )  # fmt: skip


SEMANTIC, INSTANCE = _abilities(instances=False), _abilities(instances=True)


def _write(kind: Kind, stream: ImageStream, classes: ClassTable, losses: Losses, options: Options) -> Iterator[Piece]:
    """`masks/*.png` (or `.tif`), `classes.csv`, and of instances `instances.csv`."""
    legend = HeldBack()
    deep = kind == "colour" or (kind == "instance" and options.depth == 32)
    colours: dict[tuple[int, str], None] = {}
    for image, statements in stream:
        losses.image(len(statements))
        found = list(_fit(kind, statements, classes, losses, deep=deep))
        numbers, misses = _painted(image, found, deep=deep, wide=kind == "instance")
        for (one, _, number, of_class), miss in zip(found, misses, strict=True):
            losses.wrote(one, miss, kept=() if miss or one.region is None or one.region.mask is None else ("mask",))
            colours[number, of_class.name] = None
            if kind == "instance":
                legend.add(csv_line([image.path, number, of_class.number, of_class.name, of_class.iri, one.iri]))
        palette = _palette() if kind == "palette" else None
        if kind == "colour":
            yield beside(image, "masks", "png"), gray.coloured(numbers)
        else:
            data = gray.tiff(numbers) if deep else gray.png(numbers, palette)
            yield beside(image, "masks", "tif" if deep else "png"), data
    yield "classes.csv", classes.to_csv().encode()
    if kind == "colour":
        yield (
            "colours.csv",
            ("colour,name\n" + "".join(csv_line([f"#{value:06x}", name]) for value, name in sorted(colours))).encode(),
        )
    if kind == "instance":
        yield "instances.csv", b"image,value,class_number,class,class_iri,iri\n"
        yield from legend.pieces("instances.csv")


write_semantic, write_palette = partial(_write, "semantic"), partial(_write, "palette")
write_colour = partial(_write, "colour")
write_instance = partial(_write, "instance")
Fit = tuple[Statement, Mask, int, ExchangeClass]


def _fit(kind: Kind, statements: Sequence[Statement], classes: ClassTable, losses: Losses, *, deep: bool) -> Iterator[Fit]:
    """Those that have pixels, each with its number."""
    most = VOID[kind] - 1 if kind == "colour" else 2**32 - 2 if deep else VOID[kind] - 1
    count = 0
    for one in statements:
        if losses.refuses(one):
            continue
        of_class = classes.of_statement(one, losses)
        if of_class is None:
            continue
        mask = None if one.region is None else one.region.raster()
        number = count + 1 if kind == "instance" else of_class.number
        number = _colour(one, number) if kind == "colour" else number
        if mask is None:
            losses.leave_out(one, "no centre of a pixel lies in it")
        elif not 0 < number <= most:
            losses.leave_out(one, f"a mask of this depth holds numbers from 1 to {most:,}")
        else:
            count += 1
            yield one, mask, number, of_class


def _painted(image: ExchangeImage, found: list[Fit], *, deep: bool, wide: bool) -> tuple[Numbers, list[list[Miss]]]:
    """The numbers of all pixels, and what each object misses."""
    dtype = np.uint32 if deep else np.uint16 if wide else np.uint8
    numbers = np.zeros((image.height, image.width), dtype)
    owner = np.zeros((image.height, image.width), np.uint32)
    sizes = [mask.count() for _, mask, _, _ in found]
    for place in sorted(range(len(found)), key=lambda each: -sizes[each]):
        _, mask, number, _ = found[place]
        window = (slice(max(mask.y, 0), mask.y + mask.height), slice(max(mask.x, 0), mask.x + mask.width))
        inside = mask.on_canvas(image.width, image.height)[window]
        numbers[window][inside] = number
        owner[window][inside] = place + 1
    left = np.bincount(owner.reshape(-1), minlength=len(found) + 1)[1:]
    return numbers, [
        [Miss(OVER, iou=int(kept) / size)] if kept < size else [] for kept, size in zip(left.tolist(), sizes, strict=True)
    ]


def _colour(one: Statement, number: int) -> int:
    """The colour that the statement came in with, or that of the class in the palette of VOC."""
    said = one.attributes.get("colour")
    if isinstance(said, str) and COLOUR.fullmatch(said):
        return int(said[1:], 16)
    red, green, blue = _palette()[number % 255 or 255]
    return red << 16 | green << 8 | blue


@cache
def _palette() -> list[tuple[int, int, int]]:
    """The colours of PASCAL VOC: number by number, bits spread over red, green and blue."""
    colours = []
    for number in range(256):
        red = green = blue = 0
        left = number
        for bit in range(7, -1, -1):
            red, green, blue = red | (left & 1) << bit, green | (left >> 1 & 1) << bit, blue | (left >> 2 & 1) << bit
            left >>= 3
        colours.append((red, green, blue))
    return colours
