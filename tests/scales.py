"""Rulers drawn here, whose scale is exact: what the step that reads scales is held to."""

import math
from collections.abc import Callable, Mapping
from functools import partial

import cv2
import numpy as np
from font_caladea import Caladea
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from analytics.steps.model import SheetImage

INCH_MM = 25.4
INK, CARD, GROUND = 25, 240, 150
FINER = 4  # the ruler is drawn so many times as large as it will be seen


class Drawing:
    """A ruler card of that size, its places in mm; drawn large, then laid turned on a grey ground."""

    def __init__(self, width_mm: float, height_mm: float, px_per_mm: float) -> None:
        self.px_per_mm, self.scale = px_per_mm, px_per_mm * FINER
        self.card = Image.new("L", (round(width_mm * self.scale), round(height_mm * self.scale)), CARD)
        self.pen = ImageDraw.Draw(self.card)

    def box(self, x: float, y: float, width: float, height: float, ink: int = INK) -> None:
        s = self.scale
        self.pen.rectangle((round(x * s), round(y * s), round((x + width) * s) - 1, round((y + height) * s) - 1), fill=ink)

    def mark(self, x: float, y: float, height: float) -> None:
        self.box(x - 0.1, y, 0.2, height)

    def write(self, text: str, x: float, y: float, height_mm: float = 3.2, ink: int = INK) -> None:
        font = ImageFont.truetype(Caladea, round(height_mm * self.scale * 1.3))
        self.pen.text((x * self.scale, y * self.scale), text, ink, font=font, anchor="mm")

    def photograph(self, degrees: float = 0.0, noise: float = 2.0, blur: float = 0.0) -> SheetImage:
        width, height = self.card.size
        side = math.hypot(width, height) / FINER + 120
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1 / FINER)
        turn[:, 2] += side / 2 - np.array([width, height]) / 2
        card = cv2.GaussianBlur(np.asarray(self.card), (0, 0), FINER / 2.5)
        size = (round(side), round(side))
        seen = cv2.warpAffine(card, turn, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=GROUND)
        seen = cv2.GaussianBlur(seen, (0, 0), blur) if blur else seen
        return photograph(seen.astype(float), noise)


def photograph(grey: NDArray[np.float64], noise: float = 2.0) -> SheetImage:
    noisy = grey + np.random.default_rng(7).normal(0, noise, grey.shape)
    return SheetImage(np.repeat(np.clip(noisy, 0, 255).astype(np.uint8)[..., np.newaxis], 3, axis=2))


