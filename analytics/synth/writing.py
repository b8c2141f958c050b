"""Text on patches: printed in a serif face, and written by a pen that trembles."""

import math
from collections.abc import Callable, Iterator
from functools import lru_cache

import cv2
import font_caladea
import numpy as np
from HersheyFonts import HersheyFonts
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from analytics.synth.patch import FRACTION, Patch, Rgb, to_fixed

FACES = {
    "regular": font_caladea.Caladea,
    "bold": font_caladea.CaladeaBold,
    "italic": font_caladea.CaladeaItalic,
}


def print_line(
    patch: Patch, text: str, x_mm: float, baseline_mm: float, height_mm: float, face: str = "regular", ink: Rgb = (28, 26, 24)
) -> float:
    """Print the text; `height_mm` is the height of the letters' em square. Returns its width in mm."""
    font = _font(face, round(height_mm * patch.px_per_mm * 4) / 4)
    picture = Image.fromarray(patch.rgb)
    place = (x_mm * patch.px_per_mm, baseline_mm * patch.px_per_mm)
    ImageDraw.Draw(picture).text(place, text, font=font, fill=ink, anchor="ls")
    patch.rgb[:] = np.asarray(picture)
    return float(font.getlength(text)) / patch.px_per_mm


def width_of(text: str, height_mm: float, px_per_mm: float, face: str = "regular") -> float:
    """How wide `print_line` would make the text, in mm."""
    return float(_font(face, round(height_mm * px_per_mm * 4) / 4).getlength(text)) / px_per_mm


def write_line(
    patch: Patch, text: str, x_mm: float, baseline_mm: float, height_mm: float, random: Generator, ink: Rgb = (45, 42, 70)
) -> None:
    """Write the text by hand: joined strokes of varying slant, height and pressure along a wavering line."""
    scale = height_mm * patch.px_per_mm / 100
    slant = random.uniform(0.05, 0.22)
    waver = _waver(random)
    for stroke in _strokes(text):
        points = np.array(stroke, float)
        points[:, 1] *= random.normal(1, 0.03)
        tremor = random.normal(0, 0.45, points.shape).cumsum(0) * 0.5
        points += tremor - tremor.mean(0)
        points[:, 0] += slant * points[:, 1]
        along = points[:, 0] * scale + x_mm * patch.px_per_mm
        above = baseline_mm * patch.px_per_mm - points[:, 1] * scale + waver(along)
        line = to_fixed(np.stack([along, above], 1))
        thick = max(1, round(height_mm * patch.px_per_mm * random.uniform(0.035, 0.06)))
        cv2.polylines(patch.rgb, [line], False, ink, thick, cv2.LINE_AA, FRACTION)


def _waver(random: Generator) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """A slow rise and fall of the line of writing, in pixels."""
    period, phase, height = random.uniform(300, 700), random.uniform(0, 6), random.uniform(0.5, 2.5)
    return lambda along: height * np.sin(along / period * math.tau + phase)


def _strokes(text: str) -> Iterator[list[tuple[float, float]]]:
    """Strokes of the line in units of which a capital has about 70, baseline at 0, upwards."""
    font = HersheyFonts()
    font.load_default_font("scripts")
    font.normalize_rendering(100)
    yield from (list(stroke) for stroke in font.strokes_for_text(text))


@lru_cache(maxsize=64)
def _font(face: str, size_px: float) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(FACES[face], max(size_px, 4))
