"""Rulers of several kinds, true to a sixteenth of a pixel."""

from numpy.random import Generator

from analytics.synth.patch import Patch, Rgb
from analytics.synth.writing import print_line, width_of

KINDS = ("mm", "half-mm", "inch-cm", "bar")
INCH_MM = 25.4


def draw(kind: str, px_per_mm: float, random: Generator) -> tuple[Patch, float]:
    """A ruler lying along x, and the millimetres that its scale spans."""
    if kind == "bar":
        return _bar(px_per_mm)
    length = float(random.choice([100, 150]))
    dark = kind == "mm" and random.random() < 0.3
    ground: Rgb = (38, 38, 40) if dark else (244, 243, 238)
    ink: Rgb = (235, 235, 235) if dark else (22, 22, 22)
    patch = Patch.blank(length + 12, 25 if kind == "inch-cm" else 17, px_per_mm, ground)
    _centimetres(patch, length, ink, half=kind == "half-mm")
    if kind == "inch-cm":
        _inches(patch, length, ink)
    return patch, length


def _centimetres(patch: Patch, length_mm: float, ink: Rgb, *, half: bool) -> None:
    steps = int(length_mm) * (2 if half else 1)
    for step in range(steps + 1):
        at = step * length_mm / steps
        whole = step % 2 == 0 if half else True
        tall = 7.0 if at % 10 == 0 else 5.2 if at % 5 == 0 else 3.6 if whole else 2.2
        patch.rectangle(6 + at - 0.11, 0.0, 0.22, tall, ink)
    for centimetre in range(int(length_mm) // 10 + 1):
        text = str(centimetre)
        print_line(patch, text, 6 + 10 * centimetre - width_of(text, 4.2, patch.px_per_mm) / 2, 11.4, 4.2, ink=ink)
    print_line(patch, "cm", 10.0, 11.4, 3.2, ink=ink)


def _inches(patch: Patch, length_mm: float, ink: Rgb) -> None:
    bottom = patch.rgb.shape[0] / patch.px_per_mm
    for sixteenth in range(int(length_mm / INCH_MM * 16) + 1):
        tall = next(t for step, t in ((16, 7.0), (8, 5.4), (4, 4.2), (2, 3.2), (1, 2.4)) if sixteenth % step == 0)
        patch.rectangle(6 + sixteenth * INCH_MM / 16 - 0.11, bottom - tall, 0.22, tall, ink)
    for inch in range(int(length_mm / INCH_MM) + 1):
        text = str(inch)
        print_line(patch, text, 6 + inch * INCH_MM - width_of(text, 4.2, patch.px_per_mm) / 2, bottom - 7.8, 4.2, ink=ink)
    print_line(patch, "inches", 10.0, bottom - 7.8, 3.0, ink=ink)


def _bar(px_per_mm: float) -> tuple[Patch, float]:
    """Ten blocks of a centimetre, black and white by turns, the first divided into millimetres."""
    ink: Rgb = (20, 20, 20)
    patch = Patch.blank(116, 16, px_per_mm, (248, 248, 246))
    patch.rectangle(8 - 0.2, 2 - 0.2, 100.4, 5.4, ink)
    for block in range(10):
        patch.rectangle(8 + 10 * block, 2, 10, 5, ink if block % 2 == 0 else (248, 248, 246))
    for millimetre in range(10):
        patch.rectangle(8 + millimetre, 2, 1, 2.5, ink if millimetre % 2 else (248, 248, 246))
    for centimetre in (0, 1, 5, 10):
        text = str(centimetre) if centimetre < 10 else "10 cm"
        print_line(patch, text, 8 + 10 * centimetre - 1.2 * len(text), 13.2, 4.6, ink=ink)
    return patch, 100.0
