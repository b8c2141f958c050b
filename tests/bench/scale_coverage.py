"""How often a stated scale holds: `python -m tests.bench.scale_coverage --number 200`.

Rulers of every kind are drawn at chance scales, angles, tilts against the camera, blur, noise and compression. Their scale is
known exactly, and asked for at a chance place along the ruler, since a tilt makes it another at each. Of each scale that the step
gives, the error is set against what is stated: of 100 intervals of twice the standard uncertainty 95 should hold.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import click
import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.evaluation.intervals import wilson
from analytics.steps import ruler
from analytics.steps.model import SheetImage, StepContext
from tests.scales import FINER, GROUND, KINDS

WRONG = 0.02  # relative error of a scale that is not merely inexact
LARGEST_TILT = 0.004  # standard deviation of where the corners come to lie, of the picture's sides


class Trial(NamedTuple):
    """`value` None where no scale was given; `off` in stated standard uncertainties."""

    kind: str
    truth: float
    value: float | None
    uncertainty: float

    @property
    def off(self) -> float:
        return math.nan if self.value is None else (self.value - self.truth) / self.uncertainty


def trial(seed: int) -> Trial:
    random = np.random.default_rng(seed)
    kind = list(KINDS)[seed % len(KINDS)]
    scale = float(np.exp(random.uniform(np.log(5), np.log(24))))
    turn = float(random.choice([0, 90, 180, 270])) + random.normal(0, 2) * float(random.random() < 0.7)
    drawing = KINDS[kind](scale)
    seen = drawing.photograph(turn, random.uniform(1, 8), random.uniform(0, 1.2) * float(random.random() < 0.5)).level(1).rgb
    high, wide = seen.shape[:2]
    corners = np.array([(0, 0), (wide, 0), (wide, high), (0, high)], np.float32)
    moved = corners + random.normal(0, LARGEST_TILT * float(random.random() < 0.6), (4, 2)) * (wide, high)
    tilt = cv2.getPerspectiveTransform(corners, moved.astype(np.float32))
    ground = [float(GROUND)] * 3
    tilted = cv2.warpPerspective(
        seen, tilt, (wide, high), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_CONSTANT, borderValue=ground
    )
    along = np.array([math.cos(math.radians(turn)), -math.sin(math.radians(turn))])
    reach = 0.4 * drawing.card.size[0] / FINER  # of the card from its middle
    truth = scale * _stretch(tilt, np.array([wide, high]) / 2 + random.uniform(-reach, reach) * along, along)
    found = ruler.run(SheetImage(_compressed(tilted, int(random.integers(40, 96)))), {}, StepContext()).findings
    if not found:
        return Trial(kind, truth, None, math.nan)
    return Trial(kind, truth, found[0].value, found[0].uncertainty or math.nan)


def _stretch(tilt: NDArray[np.float64], place: NDArray[np.float64], along: NDArray[np.float64]) -> float:
    """How much longer a short line at that place, in that direction, becomes by the tilt."""
    ends = np.array([[place - along / 2, place + along / 2]])
    first, last = cv2.perspectiveTransform(ends, tilt)[0]
    return float(np.hypot(*(last - first)))


def _compressed(rgb: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    data = cv2.imencode(".jpg", rgb, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def table(trials: Sequence[Trial]) -> str:
    """Markdown: by kind, and in all."""
    lines = ["| kind | drawn | scale given | off by more than 2 % | within u | within 2 u |", "|---|---|---|---|---|---|"]
    by_kind: dict[str, list[Trial]] = defaultdict(list)
    for one in trials:
        by_kind[one.kind].append(one)
    for kind, several in [*by_kind.items(), ("all", list(trials))]:
        given = [one for one in several if one.value is not None]
        wrong = sum(abs(float(one.value or 0) / one.truth - 1) > WRONG for one in given)
        once, twice = (sum(abs(one.off) <= k for one in given) for k in (1, 2))
        lines.append(f"| {kind} | {len(several)} | {len(given)} | {wrong} | {once} | {twice} |")
    offs = [abs(one.off) for one in trials if one.value is not None]
    held = wilson(sum(off <= 2 for off in offs), len(offs))
    share = f"{100 * held.value:.1f} % ({100 * held.low:.0f} to {100 * held.high:.0f}) of {len(offs)}"
    return "\n".join([*lines, "", f"The scale lies within twice the stated standard uncertainty in {share}."])


@click.command()
@click.option("--number", default=200, show_default=True, help="Rulers that are drawn.")
@click.option("--seed", default=5000, show_default=True, help="Of the first; the others follow.")
@click.option("--each", is_flag=True, help="Every trial on a line.")
def main(number: int, seed: int, each: bool) -> None:
    cv2.setNumThreads(1)
    trials = []
    for one in range(number):
        trials.append(trial(seed + one))
        if each:
            click.echo(f"{trials[-1].kind}\t{trials[-1].truth:.4f}\t{trials[-1].value}\t{trials[-1].off:.2f}")
    click.echo(table(trials))


if __name__ == "__main__":
    main()
