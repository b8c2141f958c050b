"""What lies on a sheet beside the plant: labels, barcode, stamp, envelope, colour chart."""

import itertools
import math
from collections.abc import Mapping

import cv2
import numpy as np
import zxingcpp
from numpy.random import Generator
from PIL import Image, ImageDraw, ImageFont

from analytics.synth.patch import Patch, Rgb
from analytics.synth.writing import FACES, print_line, width_of, write_line

PAPER: Rgb = (246, 241, 226)
INK: Rgb = (30, 28, 26)
CLASSIC_24: tuple[Rgb, ...] = (
    (115, 82, 68), (194, 150, 130), (98, 122, 157), (87, 108, 67), (133, 128, 177), (103, 189, 170),
    (214, 126, 44), (80, 91, 166), (193, 90, 99), (94, 60, 108), (157, 188, 64), (224, 163, 46),
    (56, 61, 150), (70, 148, 73), (175, 54, 60), (231, 199, 31), (187, 86, 149), (8, 133, 161),
    (243, 243, 242), (200, 200, 200), (160, 160, 160), (122, 122, 121), (85, 85, 85), (52, 52, 52),
)  # fmt: skip


def label(record: Mapping[str, str], px_per_mm: float) -> tuple[Patch, list[str]]:
    """The printed label of the collector, and its lines from top to bottom."""
    patch = Patch.blank(112, 66, px_per_mm, PAPER)
    _frame(patch, 112, 66)
    head = "HERBARIUM LECTOTYPI"
    lines = [
        (f"Flora of {record['country']}", 4.6, "italic"),
        (record["scientificName"], 5.8, "bold"),
        (f"{record['stateProvince']}: {record['locality']}", 3.7, "regular"),
        (f"{record['decimalLatitude']}, {record['decimalLongitude']}", 3.7, "regular"),
        (f"Habitat: {record['habitat']}", 3.7, "regular"),
        (f"Leg. {record['recordedBy']}  no. {record['recordNumber']}", 3.9, "regular"),
        (f"Date: {record['eventDate']}", 3.9, "regular"),
    ]
    print_line(patch, head, (112 - width_of(head, 5.4, px_per_mm, "bold")) / 2, 9.0, 5.4, "bold")
    baseline = 9.0
    for text, size, face in lines:
        baseline += size + 2.9
        print_line(patch, text, 6.0, baseline, size, face)
    return patch, [head, *(text for text, _, _ in lines)]


def determination(record: Mapping[str, str], px_per_mm: float, random: Generator) -> tuple[Patch, list[str], list[str]]:
    """A slip with a printed head, filled in by hand: the patch, the printed lines and the written ones."""
    patch = Patch.blank(86, 28, px_per_mm, (241, 237, 224))
    _frame(patch, 86, 28)
    print_line(patch, "DETERMINAVIT", 5, 7.0, 3.6)
    written = [record["scientificName"].rsplit(" ", 1)[0], f"{record['identifiedBy']} {record['dateIdentified']}"]
    ink: Rgb = [(44, 40, 74), (32, 32, 34), (70, 48, 36)][random.integers(3)]
    for line, text in enumerate(written):
        write_line(patch, text, 7, 15.5 + 9 * line, 6.2, random, ink)
    return patch, ["DETERMINAVIT"], written


def barcode(value: str, px_per_mm: float, random: Generator) -> tuple[Patch, str]:
    """A sticker with a machine-readable code of the catalogue number, and the name of its symbology."""
    name = str(random.choice(["Code128", "Code39", "QRCode"]))
    modules = np.array(
        zxingcpp.create_barcode(value, getattr(zxingcpp.BarcodeFormat, name)).to_image(scale=1, add_quiet_zones=False)
    )
    rows, columns = modules.shape
    if name == "QRCode":
        module = max(round(16.0 / columns * px_per_mm), 2) / px_per_mm  # whole pixels, as a printer prints whole dots
        patch, left, tall, text = Patch.blank(44, 22, px_per_mm, (252, 252, 252)), 3.0, module, (21.0, 12.5)
    else:
        modules, rows = modules[:1], 1
        module = max(round(52.0 / columns * px_per_mm), 3) / px_per_mm
        width = columns * module + 10.0
        patch, left, tall, text = Patch.blank(width, 22, px_per_mm, (252, 252, 252)), 5.0, 11.5, (width / 2 - 12.0, 19.0)
    for row in range(rows):
        for column in np.flatnonzero(modules[row] < 128):
            patch.rectangle(left + column * module, 3.0 + row * tall, module, tall, (12, 12, 12))
    print_line(patch, value, *text, 3.8)
    return patch, name


