"""A drawn herbarium sheet of 96 million pixels, the same on every machine: paper with grain, a plant, labels with text.

Grain and text matter: on smooth colours tiles would be a tenth as large as those of a photograph, and decode as much faster.
"""

import math
import random
from pathlib import Path
from typing import Any

import numpy as np
import pyvips
from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 8000, 12000
PAPER, INK = (236, 228, 205), (62, 74, 40)
LABELS = ((4600, 10100, 3100, 1500), (500, 700, 2400, 1000), (600, 10300, 2000, 1200))  # left, top, width, height
GRAIN = 11.0  # standard deviation before it is softened
DEEPEST = 4  # branches upon branches


def draw(path: Path, **options: Any) -> None:
    """Write the sheet; the options are those of libvips for that format (Q=92 where none are given)."""
    ink = pyvips.Image.new_from_array(np.asarray(_ink())).gaussblur(1.2)
    light = pyvips.Image.perlin(WIDTH, HEIGHT, cell_size=900, seed=1) * 7
    grain = pyvips.Image.gaussnoise(WIDTH, HEIGHT, sigma=GRAIN, mean=0, seed=2).gaussblur(0.8)
    bands = [(ink * ((dark - paper) / 255) + paper + light + grain).cast("uchar") for paper, dark in zip(PAPER, INK, strict=True)]
    bands[0].bandjoin(bands[1:]).copy(interpretation="srgb").write_to_file(str(path), **(options or {"Q": 92}))


def _ink() -> Image.Image:
    """How much ink lies where: 0 to 255."""
    chance = random.Random(1753)
    ink = Image.new("L", (WIDTH, HEIGHT), 0)
    pen = ImageDraw.Draw(ink)
    for _ in range(5):
        start = (WIDTH * chance.uniform(0.35, 0.65), HEIGHT * 0.9)
        _branch(pen, chance, start, chance.uniform(-2.0, -1.2), HEIGHT * 0.45, 0)
    for box in LABELS:
        _label(pen, chance, *box)
    return ink


def _branch(
    pen: ImageDraw.ImageDraw, chance: random.Random, start: tuple[float, float], angle: float, length: float, depth: int
) -> None:
    thickness = max(3, round(60 * 0.6**depth))
    x, y = start
    for _ in range(6):
        end = (x + math.cos(angle) * length / 6, y + math.sin(angle) * length / 6)
        pen.line((x, y, *end), fill=150, width=thickness)
        x, y = end
        angle += chance.uniform(-0.12, 0.12)
        if depth < DEEPEST and chance.random() < 0.5:
            _branch(pen, chance, end, angle + chance.choice((-1, 1)) * chance.uniform(0.4, 1.0), length * 0.62, depth + 1)
        elif depth >= 2:
            _leaf(pen, chance, end, angle + chance.choice((-0.8, 0.8)))


def _leaf(pen: ImageDraw.ImageDraw, chance: random.Random, start: tuple[float, float], angle: float) -> None:
    x, y = start
    length = chance.uniform(90, 260)
    along, across = (math.cos(angle) * length, math.sin(angle) * length), (-math.sin(angle) * length, math.cos(angle) * length)
    sides = [(x + along[0] / 2 + across[0] * side, y + along[1] / 2 + across[1] * side) for side in (0.25, -0.25)]
    tip = (x + along[0], y + along[1])
    pen.polygon([start, sides[0], tip, sides[1]], fill=chance.randint(45, 90))
    pen.line((*start, *tip), fill=110, width=4)


def _label(pen: ImageDraw.ImageDraw, chance: random.Random, left: int, top: int, width: int, height: int) -> None:
    font = ImageFont.load_default(size=64)
    pen.rectangle((left, top, left + width, top + height), fill=6, outline=120, width=8)
    for line in range(top + 60, top + height - 100, 100):
        words = ("".join(chance.choice("abcdefghilmnoprstuv") for _ in range(chance.randint(2, 9))) for _ in range(width // 260))
        pen.text((left + 60, line), " ".join(words), fill=235, font=font)
