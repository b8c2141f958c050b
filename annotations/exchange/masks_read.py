"""Masks of whole pictures read: each number is a class, or with a table of instances one object.

`classes.csv` (number,name,…) names the classes, `instances.csv` (image,value,class,…) the instances; without either a class is
called by its number. In a mask of colours the colour, `#rrggbb`, is the number, and `colours.csv` (colour,name) names it. Of a
semantic mask all pixels of one class are one object.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import PurePosixPath
from typing import Literal

import numpy as np

from annotations.errors import AnnotationTooBig
from annotations.exchange import gray
from annotations.exchange.model import Files, Found, ImageReference, ReadImage, ReadObject, ReadOptions, Refused
from annotations.exchange.naming import text_of, whole
from annotations.region_masks import Mask
from annotations.regions import of_mask
from app.runtime.errors import Invalid

SUFFIXES = (".png", ".tif", ".tiff")
MOST_BYTES, MOST_NUMBERS = 400_000_000, 10_000
VOID = {np.dtype(np.uint8): 255, np.dtype(np.uint16): 65_535, np.dtype(np.uint32): 2**32 - 1}
LEGENDS = {"classes": "classes.csv", "instances": "instances.csv", "colours": "colours.csv"}
Names = Mapping[tuple[str, int], tuple[str, str]]


def _read(kind: Literal["classes", "instances", "colours"], files: Files, options: ReadOptions) -> Iterator[Found]:
    """Every mask below `masks/`, or every picture where there is no such folder. Raises Invalid where there is none."""
    pictures = [name for name in files.names() if name.lower().endswith(SUFFIXES)]
    inside = [name for name in pictures if "masks" in PurePosixPath(name).parts[:-1]]
    if not pictures:
        raise Invalid("Masks are PNG or TIFF files, and there is none.")
    names = _legend(files, LEGENDS[kind])
    for name in inside or pictures:
        try:
            data = whole(files, name, MOST_BYTES)
            width, height = gray.size_of(data)
            numbers = gray.colours(data) if kind == "colours" else gray.read(data)
        except ValueError as error:
            yield Refused(name, str(error))
            continue
        image = ImageReference(_picture(name), "", "", width, height)
        yield from _objects(name, numbers, image, names, options, coloured=kind == "colours")


read_classes, read_instances = partial(_read, "classes"), partial(_read, "instances")
read_colours = partial(_read, "colours")


def _objects(
    name: str,
    numbers: gray.Numbers,
    image: ImageReference,
    names: Names,
    options: ReadOptions,
    *,
    coloured: bool,
) -> Iterator[Found]:
    values = [int(value) for value in np.unique(numbers) if value and (coloured or value != VOID[numbers.dtype])]
    yield ReadImage(image, name, len(values))
    if len(values) > MOST_NUMBERS:
        yield Refused(name, f"A mask may hold up to {MOST_NUMBERS:,} numbers, not {len(values):,}.")
        return
    for value in values:
        row, colour = f"{name}: value {value}", f"#{value:06x}" if coloured else ""
        named = names.get((PurePosixPath(name).stem, value)) or names.get(("", value))
        of_class, iri = named or (colour or str(value), "")
        if of_class in options.ground:
            continue
        attributes = {"colour": colour} if colour else {}
        try:
            region = of_mask(Mask.of_pixels(numbers == value))
            yield ReadObject(image, row, region, of_class, str(value), iri=iri, attributes=attributes)
        except (AnnotationTooBig, ValueError) as error:
            yield Refused(row, str(error))


def _picture(name: str) -> str:
    path = PurePosixPath(name)
    parts = ["images" if part == "masks" else part for part in path.parts]
    return str(PurePosixPath(*parts).with_suffix(".jpg"))


def _legend(files: Files, base: str) -> Names:
    """From the stem of a mask (empty: all) and a number to class and IRI. Raises Invalid."""
    found: dict[tuple[str, int], tuple[str, str]] = {}
    for name in files.names():
        if PurePosixPath(name).name != base:
            continue
        try:
            for row in csv.DictReader(io.StringIO(text_of(files, name))):
                colour = (row.get("colour") or "").removeprefix("#")
                number = int(colour, 16) if colour else int(row.get("value") or row.get("number") or 0)
                stem = PurePosixPath(row.get("image") or "").stem
                iri = (row.get("iri") or "") if base == "instances.csv" else ""
                found[stem, number] = (row.get("class") or row.get("name") or str(number), iri)
        except (ValueError, csv.Error) as error:
            raise Invalid(f"{name[:200]} is no table of numbers and names: {str(error)[:100]}") from error
    return found
