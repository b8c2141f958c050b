"""Small photographs to learn from, with the class of every pixel: sheets, pinned insects, trays, drawn as quickly as can be.

They have less detail than the sheets of `sheet.py` and far more variety. Cut-outs of real specimens may be laid on them.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from analytics.steps.component_classes import BACKGROUND, COMPONENTS, SHEET, SPECIMEN
from analytics.synth import charts, furniture, plant, records, rulers
from analytics.synth.patch import Patch, lay

LABEL, RULER, CHART, BARCODE, STAMP, PACKET, OBJECT = (
    COMPONENTS.index(name) for name in ("label", "ruler", "chart", "barcode", "stamp", "packet", "object")
)
PAPERS = ((255, 255, 255), (246, 241, 226), (235, 225, 200), (250, 232, 120), (196, 226, 196), (170, 206, 236), (240, 190, 180))
TABLES = (
    (16, 16, 17),
    (40, 42, 44),
    (92, 94, 96),
    (140, 142, 140),
    (200, 200, 198),
    (250, 250, 250),
    (176, 136, 92),
    (90, 130, 170),
)
FREE_TRIES = 12  # to find a place where little is covered


@dataclass(slots=True)
class Desk:
    """The picture while it is drawn: `ground` float32 (H, W, 3), `classes` uint8 (H, W), both in pixels."""

    ground: NDArray[np.float32]
    classes: NDArray[np.uint8]
    random: Generator

    def put(
        self, patch: Patch, number: int, x: float, y: float, degrees: float = 0.0, *, shadow: float = 0.25, whole: bool = True
    ) -> None:
        """Lay it with its first pixel at (x, y); `whole`: all of its rectangle is of the class, else what is opaque of it."""
        scale = patch.px_per_mm
        corners = lay(self.ground, patch, x / scale, y / scale, degrees, shadow)
        area = np.zeros(self.classes.shape, np.uint8)
        if whole:
            cv2.fillConvexPoly(area, np.round(corners).astype(np.int32), (255,))
        else:
            height, width = patch.alpha.shape
            turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
            turn[:, 2] += (x, y)
            area = cv2.warpAffine(patch.alpha, turn, self.classes.shape[::-1], flags=cv2.INTER_LINEAR)
        self.classes[area > 127] = number

    def somewhere(
        self, patch: Patch, number: int, box: tuple[float, float, float, float], *, tilt: float = 2.0, **more: bool | float
    ) -> None:
        """Lay it into the box (x0, y0, x1, y1), where least is covered; what does not fit is left out."""
        height, width = patch.alpha.shape
        x0, y0, x1, y1 = box
        if width + 4 > x1 - x0 or height + 4 > y1 - y0:
            return
        places = [
            (self.random.uniform(x0 + 1, x1 - width - 1), self.random.uniform(y0 + 1, y1 - height - 1)) for _ in range(FREE_TRIES)
        ]
        x, y = min(places, key=lambda place: self._covered(place, width, height))
        shadow = float(more.get("shadow", self.random.uniform(0, 0.4)))
        self.put(patch, number, x, y, self.random.normal(0, tilt), shadow=shadow, whole=bool(more.get("whole", True)))

    def _covered(self, place: tuple[float, float], width: int, height: int) -> float:
        x, y = int(place[0]), int(place[1])
        return float((self.classes[y : y + height, x : x + width] >= SPECIMEN).mean())


def draw(seed: int, plants: Sequence[Patch] = (), insects: Sequence[Patch] = ()) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The picture, uint8 (H, W, 3), and the class of every pixel, uint8 (H, W). The same seed and cut-outs draw the same."""
    random = np.random.default_rng(seed)
    kind = random.random()
    if kind < 0.55:
        desk = _sheet(random, plants)
    elif kind < 0.8:
        desk = _pinned(random, insects)
    else:
        desk = _tray(random)
    return _photograph(desk.ground, random), desk.classes


