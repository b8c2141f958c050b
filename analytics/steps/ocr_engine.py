"""Text detection and recognition by PP-OCR (rapidocr, with the models that its wheel brings), loaded once per process."""

import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.steps import component_net

LONGEST_SIDE_PX = 2000  # what is larger is scaled down before detection
LEAST_SCORE = 0.3
MODELS = {"Det": "PP-OCRv6_det_small.onnx", "Rec": "PP-OCRv6_rec_small.onnx"}
NARROW = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)}  # full-width forms, which the model likes, to ASCII
LEADERS = re.compile(r"[.…·‥]{2,}|…")  # dots of a form, to write upon
_turn = threading.Lock()  # the detector keeps state between its stages


@dataclass(frozen=True, slots=True)
class TextLine:
    """One line of text: `quad` is (4, 2) float64, from the line's own upper left corner clockwise; `score` from 0 to 1."""

    text: str
    score: float
    quad: NDArray[np.float64]

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """x0, y0, x1, y1."""
        (x0, y0), (x1, y1) = self.quad.min(axis=0), self.quad.max(axis=0)
        return float(x0), float(y0), float(x1), float(y1)


def read(rgb: NDArray[np.uint8], longest: float | None = None) -> tuple[TextLine, ...]:
    """Every line in the picture, uint8 (H, W, 3), or only those up to so many times as long as high; quads in its pixels.

    One thread of the process reads at a time.
    """
    bgr = np.ascontiguousarray(rgb[:, :, ::-1])
    with _turn:
        if longest is not None:
            return _read_short(bgr, longest)
        found = _engine()(bgr, use_det=True, use_cls=False, use_rec=True)
    if found.boxes is None or found.txts is None:
        return ()
    return _lines(found.txts, found.scores, found.boxes)


def _read_short(bgr: NDArray[np.uint8], longest: float) -> tuple[TextLine, ...]:
    """What is longer is not recognised, which saves most of the time where only numbers and a word are wanted."""
    from rapidocr.utils.process_img import get_rotate_crop_image

    found = _engine()(bgr, use_det=True, use_cls=False, use_rec=False)
    if found.boxes is None:
        return ()
    crops = [(box, get_rotate_crop_image(bgr, np.asarray(box, np.float32))) for box in found.boxes]
    short = [(box, crop) for box, crop in crops if 0 < max(crop.shape[:2]) <= longest * min(crop.shape[:2])]
    if not short:
        return ()
    told = _engine().recognize_txt([crop for _, crop in short])
    sure = [one for one in zip(told.txts, told.scores, short, strict=True) if one[1] >= LEAST_SCORE]
    return _lines([text for text, _, _ in sure], [score for _, score, _ in sure], [box for _, _, (box, _) in sure])


def _lines(texts: Iterable[str], scores: Iterable[float], boxes: Iterable[NDArray[np.generic]]) -> tuple[TextLine, ...]:
    told = zip(map(_plain, texts), scores, boxes, strict=True)
    return tuple(TextLine(text, float(score), np.asarray(quad, float)) for text, score, quad in told if text)


def _plain(text: str) -> str:
    return " ".join(LEADERS.sub(" ", text.translate(NARROW)).split())


@cache
def _engine() -> Any:
    from rapidocr import RapidOCR  # takes a second and 200 MB, so only who reads pays

    engine = RapidOCR(
        params={
            "Global.log_level": "error",
            "Global.max_side_len": LONGEST_SIDE_PX,
            "Global.text_score": LEAST_SCORE,
            "Global.use_cls": False,
            "Det.limit_type": "max",  # by default thin crops are blown up to many megapixels
            "Det.limit_side_len": LONGEST_SIDE_PX,
        }
    )
    _with_own_sessions(engine)
    return engine


def _with_own_sessions(engine: Any) -> None:
    """Threads of its own sessions spin while they wait, which costs a fifth of the CPU wherever others want it."""
    from omegaconf import flag_override

    models = Path(engine.cfg.Global.model_root_dir)
    for part, name in MODELS.items():
        with flag_override(engine.cfg[part], "allow_objects", True):
            engine.cfg[part].session = component_net.load(models / name, keeps_memory=False)
