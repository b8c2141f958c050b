"""What the network of components sees in an image, by ONNX Runtime: its weights come with the package and are loaded once a
process. `analytics/weights/components.md` says what they were trained on and how good they are."""

from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.steps import threads
from analytics.steps.component_classes import COMPONENTS, SPECIMEN
from analytics.steps.model import SheetImage

COPY_PX = 1600  # of the copy that the specimen's edge is looked for on, too
LONG_SIDE_PX = 640  # to which that is reduced before the network is shown it
STEP_PX = 32  # its sides are multiples of it
LEAST_SIDE_PX = 64
MOST_THREADS = 4
OTHERS = tuple(COMPONENTS.index(name) for name in ("label", "ruler", "chart", "barcode", "stamp", "packet", "object"))
Chances = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Seen:
    """`components` (classes, H, W): the chance of each class at each place, which sum up to 1; the same of `parts`. Both lie
    over the whole image, at half the size of the copy."""

    components: Chances
    parts: Chances

    def specimen(self, size: tuple[int, int]) -> Chances:
        """The chance of specimen, on a copy of that (width, height)."""
        return np.asarray(cv2.resize(self.components[SPECIMEN], size, interpolation=cv2.INTER_LINEAR), np.float32)

    def others(self, size: tuple[int, int]) -> NDArray[np.bool_]:
        """Where a label, ruler, chart, code, stamp, packet or an object that lay about is likelier than everything else."""
        likely = self.components.argmax(axis=0)
        there = np.isin(likely, OTHERS).astype(np.uint8)
        return np.asarray(cv2.resize(there, size, interpolation=cv2.INTER_NEAREST) > 0)


def seen(image: SheetImage) -> Seen:
    """What the network sees; computed once for an image."""
    return image.once("components", lambda whole: look(whole.copy(COPY_PX).rgb))


def look(rgb: NDArray[np.uint8], session: Any = None) -> Seen:
    """The same of a picture, uint8 (H, W, 3), by the weights of the package or by a session of others."""
    scale = LONG_SIDE_PX / max(rgb.shape)
    height, width = (max(LEAST_SIDE_PX, round(side * scale / STEP_PX) * STEP_PX) for side in rgb.shape[:2])
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    copy = cv2.resize(rgb, (width, height), interpolation=how).astype(np.float32)
    (scores,) = (session or _session()).run(None, {"image": np.ascontiguousarray(copy.transpose(2, 0, 1))[np.newaxis]})
    several = len(COMPONENTS)
    return Seen(_chances(scores[0, :several]), _chances(scores[0, several:]))


def weights() -> Path:
    """The file of weights in the package."""
    return Path(str(resources.files("analytics") / "weights" / "components.onnx"))


def _chances(scores: Chances) -> Chances:
    grown = np.exp(scores - scores.max(axis=0))
    return np.asarray(grown / grown.sum(axis=0), np.float32)


@cache
def _session() -> Any:
    return load(weights())


def load(path: Path, *, keeps_memory: bool = True) -> Any:
    """A session of ONNX Runtime with few threads, which do not spin while they wait. One whose pictures have ever other sizes
    should not keep its memory from one to the next."""
    import onnxruntime  # only who looks pays for it

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = min(MOST_THREADS, threads.available())
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = keeps_memory
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
