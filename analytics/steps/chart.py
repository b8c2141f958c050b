"""The colour chart: where it lies, which colours its patches have, how far they are from what they should be, what would mend it.

A chart is a lattice of patches of many colours. That of 24 patches in the classic order, by which most others go (Passport,
mini, nano, those of other makers), is known by its colours in one of four positions; of others only the patches are stated.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.steps import chart_colours, chart_lattice
from analytics.steps.chart_lattice import Lattice
from analytics.steps.model import Finding, ScaledCopy, SheetImage, StepContext, StepResult
from annotations.regions import Region

Float = NDArray[np.float64]
SIDES_PX = (1200, 2400)  # of the copies on which it is looked for
LIKE_CLASSIC = 0.8  # of what varies, that the classic colours explain
FEWEST_PATCHES, FEWEST_COLOURS = 10, 7  # of another chart
DIFFERENT, COLOURFUL, FEWEST_HUES = 10.0, 18.0, 3  # ΔE between colours, chroma of one that is not grey, sextants of hue
LIGHTEST_TO_DARKEST = 30.0  # in L*
CLASSIC = "Classic 24"


@dataclass(frozen=True, slots=True)
class _Known:
    """A lattice with the reference colour of each patch, (rows, columns, 3), and by how many quarters it lies turned."""

    reference: Float
    quarters: int
    likeness: float


def run(image: SheetImage, parameters: Mapping[str, Any], context: StepContext) -> StepResult:  # noqa: ARG001 - as every step
    """One finding "chart" for the chart whose patches are seen best; its value is the mean difference from known colours."""
    looked = 0
    best: tuple[tuple[bool, float, int], Lattice, _Known | None, ScaledCopy] | None = None
    for side in SIDES_PX:
        copy = image.copy(side)
        for lattice in chart_lattice.find(copy.rgb):
            looked += 1
            known = classic(lattice)
            if known is None and not is_colourful(lattice):
                continue
            worth = (known is not None, known.likeness if known else 0.0, int(lattice.seen.sum()))
            if best is None or worth > best[0]:
                best = (worth, lattice, known, copy)
        if best is not None and best[0][0]:
            break
    if best is None:
        seen = "what stands in rows and columns has other colours" if looked else "nothing stands in rows and columns"
        return StepResult((), f"No colour chart: {seen}.")
    return StepResult((_finding(image, *best[1:]),))


def classic(lattice: Lattice) -> _Known | None:
    """The classic colours as they lie in this lattice, or None where they do not."""
    found = []
    for quarters in range(4):
        reference = np.rot90(chart_colours.CLASSIC_24, -quarters)
        if reference.shape[:2] == lattice.shape:
            found.append(_Known(reference, quarters, chart_colours.likeness(lattice.colours, reference)))
    best = max(found, key=lambda one: one.likeness, default=None)
    return best if best is not None and best.likeness >= LIKE_CLASSIC else None


def is_colourful(lattice: Lattice) -> bool:
    """Whether so many different colours and lightnesses are among the patches as only charts have."""
    colours = chart_colours.lab(lattice.colours[lattice.seen])
    if len(colours) < FEWEST_PATCHES or np.ptp(colours[:, 0]) < LIGHTEST_TO_DARKEST:
        return False
    different: list[Float] = []
    for colour in colours:
        if all(np.linalg.norm(colour - other) > DIFFERENT for other in different):
            different.append(colour)
    chosen = np.array(different)
    vivid = chosen[np.hypot(chosen[:, 1], chosen[:, 2]) > COLOURFUL]
    hues = {int(hue) for hue in np.degrees(np.arctan2(vivid[:, 2], vivid[:, 1])) % 360 // 60}
    return len(different) >= max(FEWEST_COLOURS, len(colours) // 2) and len(hues) >= FEWEST_HUES


def _finding(image: SheetImage, lattice: Lattice, known: _Known | None, copy: ScaledCopy) -> Finding:
    rows, columns = lattice.shape
    places = copy.to_image(lattice.places.reshape(-1, 2)).reshape(rows, columns, 2)
    measured = chart_colours.lab(lattice.colours)
    patches = [
        {
            "row": row,
            "column": column,
            "placePx": np.round(places[row, column], 1),
            "srgb": np.round(lattice.colours[row, column]),
            "lab": np.round(measured[row, column], 2),
            "seen": bool(lattice.seen[row, column]),
        }
        for row, column in np.ndindex(rows, columns)
    ]
    off = places[0, -1] - places[0, 0]
    angle = float(np.degrees(np.arctan2(off[1], off[0])))
    data: dict[str, Any] = {"layout": f"{columns} × {rows}", "angleDeg": round(angle, 2), "clippedPatches": _clipped(lattice)}
    region = image.within(Region.of_rings([copy.to_image(lattice.corners)]))
    if known is None:
        text = f"A colour chart of {columns} × {rows} patches whose reference colours are not known here."
        return Finding("chart", text, region, motivations=("identifying",), data=data | {"patches": patches})
    off_by = chart_colours.delta_e00(measured, chart_colours.lab(known.reference))
    for patch, difference in zip(patches, off_by.ravel(), strict=True):
        patch["deltaE00"] = round(float(difference), 2)
    text = (
        f"Colour chart, {CLASSIC}: its patches are off by {off_by.mean():.1f} in the mean, {off_by.max():.1f} at most (CIEDE2000)"
    )
    data |= {"chart": CLASSIC, "quarterTurns": known.quarters, "likeness": round(known.likeness, 4)}
    data |= {"largestDeltaE00": round(float(off_by.max()), 2)}
    text, data = _with_correction(text, data, lattice, known)
    data |= {"patches": patches}
    return Finding("chart", text, region, value=float(off_by.mean()), unit="CIEDE2000", motivations=("identifying",), data=data)


def _with_correction(text: str, data: dict[str, Any], lattice: Lattice, known: _Known) -> tuple[str, dict[str, Any]]:
    """What greys and colours say must be done, and how far off they are then."""
    measured, reference = lattice.colours.reshape(-1, 3), known.reference.reshape(-1, 3)
    greys = np.ptp(reference, axis=1) < 3
    balance = chart_colours.balance(measured, reference, greys)
    if balance is None:
        return f"{text}. Too many are clipped to say what would mend that.", data
    mended = chart_colours.lab_of_linear(chart_colours.linear(measured) @ balance.matrix.T)
    left = chart_colours.delta_e00(mended, chart_colours.lab(reference))
    red, _, blue = balance.gains
    said = f"{text}; {left.mean():.1f} after correction. White balance: red × {red:.3f}, blue × {blue:.3f}."
    more = {
        "whiteBalance": np.round(balance.gains, 4),
        "correctionMatrix": np.round(balance.matrix, 5),
        "correctionPatches": balance.used,
        "correctedDeltaE00": round(float(left.mean()), 2),
    }
    return said, data | more


def _clipped(lattice: Lattice) -> int:
    low, high = chart_colours.CLIPPED
    return int(((lattice.colours <= low) | (lattice.colours >= high)).any(axis=2).sum())
