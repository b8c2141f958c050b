"""One herbarium sheet: everything laid on paper, photographed slightly askew under uneven light; and the truth of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from analytics.synth import furniture, plant, records, rulers
from analytics.synth.patch import Patch, lay

WIDTH_MM, HEIGHT_MM, MARGIN_MM = 268.0, 412.0, 9.0


@dataclass(frozen=True, slots=True)
class Sheet:
    """(H, W, 3) uint8 RGB, its Darwin Core record, and its truth.

    The truth holds `px_per_mm`, `ruler` (kind and span), `codes`, `parts` (class, corners x and y in pixels of the image,
    printed and handwritten lines) and `plant` (outlines in pixels, area_mm2, length_mm).
    """

    rgb: NDArray[np.uint8]
    record: Mapping[str, str]
    truth: Mapping[str, Any]


@dataclass(slots=True)
class _Desk:
    """The picture while it is drawn, and what was laid on it so far."""

    ground: NDArray[np.float32]
    px_per_mm: float
    parts: list[dict[str, Any]] = field(default_factory=list)

    def put(
        self, sort: str, patch: Patch, x_mm: float, y_mm: float, degrees: float = 0.0, shadow: float = 0.25, **more: Any
    ) -> None:
        corners = lay(self.ground, patch, x_mm, y_mm, degrees, shadow)
        self.parts.append({"class": sort, "corners": corners, **more})


def draw(seed: int, number: int) -> Sheet:
    """The sheet of that seed; `number` chooses its taxon, its kind of ruler and its layout, so that a few show many."""
    random = np.random.default_rng(seed)
    scale = float(random.uniform(6.4, 8.6))
    record = records.plausible(random, number)
    desk = _Desk(_paper(scale, random), scale)
    green, stem = plant.draw(WIDTH_MM * 0.82, HEIGHT_MM * 0.6, scale, random)
    place = np.array([MARGIN_MM + WIDTH_MM * 0.09, MARGIN_MM + 46])
    lay(desk.ground, green, place[0], place[1], shadow=0.22)
    _strap(desk, stem + place, random)
    ruler = _furnish(desk, record, number, random)
    tall, wide = desk.ground.shape[:2]
    outline = np.zeros((tall, wide), np.uint8)
    left, top = round(float(place[0]) * scale), round(float(place[1]) * scale)
    height, width = green.alpha.shape[:2]
    outline[top : top + height, left : left + width] = green.alpha
    turn = cv2.getRotationMatrix2D((wide / 2, tall / 2), float(random.normal(0, 0.5)), 1.0)
    rgb = _photograph(_turned(desk.ground, turn), random)
    truth = {
        "px_per_mm": round(scale, 5),
        "ruler": ruler,
        "codes": [record["catalogNumber"]],
        "parts": [part | {"corners": np.round(part["corners"] @ turn[:, :2].T + turn[:, 2], 1).tolist()} for part in desk.parts],
        "plant": _measured(_turned(outline, turn), scale),
    }
    return Sheet(rgb, record, truth)


def _furnish(desk: _Desk, record: Mapping[str, str], number: int, random: Generator) -> dict[str, Any]:
    """Lay labels, codes, chart and ruler; the ruler's kind and span in mm."""
    scale, base = desk.px_per_mm, MARGIN_MM + HEIGHT_MM
    printed, lines = furniture.label(record, scale)
    desk.put("label", printed, MARGIN_MM + WIDTH_MM - 116, base - 72, random.normal(0, 0.8), printed=lines)
    slip, head, written = furniture.determination(record, scale, random)
    desk.put("label", slip, MARGIN_MM + 62, base - 40, random.normal(0, 1.2), printed=head, handwritten=written)
    code, symbology = furniture.barcode(record["catalogNumber"], scale, random)
    desk.put(
        "barcode",
        code,
        MARGIN_MM + 8,
        MARGIN_MM + 6,
        random.normal(0, 0.7),
        printed=[record["catalogNumber"]],
        symbology=symbology,
    )
    mark, said = furniture.stamp(scale, random)
    desk.put("stamp", mark, MARGIN_MM + WIDTH_MM - 44, MARGIN_MM + 5, random.uniform(-25, 25), shadow=0, printed=said)
    if number % 3 == 1:
        desk.put("packet", furniture.envelope(scale, random), MARGIN_MM + 4, base - 54, random.normal(0, 1.5))
    desk.put("chart", furniture.colour_chart(scale), MARGIN_MM + 112, MARGIN_MM + 4)
    kind = rulers.KINDS[number % len(rulers.KINDS)]
    ruler, span = rulers.draw(kind, scale, random)
    if number % 5 == 3:
        ruler = Patch(np.rot90(ruler.rgb, 1).copy(), np.rot90(ruler.alpha, 1).copy(), scale)
        desk.put("ruler", ruler, MARGIN_MM + 3, MARGIN_MM + 90, random.normal(0, 0.3))
    else:
        desk.put("ruler", ruler, MARGIN_MM + 6, base - 80 - ruler.alpha.shape[0] / scale, random.normal(0, 0.5))
    return {"kind": kind, "span_mm": span}


