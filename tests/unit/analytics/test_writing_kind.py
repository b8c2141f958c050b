"""How a block was written, and its script: told from drawn lines, which the figures were not fitted to, and from codes alone."""

import json
from importlib import resources

import numpy as np
import pytest

from analytics.steps import ocr, writing_kind
from analytics.steps.model import SheetImage, StepContext
from analytics.steps.ocr_engine import TextLine
from analytics.steps.text_script import script_of
from analytics.synth.patch import Patch
from analytics.synth.writing import print_line, write_line
from analytics.training import writing


def test_drawn_blocks_are_told_apart_and_none_is_taken_for_another() -> None:
    told: dict[str, list[str]] = {kind: [] for kind in writing.KINDS}
    known = writing.lines(7, 150)
    for kind in writing.KINDS:
        lines = [one for other, one in known if other == kind]
        told[kind] = [writing_kind.kind(lines[at : at + 4])[0] for at in range(0, len(lines) - 3, 4)]
    for kind, answers in told.items():
        assert set(answers) <= {kind, "unknown"} | ({"unknown", "printed"} if kind == "typed" else set()), told
        assert answers.count(kind) >= 0.5 * len(answers), told


def test_what_tells_handwriting_is_what_drawn_lines_make_of_it_each_time() -> None:
    again = writing.fit(writing.lines(3, 60))
    assert again == writing.fit(writing.lines(3, 60))
    held = json.loads((resources.files("analytics") / "weights" / "writing.json").read_text())
    assert set(held) == set(again)
    assert np.sign(held["slopes"]).tolist() == np.sign(again["slopes"]).tolist()  # type: ignore[call-overload]


def test_too_little_is_unknown() -> None:
    assert writing_kind.kind([]) == ("unknown", {})
    blank = np.full((writing_kind.LINE_PX, 300, 3), 230, np.uint8)
    assert writing_kind.measure(blank, "Quercus") is None


def test_a_line_is_laid_level_whichever_way_it_runs() -> None:
    picture = np.full((300, 300, 3), 255, np.uint8)
    picture[50:250, 100:140] = 10  # reads from below to above
    quad = np.array([(100, 250), (100, 50), (140, 50), (140, 250)], float)
    level = writing_kind.laid_level(picture, quad)
    assert level.shape == (writing_kind.LINE_PX, 240, 3)
    assert level.mean() < 20


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("Quercus robur L.", "Latn"),
        ("Ηράκλειο Κρήτη", "Grek"),
        ("東京都", "Hani"),
        ("さくら属", "Jpan"),
        ("Quercus Ηράκλ", ""),
        ("12.6.1934", ""),
        ("ab", ""),
    ],
)
def test_the_script_is_that_of_nearly_all_letters(text: str, script: str) -> None:
    assert script_of([_line(text, 0.99, 10 * len(text))]) == script


def test_what_was_read_with_doubt_or_with_holes_tells_no_script() -> None:
    assert script_of([_line("Quercus robur", 0.6, 200)]) == ""
    assert script_of([_line("u 12 1934", 0.95, 600), _line("Pyc", 0.95, 300)]) == ""


def test_a_label_says_how_it_was_written_and_in_which_script() -> None:
    random = np.random.default_rng(2)
    patch = Patch.blank(110, 60, 12, (240, 236, 225))
    for row, text in enumerate(("Quercus robur L.", "in wet meadows near the river", "det. R. Paulson 1934")):
        print_line(patch, text, 8, 10 + 6 * row, 4.0)
    for row, text in enumerate(("Carex nigra by the lake", "Epping Forest, June")):
        write_line(patch, text, 8, 40 + 9 * row, 6.0, random)
    found = ocr.run(SheetImage(patch.rgb), {}, StepContext()).findings
    printed = next(one for one in found if "Quercus" in one.text)
    assert (printed.data["writing"], printed.data["script"]) == ("printed", "Latn")
    assert all(one.data["writing"] in ("handwritten", "unknown") for one in found if "Quercus" not in one.text)


def _line(text: str, score: float, width: float) -> TextLine:
    return TextLine(text, score, np.array([(0, 0), (width, 0), (width, 20), (0, 20)], float))
