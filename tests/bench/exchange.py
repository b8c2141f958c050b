"""Exports and imports of many annotations: seconds, bytes and the most memory of a process of their own, by format and number.

Memory must not grow with the number. The statements are made up as they are written, so that only the formats are measured.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from annotations.exchange import formats
from annotations.exchange.classes import ClassTable
from annotations.exchange.model import ExchangeImage, Options, ReadObject, ReadOptions, Statement
from annotations.exchange.pieces import to_folder
from annotations.regions import Region, bounds
from app.exchange.files import FolderFiles

FORMATS = ("coco", "w3c", "dwca")
OF_IMAGE = 10
CLASSES = ("leaf", "label", "ruler")
BASE = "http://lectotype.test"


def stream(count: int) -> Iterator[tuple[ExchangeImage, list[Statement]]]:
    """So many statements with outlines of 20 corners, ten on an image."""
    for number in range(count // OF_IMAGE):
        key = f"m1{number:010}"
        image = ExchangeImage(
            key, f"{BASE}/ark:99999/{key}", f"images/{key}.jpg", 4000, 6000, specimen_key=f"s1{number:010}",
            specimen_iri=f"{BASE}/ark:99999/s1{number:010}", record={"scientificName": "Quercus robur L.", "catalogNumber": key},
        )  # fmt: skip
        yield image, [_statement(image, number * OF_IMAGE + place) for place in range(OF_IMAGE)]


def _statement(image: ExchangeImage, number: int) -> Statement:
    x, y = 37 * number % 3000 + 0.1, 53 * number % 5000 + 0.7
    ring = [(x + 10 * step, y + (step % 3)) for step in range(10)]
    ring += [(x + 10 * step, y + 200.3 + step % 2) for step in range(9, -1, -1)]
    iri = f"{BASE}/ark:99999/n1{number:010}.v1"
    document = {"type": "Annotation", "id": iri, "target": image.iri, "body": {"type": "TextualBody", "value": "Schädel № 7"}}
    return Statement(
        f"n1{number:010}", 1, iri, Region(bounds([ring]), (tuple(ring),)), CLASSES[number % 3], text="Schädel № 7",
        score=0.5 + number % 7 / 16, document=document,
    )  # fmt: skip


def one(name: str, count: int) -> None:
    """Write and read in this process; prints seconds, bytes and the most memory."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        losses, pieces = formats.written(name, stream(count), ClassTable(), Options())
        names = to_folder(pieces, Path(folder))
        wrote, size = time.perf_counter() - began, sum((Path(folder) / each).stat().st_size for each in names)
        reader, began = formats.format_of(name).read, time.perf_counter()
        rows = () if reader is None else reader(FolderFiles(Path(folder)), ReadOptions())
        found = sum(isinstance(each, ReadObject) for each in rows)
        read = time.perf_counter() - began
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    sys.stdout.write(f"| {name} | {losses.asked:,} | {wrote:.1f} | {read:.1f} | {size / 1e6:.0f} | {most:.0f} |\n")
    if found != losses.asked - losses.left_out:
        raise SystemExit(f"{name}: {found} read of {losses.asked}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--counts", type=int, nargs="*", default=[1_000, 100_000])
    parser.add_argument("--one", default="")
    asked = parser.parse_args()
    if asked.one:
        one(asked.one, asked.counts[0])
        return
    sys.stdout.write("| format | objects | written, s | read, s | MB | most memory, MB |\n|---|---|---|---|---|---|\n")
    sys.stdout.flush()
    for name in FORMATS:
        for count in asked.counts:
            subprocess.run([sys.executable, "-m", "tests.bench.exchange", "--one", name, "--counts", str(count)], check=True)


if __name__ == "__main__":
    main()
