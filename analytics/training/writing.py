"""How the measures of a line tell handwriting (`analytics/weights/writing.json`): `python -m analytics.training.writing`.

A logistic regression over drawn lines alone: written by a trembling pen, printed in upright, bold and slanted letters, and set
as a typewriter sets them. It takes half a minute and needs no PyTorch. Real labels are only measured on.
"""

import json
from pathlib import Path

import click
import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.optimize import minimize

from analytics.steps.writing_kind import LINE_PX, LineMeasures, measure
from analytics.synth.patch import Patch, Rgb
from analytics.synth.records import HABITATS, PEOPLE, TAXA
from analytics.synth.writing import print_line, width_of, write_line

SEED, LINES = 20261126, 900
KINDS = ("handwritten", "printed", "typed")
PLAIN = (
    "leg. J. Smith/12 June 1934/No. 1364/det. R. Paulson/Herbarium/Alt. 350 m/in wet meadows near the river/sandy soil/U. S. A."
)
WORDS = (*(name for name, _ in TAXA), *HABITATS, *PEOPLE, *PLAIN.split("/"))
RIDGE = 1.0
STEP_OF_TYPES = 0.62  # of the letters' height
INKED = 60  # grey levels, summed over the colours, off the paper


def drawn(kind: str, random: Generator) -> tuple[NDArray[np.uint8], str]:
    """A line of that kind as a reader cuts it out, uint8 (LINE_PX, W, 3), and its words."""
    text = " ".join(random.choice(WORDS, int(random.integers(1, 4))))[: int(random.integers(6, 45))].strip()
    height = random.uniform(2.2, 4.5)
    paper, ink = _colours(random)
    patch = Patch.blank(len(text) * height * 0.9 + 10, 3 * height, random.uniform(8, 22), paper)
    if kind == "handwritten":
        write_line(patch, text, 5, 2 * height, height * random.uniform(0.9, 1.3), random, ink)
    elif kind == "typed":
        _type_line(patch, text, height, random, ink)
    else:
        face = str(random.choice(["regular", "bold", "italic"], p=[0.5, 0.25, 0.25]))
        print_line(patch, text if random.random() < 0.7 else text.upper(), 5, 2 * height, height, face, ink)
    there = np.abs(patch.rgb.astype(np.float32) - np.array(paper)).sum(axis=2) > INKED
    return _seen(patch.rgb, there, random), text


def _colours(random: Generator) -> tuple[Rgb, Rgb]:
    paper = np.clip(random.normal((238, 232, 218), 8), 150, 255).astype(int)
    ink = random.uniform(20, 110) * np.array([1, 1, random.uniform(0.9, 1.3)])
    return (int(paper[0]), int(paper[1]), int(paper[2])), (int(ink[0]), int(ink[1]), int(ink[2]))


def _type_line(patch: Patch, text: str, height: float, random: Generator, ink: Rgb) -> None:
    """Each letter in the middle of a place of its own, all as wide, struck a little high, low or aside."""
    face, step = str(random.choice(["regular", "bold"])), STEP_OF_TYPES * height
    for number, letter in enumerate(text):
        if letter != " ":
            left = 5 + number * step + (step - width_of(letter, height, patch.px_per_mm, face)) / 2
            print_line(patch, letter, left + random.normal(0, 0.02), 2 * height + random.normal(0, 0.02), height, face, ink)


def _seen(rgb: NDArray[np.uint8], there: NDArray[np.bool_], random: Generator) -> NDArray[np.uint8]:
    """Blurred, noisy, compressed, a little tilted, and cut out around what is written."""
    blurred = cv2.GaussianBlur(rgb.astype(np.float32), (0, 0), random.uniform(0.4, 1.6))
    noisy = np.clip(blurred + random.normal(0, random.uniform(1, 7), blurred.shape), 0, 255).astype(np.uint8)
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(50, 95))]
    squeezed = np.asarray(cv2.imdecode(cv2.imencode(".jpg", noisy, quality)[1], cv2.IMREAD_COLOR), np.uint8)
    rows, columns = np.flatnonzero(there.any(axis=1)), np.flatnonzero(there.any(axis=0))
    around = round(0.12 * (rows[-1] - rows[0]))
    top, left = max(0, int(rows[0]) - around), max(0, int(columns[0]) - around)
    cut = squeezed[top : int(rows[-1]) + around + 1, left : int(columns[-1]) + around + 1]
    turn = cv2.getRotationMatrix2D((cut.shape[1] / 2, cut.shape[0] / 2), random.normal(0, 0.6), 1.0)
    tilted = cv2.warpAffine(cut, turn, cut.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
    size = (max(16, round(LINE_PX * cut.shape[1] / cut.shape[0])), LINE_PX)
    return np.asarray(cv2.resize(tilted, size, interpolation=cv2.INTER_AREA), np.uint8)


def lines(seed: int, number: int) -> list[tuple[str, LineMeasures]]:
    """Drawn lines of the kinds by turns, measured."""
    random = np.random.default_rng(seed)
    found = []
    for place in range(number):
        kind = KINDS[place % len(KINDS)]
        measured = measure(*drawn(kind, random))
        if measured is not None:
            found.append((kind, measured))
    return found


def fit(known: list[tuple[str, LineMeasures]]) -> dict[str, object]:
    """Mean, spread, slopes and offset; each kind, handwritten or not, counts the same in all."""
    measured = np.array([(one.upright, one.aligned, one.pieces) for _, one in known])
    hand = np.array([kind == "handwritten" for kind, _ in known])
    mean, spread = measured.mean(axis=0), measured.std(axis=0)
    scaled = (measured - mean) / spread
    weights = np.where(hand, 50 / hand.sum(), 50 / (~hand).sum())

    def loss(values: NDArray[np.float64]) -> float:
        odds = scaled @ values[:-1] + values[-1]
        return float((weights * np.logaddexp(0, np.where(hand, -odds, odds))).sum() + RIDGE * (values[:-1] ** 2).sum())

    found = minimize(loss, np.zeros(4), method="BFGS").x
    return {
        "of": ["upright", "aligned", "pieces"],
        "mean": mean.round(5).tolist(),
        "spread": spread.round(5).tolist(),
        "slopes": found[:-1].round(3).tolist(),
        "offset": round(float(found[-1]), 3),
    }


@click.command()
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path("training"), show_default=True)
def main(out: Path) -> None:
    """Write writing.json."""
    cv2.setNumThreads(1)
    out.mkdir(parents=True, exist_ok=True)
    (out / "writing.json").write_text(json.dumps(fit(lines(SEED, LINES)), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