def _sheet(random: Generator, plants: Sequence[Patch]) -> Desk:
    """Paper on a table, a plant or several, and what is glued on; ruler and chart on it or beside it."""
    scale = random.uniform(1.5, 2.1)
    margins = random.uniform(0, 45, 4) * (random.random(4) < 0.8) * scale
    wide, high = random.uniform(250, 290) * scale, random.uniform(380, 430) * scale
    desk = _table((round(high + margins[0] + margins[1]), round(wide + margins[2] + margins[3])), random)
    x0, y0 = float(margins[2]), float(margins[0])
    paper = (x0, y0, x0 + wide, y0 + high)
    _paper(desk, paper, random)
    if random.random() < 0.93:
        for _ in range(int(random.choice([1, 1, 2, 3]))):
            green = _cutout(plants, random.uniform(0.4, 0.9) * high, random) if plants and random.random() < 0.6 else None
            if green is None:
                green, _ = plant.draw(
                    random.uniform(0.3, 0.8) * wide / scale, random.uniform(0.3, 0.65) * high / scale, scale, random
                )
                green = _tinted(green, random.uniform(0.6, 1.5, 3))
            desk.somewhere(green, SPECIMEN, paper, tilt=20, whole=False)
    _glue(desk, paper, scale, random)
    outside = (0.0, 0.0, float(desk.classes.shape[1]), float(desk.classes.shape[0]))
    for chance in (0.75, 0.15):
        if random.random() < chance:
            desk.somewhere(_turned(_ruler(scale, random), random), RULER, outside if random.random() < 0.6 else paper)
    for chance in (0.7, 0.15):
        if random.random() < chance:
            desk.somewhere(_turned(charts.chart(scale * random.uniform(0.6, 1.6), random), random), CHART, outside)
    if random.random() < 0.3:
        desk.somewhere(charts.thing(scale, random), OBJECT, outside, tilt=60, whole=False)
    return desk


def _glue(desk: Desk, paper: tuple[float, float, float, float], scale: float, random: Generator) -> None:
    """Labels, slips, packets, stickers and stamps."""
    for _ in range(int(random.integers(0, 2))):
        size = scale * random.uniform(0.7, 2.0)
        desk.somewhere(_packet(size, random), PACKET, paper)
    for _ in range(int(random.integers(1, 6))):
        desk.somewhere(_turned(_label(scale * random.uniform(0.6, 1.1), random), random, often=0.15), LABEL, paper)
    for _ in range(int(random.integers(0, 3))):
        desk.somewhere(_turned(_code(scale * random.uniform(0.6, 1.2), random), random, often=0.15), BARCODE, paper)
    for _ in range(int(random.integers(0, 3))):
        stamp, _ = furniture.stamp(scale * random.uniform(0.7, 1.5), random)
        desk.somewhere(stamp, STAMP, paper, tilt=15, shadow=0.0)


def _pinned(random: Generator, insects: Sequence[Patch]) -> Desk:
    """An insect or a few, with their labels beside them, a code and a ruler along an edge."""
    high, wide = int(random.integers(420, 640)), int(random.integers(520, 820))
    desk = _table((high, wide), random)
    whole = (0.0, 0.0, float(wide), float(high))
    many = int(random.choice([1, 1, 1, 2, 6]))
    for _ in range(many):
        length = random.uniform(0.3, 0.7) * high / (1 if many < 6 else 2)
        real = bool(insects) and random.random() < 0.75
        insect = _cutout(insects, length, random) if real else charts.shape(1.0, length, random)
        desk.somewhere(insect, SPECIMEN, whole, tilt=30, whole=False)
    for _ in range(int(random.integers(1, 6))):
        desk.somewhere(_turned(_label(random.uniform(0.7, 2.2), random), random, often=0.3), LABEL, whole)
    for _ in range(int(random.integers(0, 2))):
        desk.somewhere(_turned(_code(random.uniform(1.2, 3.5), random), random), BARCODE, whole)
    if random.random() < 0.6:
        desk.somewhere(_turned(_ruler(random.uniform(2.5, 5), random), random), RULER, whole)
    if random.random() < 0.25:
        desk.somewhere(_turned(charts.chart(random.uniform(1.2, 3), random), random), CHART, whole)
    return desk


