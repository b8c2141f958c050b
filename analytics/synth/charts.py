"""Colour charts of several makers' manners, and things that lie beside a specimen without belonging to it."""

import math

import cv2
import numpy as np
from numpy.random import Generator

from analytics.synth import furniture
from analytics.synth.patch import Patch, Rgb
from analytics.synth.writing import print_line

STRIP: tuple[Rgb, ...] = (
    (0, 158, 224), (0, 146, 70), (255, 236, 0), (226, 0, 26), (230, 0, 126), (255, 255, 255), (128, 86, 60), (20, 20, 20),
)  # fmt: skip


def chart(px_per_mm: float, random: Generator) -> Patch:
    """One of: 24 patches in two layouts, a strip of colours, steps of grey, both below each other, a card of two panels."""
    kind = random.integers(6)
    if kind == 0:
        return furniture.colour_chart(px_per_mm)
    if kind == 1:
        whole = furniture.colour_chart(px_per_mm)
        return Patch(np.rot90(whole.rgb).copy(), np.rot90(whole.alpha).copy(), px_per_mm)
    if kind == 2:
        return _rows([list(STRIP)], px_per_mm, random)
    greys: list[Rgb] = [(step, step, step) for step in np.linspace(250, 8, int(random.integers(6, 20))).astype(int).tolist()]
    if kind == 3:
        return _rows([greys], px_per_mm, random)
    if kind == 4:
        return _rows([greys[:8], list(STRIP)], px_per_mm, random)
    colours: list[Rgb] = [(int(red), int(green), int(blue)) for red, green, blue in random.integers(20, 250, (24, 3))]
    return _rows([colours[row : row + 6] for row in range(0, 24, 6)], px_per_mm, random)


def _rows(rows: list[list[Rgb]], px_per_mm: float, random: Generator) -> Patch:
    """Patches in rows, with or without a gap, on a black, grey or white card."""
    side, gap, rim = random.uniform(7, 14), float(random.choice([0.0, 0.8, 2.0])), random.uniform(0.5, 5)
    ground: Rgb = [(20, 20, 21), (120, 120, 120), (248, 248, 246)][random.integers(3)]
    longest = max(len(row) for row in rows)
    patch = Patch.blank(2 * rim + longest * (side + gap), 2 * rim + len(rows) * (side + gap) + 3, px_per_mm, ground)
    for down, row in enumerate(rows):
        for across, colour in enumerate(row):
            patch.rectangle(rim + across * (side + gap), rim + down * (side + gap), side, side, colour)
    ink: Rgb = (230, 230, 230) if ground[0] < 100 else (30, 30, 30)
    print_line(patch, "Colour Control Patches", rim, 2 * rim + len(rows) * (side + gap) + 1.5, 3.0, ink=ink)
    return patch


def thing(px_per_mm: float, random: Generator) -> Patch:
    """A pen, a coin, a weight, or a finger that holds the sheet, on a transparent ground."""
    kind = random.integers(3)
    if kind == 0:
        patch = Patch.blank(120, 9, px_per_mm, (0, 0, 0), opacity=0)
        body: Rgb = [(28, 28, 30), (170, 30, 40), (30, 60, 140), (222, 190, 60)][random.integers(4)]
        patch.fill(np.array([[2, 1.0], [104, 1], [104, 8], [2, 8]]), body, opaque=True)
        patch.fill(np.array([[104, 1.5], [119, 4.5], [104, 7.5]]), (200, 190, 170), opaque=True)
        patch.fill(np.array([[2, 2.0], [104, 2], [104, 3], [2, 3]]), _paler(body))
        return patch
    size = random.uniform(15, 30)
    if kind == 1:
        patch = Patch.blank(size, size, px_per_mm, (0, 0, 0), opacity=0)
        metal: Rgb = [(176, 150, 92), (176, 178, 182), (150, 96, 66)][random.integers(3)]
        for share, colour in ((0.48, metal), (0.43, _paler(metal)), (0.40, metal)):
            patch.fill(_oval(size / 2, size / 2, share * size, share * size), colour, opaque=True)
        print_line(patch, "100 g", size * 0.28, size * 0.58, size * 0.2)
        return patch
    patch = Patch.blank(size, 4 * size, px_per_mm, (0, 0, 0), opacity=0)
    skin = np.array([224, 178, 150]) * random.uniform(0.4, 1.05)
    tone: Rgb = (int(skin[0]), int(skin[1]), int(skin[2]))
    patch.fill(np.array([[0.1, 0.5], [0.9, 0.5], [1, 4], [0, 4.0]]) * size, tone, opaque=True)
    patch.fill(_oval(size / 2, size * 0.55, size * 0.4, size * 0.5), tone, opaque=True)
    patch.fill(_oval(size / 2, size * 0.4, size * 0.22, size * 0.28), _paler(tone))
    return patch


def shape(px_per_mm: float, long_mm: float, random: Generator) -> Patch:
    """A specimen without a plant's stem, on a transparent ground: a fish, a bone, a shell, a leaf, a wing."""
    t = np.linspace(0, math.pi, 60)
    wide = long_mm * random.uniform(0.15, 0.7)
    phases = random.uniform(0, 2 * math.pi, 3)
    bumps = sum(0.5 ** (k + 1) * random.uniform(0, 0.5) * np.sin((2 * k + 2) * t + phases[k]) for k in range(3))
    half = 0.46 * wide * np.sin(t) ** random.uniform(0.4, 1.3) * (1 + bumps)
    x = 0.04 * long_mm + 0.92 * long_mm * t / math.pi
    bend = random.normal(0, 0.1) * wide * np.sin(t)
    outline = np.concatenate([np.stack([x, wide + bend - half], 1), np.stack([x, wide + bend + half], 1)[::-1]])
    patch = Patch.blank(long_mm, 2 * wide, px_per_mm, (0, 0, 0), opacity=0)
    tone = np.array(
        [[196, 168, 130], [120, 96, 70], [84, 110, 60], [60, 52, 48], [214, 204, 186], [150, 70, 50]][random.integers(6)]
    )
    patch.fill(outline, _colour(tone), opaque=True)
    height, width = patch.alpha.shape
    for cells, strength in ((3, 22), (12, 14), (40, 9)):
        grain = random.normal(0, strength, (max(2, cells * height // max(width, 1) + 1), cells + 1, 1)) + random.normal(
            0, strength / 3, (1, 1, 3)
        )
        grown = cv2.resize(grain.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
        patch.rgb[:] = np.clip(patch.rgb + grown, 0, 255).astype(np.uint8)
    inner = cv2.GaussianBlur(patch.alpha, (0, 0), max(1.0, 0.05 * width)).astype(np.float32)[..., None] / 255
    patch.rgb[:] = np.clip(patch.rgb * (0.65 + 0.4 * inner), 0, 255).astype(np.uint8)
    return patch


def _oval(x: float, y: float, wide: float, high: float) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    turn = np.linspace(0, 2 * math.pi, 48)
    return np.stack([x + wide * np.cos(turn), y + high * np.sin(turn)], 1)


def _paler(colour: Rgb) -> Rgb:
    red, green, blue = (min(255, value + 40) for value in colour)
    return red, green, blue


def _colour(tone: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Rgb:
    red, green, blue = (int(value) for value in np.clip(tone, 0, 255))
    return red, green, blue