def stamp(px_per_mm: float, random: Generator) -> tuple[Patch, list[str]]:
    """A round rubber stamp, unevenly inked."""
    inks: list[Rgb] = [(78, 62, 140), (150, 44, 60), (40, 70, 120)]
    ink = inks[random.integers(3)]
    size = round(30 * px_per_mm)
    picture = Image.new("L", (size, size), 0)
    pen = ImageDraw.Draw(picture)
    for radius, width in ((0.49, 0.016), (0.33, 0.01)):
        box = [size * (0.5 - radius), size * (0.5 - radius), size * (0.5 + radius), size * (0.5 + radius)]
        pen.ellipse(box, outline=255, width=max(2, round(width * size)))
    _text_on_circle(picture, "MUSEUM LECTOTYPI · BOTANICA · ", size)
    font = ImageFont.truetype(FACES["bold"], size * 0.13)
    pen.text((size / 2, size / 2), "1887", font=font, fill=255, anchor="mm")
    cells = cv2.resize(random.uniform(0.3, 1.0, (14, 14)).astype(np.float32), (size, size), interpolation=cv2.INTER_CUBIC)
    grain = random.uniform(0.75, 1.0, (size, size))
    alpha = np.asarray(picture, np.float32) * np.clip(cells, 0.45, 1.0) * grain
    patch = Patch(np.full((size, size, 3), ink, np.uint8), np.clip(alpha, 0, 255).astype(np.uint8), px_per_mm)
    return patch, ["MUSEUM LECTOTYPI BOTANICA", "1887"]


def envelope(px_per_mm: float, random: Generator) -> Patch:
    """A folded capsule for fragments."""
    patch = Patch.blank(56, 42, px_per_mm, (214, 196, 160))
    patch.rgb[:] = np.clip(patch.rgb + random.normal(0, 2.5, patch.alpha.shape)[..., None], 0, 255).astype(np.uint8)
    for corners in ([[0, 0], [28, 20], [56, 0]], [[0, 42], [15, 24], [41, 24], [56, 42]]):
        points = np.array(corners, float)
        for start, end in itertools.pairwise(points):
            across = np.array([-(end - start)[1], (end - start)[0]]) / np.hypot(*(end - start)) * 0.18
            patch.fill(np.array([start + across, end + across, end - across, start - across]), (178, 158, 122))
    return patch


def colour_chart(px_per_mm: float) -> Patch:
    """A card of 24 patches in the classic order, 6 by 4."""
    patch = Patch.blank(64, 44, px_per_mm, (26, 26, 27))
    for index, colour in enumerate(CLASSIC_24):
        patch.rectangle(2.5 + 10 * (index % 6), 2.5 + 10 * (index // 6), 9, 9, colour)
    return patch


def _frame(patch: Patch, width_mm: float, height_mm: float) -> None:
    for x, y, width, height in (
        (2, 2, width_mm - 4, 0.35), (2, height_mm - 2.35, width_mm - 4, 0.35),
        (2, 2, 0.35, height_mm - 4), (width_mm - 2.35, 2, 0.35, height_mm - 4),
    ):  # fmt: skip
        patch.rectangle(x, y, width, height, INK)


def _text_on_circle(picture: Image.Image, text: str, size: int) -> None:
    font = ImageFont.truetype(FACES["bold"], size * 0.105)
    for index, letter in enumerate(text):
        turn = index / len(text) * math.tau
        tile = Image.new("L", (size // 6, size // 6), 0)
        ImageDraw.Draw(tile).text((size // 12, size // 12), letter, font=font, fill=255, anchor="mm")
        tile = tile.rotate(-math.degrees(turn), resample=Image.Resampling.BICUBIC)
        x, y = size / 2 + math.sin(turn) * size * 0.41, size / 2 - math.cos(turn) * size * 0.41
        picture.paste(255, (round(x - size // 12), round(y - size // 12)), tile)