def _tray(random: Generator) -> Desk:
    """Fish, bones, shells or leaves on a plain ground, with or without ruler, chart, label and what lay about."""
    high, wide = int(random.integers(480, 820)), int(random.integers(520, 820))
    desk = _table((high, wide), random)
    whole = (0.0, 0.0, float(wide), float(high))
    for _ in range(int(random.choice([1, 1, 2, 4, 9]))):
        desk.somewhere(charts.shape(1.0, random.uniform(60, 0.7 * wide), random), SPECIMEN, whole, tilt=60, whole=False)
    makers: tuple[tuple[int, float, Callable[[], Patch]], ...] = (
        (RULER, 0.7, lambda: _ruler(random.uniform(2, 5), random)),
        (CHART, 0.4, lambda: charts.chart(random.uniform(1.2, 3), random)),
        (LABEL, 0.6, lambda: _label(random.uniform(1.2, 2.6), random)),
        (BARCODE, 0.2, lambda: _code(random.uniform(1.2, 3), random)),
    )
    for number, chance, maker in makers:
        if random.random() < chance:
            desk.somewhere(_turned(maker(), random), number, whole)
    for _ in range(int(random.choice([0, 0, 1, 3]))):
        desk.somewhere(charts.thing(random.uniform(1.5, 4), random), OBJECT, whole, tilt=90, whole=False)
    return desk


def _table(shape: tuple[int, int], random: Generator) -> Desk:
    tone = np.array(TABLES[random.integers(len(TABLES))], np.float32) + random.normal(0, 8)
    ground = np.empty((*shape, 3), np.float32)
    ground[:] = np.clip(tone + random.normal(0, 4, 3), 3, 253)
    _grain(ground, random, random.uniform(0.5, 6))
    return Desk(ground, np.full(shape, BACKGROUND, np.uint8), random)


def _paper(desk: Desk, box: tuple[float, float, float, float], random: Generator) -> None:
    x0, y0, x1, y1 = (round(value) for value in box)
    tone = np.array([[246, 244, 236], [236, 229, 211], [224, 210, 180], [252, 252, 252], [214, 206, 190]][random.integers(5)])
    desk.ground[y0:y1, x0:x1] = np.clip(tone + random.normal(0, 6) + random.normal(0, 3, 3), 0, 255)
    _grain(desk.ground[y0:y1, x0:x1], random, random.uniform(0.5, 4))
    desk.classes[y0:y1, x0:x1] = SHEET


