"""A pressed plant that nature might have grown: a bent stem, alternate veined leaves, and flowers at its end."""

import math

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from analytics.synth.patch import FRACTION, Patch, Rgb, to_fixed

Points = NDArray[np.float64]


def draw(width_mm: float, height_mm: float, px_per_mm: float, random: Generator) -> tuple[Patch, Points]:
    """The plant on a transparent ground of that size, its alpha being its outline; and its stem, (N, 2) in mm of the patch."""
    patch = Patch.blank(width_mm, height_mm, px_per_mm, (96, 88, 52), opacity=0)
    greens: list[Rgb] = [(104, 104, 58), (92, 96, 60), (120, 106, 62), (110, 92, 56)]
    base = np.array(greens[random.integers(len(greens))], float)
    stem = _stem(width_mm, height_mm, random)
    leaf_length = random.uniform(38, 66)
    shape = {
        "width": random.uniform(0.28, 0.62),
        "point": random.uniform(0.7, 1.3),
        "lobes": float(random.choice([0, 0, 5, 7])),
        "teeth": float(random.choice([0, 18, 30])),
    }
    _line(patch, stem, 2.6, 1.2, base * 0.72)
    places = np.linspace(0.16, 0.9, int(random.integers(7, 12)))
    for order, place in enumerate(places):
        side = 1 if order % 2 else -1
        at, heading = _along(stem, place)
        _leaf(
            patch,
            at,
            heading + side * random.uniform(0.6, 1.15),
            leaf_length * (1.15 - 0.55 * place) * random.uniform(0.85, 1.1),
            shape,
            base * random.uniform(0.85, 1.2),
            random,
        )
    if random.random() < 0.7:
        _flowers(patch, stem, random)
    _dry(patch, random)
    return patch, stem


def _stem(width_mm: float, height_mm: float, random: Generator) -> Points:
    """From the foot upwards, (N, 2) in mm of the patch."""
    t = np.linspace(0, 1, 120)
    bend = random.normal(0, 0.07) * np.sin(t * math.pi) + random.normal(0, 0.03) * np.sin(t * math.tau)
    x = width_mm * (0.5 + bend + random.normal(0, 0.05) * t)
    return np.stack([x, height_mm * (0.97 - 0.9 * t)], 1)


def _along(line: Points, place: float) -> tuple[Points, float]:
    index = min(int(place * (len(line) - 1)), len(line) - 2)
    step = line[index + 1] - line[index]
    return line[index], math.atan2(step[1], step[0])


def _leaf(
    patch: Patch, foot: Points, heading: float, length_mm: float, shape: dict[str, float], colour: Points, random: Generator
) -> None:
    petiole = length_mm * 0.14
    t = np.linspace(0, 1, 90)
    bend = random.normal(0, 0.35)
    angles = heading + bend * t
    steps = np.stack([np.cos(angles), np.sin(angles)], 1) * (length_mm / len(t))
    midrib = foot + np.cumsum(steps, 0) + steps[0] * len(t) * petiole / length_mm
    _line(patch, np.vstack([foot, midrib[0]]), 1.1, 0.9, colour * 0.75)
    half = shape["width"] * length_mm / 2 * np.sin(math.pi * t ** shape["point"]) ** 0.85
    if shape["lobes"]:
        half *= 1 - 0.42 * (0.5 + 0.5 * np.cos(t * math.tau * shape["lobes"] / 1.6)) * np.sin(math.pi * t)
    if shape["teeth"]:
        half *= 1 + 0.05 * (2 * ((t * shape["teeth"]) % 1) - 1)
    normal = np.stack([-np.sin(angles), np.cos(angles)], 1)
    left, right = midrib + normal * half[:, None], midrib - normal * half[:, None]
    patch.fill(np.vstack([left, right[::-1]]), _rgb(colour), opaque=True)
    patch.fill(np.vstack([left, midrib[::-1]]), _rgb(colour * 0.93))
    pale = colour * 1.22 + 8
    for vein in np.linspace(0.1, 0.86, 9):
        index, ahead = int(vein * 89), min(int(vein * 89) + 11, 89)
        for edge in (left, right):
            _line(
                patch,
                np.vstack([midrib[index], midrib[ahead] + (edge[ahead] - midrib[ahead]) * 0.9]),
                0.3,
                0.15,
                pale,
                solid=False,
            )
    _line(patch, midrib, 0.75, 0.3, pale, solid=False)


def _flowers(patch: Patch, stem: Points, random: Generator) -> None:
    tints: list[Rgb] = [(150, 84, 110), (168, 140, 70), (120, 96, 140), (150, 128, 104)]
    tint = np.array(tints[random.integers(len(tints))], float)
    for place in np.linspace(0.9, 1.0, int(random.integers(4, 8))):
        at, _ = _along(stem, place)
        middle = at + random.normal(0, 4, 2)
        _line(patch, np.vstack([at, middle]), 0.7, 0.5, np.array([96, 90, 56.0]))
        petals, size = int(random.integers(4, 7)), random.uniform(2.6, 5.2)
        for petal in range(petals):
            turn = petal * math.tau / petals + random.uniform(0, 0.5)
            ring = np.linspace(0, math.tau, 24)
            oval = np.stack([np.cos(ring) * size * 0.75 + size * 0.7, np.sin(ring) * size * 0.45], 1)
            turned = oval @ np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
            patch.fill(middle + turned, _rgb(tint * random.uniform(0.8, 1.15)), opaque=True)


def _dry(patch: Patch, random: Generator) -> None:
    """Blotches and grain of dried leaves, and a shade towards every edge."""
    height, width = patch.alpha.shape
    coarse = cv2.resize(
        random.normal(0, 1, (height // 60 + 2, width // 60 + 2)).astype(np.float32),
        (width, height),
        interpolation=cv2.INTER_CUBIC,
    )
    fine = cv2.resize(
        random.normal(0, 1, (height // 3 + 1, width // 3 + 1)).astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR
    )
    depth = cv2.GaussianBlur(patch.alpha, (0, 0), 0.9 * patch.px_per_mm).astype(np.float32) / 255
    tone = (1 + 0.09 * coarse + 0.05 * fine) * (0.72 + 0.28 * depth)
    patch.rgb[:] = np.clip(patch.rgb * tone[..., None] + coarse[..., None] * np.array([4, 0, -3]), 0, 255).astype(np.uint8)


def _line(patch: Patch, points: Points, from_mm: float, to_mm: float, colour: Points, *, solid: bool = True) -> None:
    """A line that grows thinner; `solid` lines belong to the outline."""
    fixed = to_fixed(points * patch.px_per_mm)
    widths = np.linspace(from_mm, to_mm, len(points)) * patch.px_per_mm
    for start, end, width in zip(fixed[:-1], fixed[1:], widths, strict=False):
        thick = max(1, round(float(width)))
        cv2.line(patch.rgb, start.tolist(), end.tolist(), _rgb(colour), thick, cv2.LINE_AA, FRACTION)
        if solid:
            cv2.line(patch.alpha, start.tolist(), end.tolist(), (255,), thick, cv2.LINE_AA, FRACTION)


def _rgb(colour: Points) -> Rgb:
    red, green, blue = (int(channel) for channel in np.clip(colour, 0, 255))
    return red, green, blue