def millimetres(px_per_mm: float, length: int = 100, *, half: bool = False, numbers: bool = True) -> Drawing:
    drawing = Drawing(length + 16, 18, px_per_mm)
    for step in range(length * (2 if half else 1) + 1):
        at = step / (2 if half else 1)
        drawing.mark(8 + at, 0.5, 7.0 if at % 10 == 0 else 5.2 if at % 5 == 0 else 3.6 if at % 1 == 0 else 2.2)
    for number in range(length // 10 + 1 if numbers else 0):
        drawing.write(str(number), 8 + 10 * number, 11)
    return drawing


def inches_and_centimetres(px_per_mm: float) -> Drawing:
    drawing = Drawing(116, 30, px_per_mm)
    for step in range(101):
        drawing.mark(8 + step, 0.5, 7.0 if step % 10 == 0 else 5.2 if step % 5 == 0 else 3.6)
    for step in range(int(100 / INCH_MM * 16) + 1):
        tall = next(height for every, height in ((16, 7.0), (8, 5.4), (4, 4.2), (2, 3.2), (1, 2.4)) if step % every == 0)
        drawing.mark(8 + step * INCH_MM / 16, 29.5 - tall, tall)
    for number in range(11):
        drawing.write(str(number), 8 + 10 * number, 10.5)
    return drawing


def inches(px_per_mm: float, parts: int = 16) -> Drawing:
    drawing = Drawing(116, 18, px_per_mm)
    for step in range(int(100 / INCH_MM * parts) + 1):
        tall = next(
            height for every, height in ((16, 7.0), (8, 5.4), (4, 4.2), (2, 3.2), (1, 2.4)) if step * 16 // parts % every == 0
        )
        drawing.mark(8 + step * INCH_MM / parts, 0.5, tall)
    for number in range(4):
        drawing.write(str(number), 8 + INCH_MM * number, 11)
    return drawing


def blocks(px_per_mm: float) -> Drawing:
    """A bar of centimetres, white on black, the first divided into millimetres."""
    drawing = Drawing(116, 24, px_per_mm)
    drawing.box(2, 1, 112, 22)
    for number in range(11):
        drawing.box(8 + 10 * number - 0.15, 3, 0.3, 8, CARD)
        drawing.write(str(number), 8 + 10 * number, 14.5, ink=CARD)
    for tenth in range(1, 10):
        drawing.box(8 + tenth - 0.15, 3, 0.3, 6, CARD)
    for number in range(1, 10, 2):
        drawing.box(8 + 10 * number, 9, 10, 2, CARD)
    drawing.write("cm", 9, 20, ink=CARD)
    return drawing


def plain_marks(px_per_mm: float) -> Drawing:
    """Marks all alike, without a number: nobody can tell their unit."""
    drawing = Drawing(116, 18, px_per_mm)
    for step in range(101):
        drawing.mark(8 + step, 0.5, 4.0)
    return drawing


def comb(px_per_mm: float, length: int = 50) -> Drawing:
    """Of a colour chart: millimetres of two heights without numbers, along the edge of a card with patches."""
    drawing = Drawing(length + 20, 34, px_per_mm)
    for step in range(length + 1):
        drawing.mark(10 + step, 0.5, 4.4 if step % 10 == 0 else 3.4 if step % 5 == 0 else 2.4)
    for patch in range(12):
        drawing.box(10 + patch % 6 * 9, 10 + patch // 6 * 11, 8, 9, 30 + patch * 18)
    return drawing


def graph_paper(px_per_mm: float) -> Drawing:
    """Lines every millimetre both ways, each fifth and tenth stronger."""
    drawing = Drawing(90, 70, px_per_mm)
    for step in range(81):
        wide = 0.36 if step % 10 == 0 else 0.22 if step % 5 == 0 else 0.12
        drawing.box(5 + step - wide / 2, 5, wide, 60, 110)
        if step <= 60:
            drawing.box(5, 5 + step - wide / 2, 80, wide, 110)
    return drawing


def word_bar(px_per_mm: float, words: str = "10 cm", length: float = 100.0) -> Drawing:
    """One bar with the length that it has written over it."""
    drawing = Drawing(length + 20, 18, px_per_mm)
    drawing.box(10, 11, length, 1.4)
    drawing.write(words, 10 + length / 2, 5, 4.5)
    return drawing


def steel(px_per_mm: float) -> Drawing:
    """Half millimetres below, millimetres above, in dark grey on a grey that shines in bands."""
    drawing = Drawing(116, 22, px_per_mm)
    for band in range(22):
        drawing.box(0, band, 116, 1, 150 + int(40 * math.sin(band * 0.9)))
    for step in range(101):
        drawing.box(8 + step - 0.08, 0.4, 0.16, 6.5 if step % 10 == 0 else 5.0 if step % 5 == 0 else 3.4, 60)
    for step in range(201):
        tall = 6.5 if step % 20 == 0 else 5.0 if step % 10 == 0 else 3.4 if step % 2 == 0 else 2.2
        drawing.box(8 + step / 2 - 0.07, 21.6 - tall, 0.14, tall, 60)
    for number in range(1, 11):
        drawing.write(str(10 * number), 8 + 10 * number, 9.5, 2.6, 60)
    return drawing


def wooden(px_per_mm: float) -> Drawing:
    """Millimetres with numbers on a board with a grain."""
    drawing = Drawing(166, 26, px_per_mm)
    chance = np.random.default_rng(3)
    drawing.box(0, 0, 166, 26, 190)
    for _ in range(160):
        y, x = chance.uniform(0, 26), chance.uniform(-20, 150)
        drawing.box(x, y, chance.uniform(10, 60), 0.15, int(chance.integers(150, 200)))
    for step in range(151):
        drawing.mark(8 + step, 0.3, 8.0 if step % 10 == 0 else 6.0 if step % 5 == 0 else 4.0)
    for number in range(16):
        drawing.write(str(number), 8 + 10 * number, 12.5, 4)
    return drawing


def checkers(px_per_mm: float) -> Drawing:
    """The bar of alternating centimetre blocks of two rows, the first block divided: "copyright reserved"."""
    drawing = Drawing(116, 16, px_per_mm)
    drawing.box(7.6, 2.6, 100.8, 6.8)
    for block in range(10):
        drawing.box(8 + 10 * block, 3 + 3 * (block % 2), 10, 3, CARD)
    for tenth in range(0, 10, 2):
        drawing.box(8 + tenth, 6, 1, 3, CARD)
    drawing.write("0", 8, 12.5, 3.0)
    drawing.write("10 cm", 108, 12.5, 3.0)
    return drawing


KINDS: Mapping[str, Callable[[float], Drawing]] = {
    "millimetres": millimetres,
    "half millimetres": partial(millimetres, length=60, half=True),
    "millimetres without numbers": partial(millimetres, numbers=False),
    "centimetres and inches": inches_and_centimetres,
    "centimetre blocks": blocks,
    "alternating blocks": checkers,
    "comb on a chart": comb,
    "graph paper": graph_paper,
    "bar with words": word_bar,
    "steel": steel,
    "wooden": wooden,
    "inches": inches,
    "marks all alike": plain_marks,
}