def _strap(desk: _Desk, stem: NDArray[np.float64], random: Generator) -> None:
    """Hold the stem, (N, 2) in mm, with gummed straps."""
    for place in (0.06, 0.38, 0.68):
        middle = stem[int(place * len(stem))]
        strap = Patch.blank(17, 3.4, desk.px_per_mm, (226, 220, 200), opacity=225)
        desk.put("strap", strap, middle[0] - 8.5, middle[1] - 1.7, random.normal(0, 12))


def _paper(px_per_mm: float, random: Generator) -> NDArray[np.float32]:
    """Cream paper with its fibres and foxing, on a dark table."""
    height, width = (round((side + 2 * MARGIN_MM) * px_per_mm) for side in (HEIGHT_MM, WIDTH_MM))
    ground = np.full((height, width, 3), (58, 60, 62), np.float32)
    margin = round(MARGIN_MM * px_per_mm)
    paper = ground[margin:-margin, margin:-margin]
    tone = np.array([236, 229, 211]) + random.normal(0, 5) * np.array([1, 1, 1.4])
    paper[:] = tone
    for size, strength in ((420, 3.0), (70, 1.6), (4, 1.3)):
        cells = random.normal(0, strength, (paper.shape[0] // size + 2, paper.shape[1] // size + 2)).astype(np.float32)
        paper += cv2.resize(cells, (paper.shape[1], paper.shape[0]), interpolation=cv2.INTER_CUBIC)[..., None]
    for _ in range(int(random.integers(3, 14))):
        x, y = random.integers(paper.shape[1]), random.integers(paper.shape[0])
        spot = np.zeros(paper.shape[:2], np.float32)
        cv2.circle(spot, (int(x), int(y)), int(random.integers(4, 22)), (1.0,), -1, cv2.LINE_AA)
        low = (max(y - 70, 0), max(x - 70, 0))
        area = np.s_[low[0] : y + 70, low[1] : x + 70]
        paper[area] -= cv2.GaussianBlur(spot[area], (0, 0), 6)[..., None] * np.array([12, 22, 34], np.float32)
    return ground


def _turned(picture: NDArray[Any], turn: NDArray[np.float64]) -> NDArray[Any]:
    size = (picture.shape[1], picture.shape[0])
    border = (58.0, 60.0, 62.0) if picture.ndim == 3 else (0.0,)
    turned: NDArray[Any] = cv2.warpAffine(
        picture, turn, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_CONSTANT, borderValue=border
    )
    return turned


def _photograph(scene: NDArray[np.float32], random: Generator) -> NDArray[np.uint8]:
    """Uneven light, the softness of a lens, and the noise of a sensor."""
    height, width = scene.shape[:2]
    down, across = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)[None, :]
    light = 1 + random.normal(0, 0.03) * across + random.normal(0, 0.03) * down - 0.05 * (across**2 + down**2)
    lit = cv2.GaussianBlur(scene, (0, 0), float(random.uniform(0.5, 0.8))) * light[..., None].astype(np.float32)
    noise = random.standard_normal((height, width), np.float32) * 2.0
    pixels: NDArray[np.uint8] = np.clip(lit + noise[..., None], 0, 255).astype(np.uint8)
    return pixels


def _measured(outline: NDArray[np.uint8], px_per_mm: float) -> dict[str, Any]:
    """Outlines of the plant in pixels, its area, and the greatest distance between two of its points."""
    contours, _ = cv2.findContours((outline > 127).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    large = [cv2.approxPolyDP(contour, 0.7, True)[:, 0] for contour in contours if cv2.contourArea(contour) > px_per_mm**2]
    hull = cv2.convexHull(np.concatenate(large))[:, 0].astype(float)
    apart = hull[:, None] - hull
    return {
        "outlines": [contour.tolist() for contour in large],
        "area_mm2": round(float((outline > 127).sum()) / px_per_mm**2, 1),
        "length_mm": round(float(np.hypot(apart[..., 0], apart[..., 1]).max()) / px_per_mm, 2),
    }