def _grain(ground: NDArray[np.float32], random: Generator, strength: float) -> None:
    height, width = ground.shape[:2]
    for size, share in ((150, 1.0), (30, 0.5), (3, 0.5)):
        cells = random.normal(0, strength * share, (height // size + 2, width // size + 2)).astype(np.float32)
        ground += cv2.resize(cells, (width, height), interpolation=cv2.INTER_CUBIC)[..., None]


def _label(px_per_mm: float, random: Generator) -> Patch:
    record = records.plausible(random, int(random.integers(1000)))
    if random.random() < 0.5:
        patch, _ = furniture.label(record, px_per_mm)
    else:
        patch, _, _ = furniture.determination(record, px_per_mm, random)
    height, width = patch.alpha.shape
    if random.random() < 0.4:  # what is cut to another shape
        height, width = round(height * random.uniform(0.5, 1)), round(width * random.uniform(0.4, 1))
    cut = Patch(patch.rgb[:height, :width].copy(), patch.alpha[:height, :width].copy(), patch.px_per_mm)
    return _tinted(cut, np.array(PAPERS[random.integers(len(PAPERS))]) / 246)


def _code(px_per_mm: float, random: Generator) -> Patch:
    """A sticker with a code, drawn large and shrunk, for what is drawn small has modules of whole pixels."""
    patch, _ = furniture.barcode(f"LT{random.integers(10**6, 10**8)}", 6.0, random)
    height, width = patch.alpha.shape
    size = (max(8, round(width * px_per_mm / 6)), max(6, round(height * px_per_mm / 6)))
    shrunk = cv2.resize(patch.rgb, size, interpolation=cv2.INTER_AREA)
    return Patch(shrunk, np.full(shrunk.shape[:2], 255, np.uint8), px_per_mm)


def _packet(px_per_mm: float, random: Generator) -> Patch:
    """A capsule with its flaps to be seen, or a plain one from its other side."""
    tint = random.uniform(0.8, 1.25) * random.uniform(0.95, 1.05, 3)
    if random.random() < 0.5:
        return _tinted(furniture.envelope(px_per_mm, random), tint)
    patch = Patch.blank(random.uniform(40, 70), random.uniform(30, 60), px_per_mm, (232, 226, 210))
    patch.rectangle(0, random.uniform(4, 9), 70, 0.6, (190, 182, 164))
    return _tinted(patch, np.asarray(tint))


def _ruler(px_per_mm: float, random: Generator) -> Patch:
    patch, _ = rulers.draw(str(random.choice(rulers.KINDS)), px_per_mm, random)
    if random.random() < 0.35:
        patch.rgb[:] = 255 - patch.rgb
    elif random.random() < 0.3:
        patch = _tinted(patch, np.array([[0.87, 0.72, 0.5], [0.75, 0.78, 0.8], [1.0, 0.9, 0.3]][random.integers(3)]))
    return patch


def _tinted(patch: Patch, tint: NDArray[np.float64]) -> Patch:
    return Patch(np.clip(patch.rgb * tint, 0, 255).astype(np.uint8), patch.alpha, patch.px_per_mm)


def _turned(patch: Patch, random: Generator, often: float = 0.5) -> Patch:
    """By quarters: upright in most."""
    quarters = int(random.choice([1, 2, 3])) if random.random() < often else 0
    return Patch(np.rot90(patch.rgb, quarters).copy(), np.rot90(patch.alpha, quarters).copy(), patch.px_per_mm)


def _cutout(several: Sequence[Patch], long_px: float, random: Generator) -> Patch:
    """One of them, mirrored or not, turned by quarters, with its longer side of that length."""
    patch = several[int(random.integers(len(several)))]
    grow = min(long_px / max(patch.alpha.shape), 2.0)
    size = (max(4, round(patch.alpha.shape[1] * grow)), max(4, round(patch.alpha.shape[0] * grow)))
    how = cv2.INTER_AREA if grow < 1 else cv2.INTER_LINEAR
    rgb, alpha = cv2.resize(patch.rgb, size, interpolation=how), cv2.resize(patch.alpha, size, interpolation=how)
    flip = -1 if random.random() < 0.5 else 1
    return _turned(Patch(rgb[:, ::flip].copy(), alpha[:, ::flip].copy(), 1.0), random)


def _photograph(scene: NDArray[np.float32], random: Generator) -> NDArray[np.uint8]:
    """Uneven light, softness, noise, and what JPEG makes of it."""
    height, width = scene.shape[:2]
    down, across = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)[None, :]
    turn = random.uniform(0, math.tau)
    light = (
        1
        + random.normal(0, 0.07) * (math.cos(turn) * across + math.sin(turn) * down)
        - random.uniform(0, 0.15) * (across**2 + down**2)
    )
    lit = cv2.GaussianBlur(scene, (0, 0), float(random.uniform(0.3, 1.2))) * light[..., None].astype(np.float32)
    noise = random.standard_normal((height, width), np.float32) * random.uniform(0.5, 5)
    pixels: NDArray[np.uint8] = np.clip(lit + noise[..., None], 0, 255).astype(np.uint8)
    if random.random() < 0.5:
        _, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(35, 92))])
        pixels = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    return pixels
