"""The misses as one picture: a crop of each with what is wrong below it."""

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.evaluation.outcomes import Outcome
from analytics.evaluation.run import LIMITS
from analytics.steps.image import SheetImage
from iiif.image.service import pixels_of_file

CELL_PX, TEXT_PX, COLUMNS, MOST = 320, 76, 4, 80
MARGIN = 0.25  # of a box's longer side, shown around it
INK, PAPER = (30, 30, 30), 250


def draw(misses: Sequence[Outcome], paths: Mapping[str, Path], target: Path) -> int:
    """Write the picture (PNG, JPEG or WebP by its name) of the first MOST misses whose image is known; how many it shows.

    Nothing is written where there is none. ValueError for a name of another kind.
    """
    if target.suffix.lower() not in (".png", ".jpg", ".jpeg", ".webp"):
        raise ValueError(f"{target.name} is neither PNG nor JPEG nor WebP")
    known = [one for one in misses if one.image in paths][:MOST]
    cells = [_cell(one, paths[one.image]) for one in known]
    if not cells:
        return 0
    blank = np.full_like(cells[0], PAPER)
    cells += [blank] * (-len(cells) % COLUMNS)
    rows = [np.hstack(cells[start : start + COLUMNS]) for start in range(0, len(cells), COLUMNS)]
    done, data = cv2.imencode(target.suffix, np.vstack(rows)[..., ::-1])
    if not done:
        raise ValueError(f"{target.name} cannot be encoded")
    target.write_bytes(data.tobytes())
    return len(known)


def _cell(miss: Outcome, path: Path) -> NDArray[np.uint8]:
    cell = np.full((CELL_PX + TEXT_PX, CELL_PX, 3), PAPER, np.uint8)
    with pixels_of_file(path, LIMITS) as pixels:
        shown = _shown(SheetImage(pixels), miss)
    scale = (CELL_PX - 8) / max(shown.shape[:2])
    size = (max(1, round(shown.shape[1] * scale)), max(1, round(shown.shape[0] * scale)))
    small = cv2.resize(shown, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    cell[4 : 4 + size[1], 4 : 4 + size[0]] = small
    said = f"{miss.image}: {miss.note}".encode("ascii", "replace").decode()
    for number, line in enumerate(textwrap.wrap(said, 46)[:4]):
        place = (4, CELL_PX + 16 + 17 * number)
        cv2.putText(cell, line, place, cv2.FONT_HERSHEY_SIMPLEX, 0.38, INK, 1, cv2.LINE_AA)
    return cell


def _shown(image: SheetImage, miss: Outcome) -> NDArray[np.uint8]:
    """What is around the miss, or the whole image."""
    if miss.box is None:
        return image.copy(CELL_PX * 2).rgb
    x0, y0, x1, y1 = miss.box
    margin = MARGIN * max(x1 - x0, y1 - y0)
    if (x1 - x0 + 2 * margin) * (y1 - y0 + 2 * margin) > image.width_px * image.height_px / 2:
        return image.copy(CELL_PX * 2).rgb
    return image.crop(x0 - margin, y0 - margin, x1 + margin, y1 + margin).rgb
