"""A camera's raw file beside its picture (X.CR2, X.JPG) is one shot, of which one file is the image: a TIFF that somebody made
of it, else the raw file, of which a DNG goes first."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from iiif.ingest.files import is_image_name
from iiif.ingest.model import IngestIssue, warning

RAW_SUFFIXES = frozenset({".dng", ".cr2", ".cr3", ".nef", ".nrw", ".arw", ".orf", ".rw2", ".raf", ".pef", ".srw"})
RANKS = (frozenset({".tif", ".tiff"}), frozenset({".dng"}), RAW_SUFFIXES)


@dataclass(slots=True)
class Shots:
    """The files of each shot of one folder after another, the best first; only of shots with a raw file and something else."""

    _folder: str = ""
    _shots: dict[str, list[str]] = field(default_factory=dict)

    def others(self, folder: str, name: str) -> list[str]:
        """The other files of its shot, the best of all first, if that is not this one."""
        if folder != self._folder:
            self._folder, self._shots = folder, _shots_of(folder)
        return [other for other in self._shots.get(_stem(name), ()) if other != name]

    def is_best(self, folder: str, name: str) -> bool:
        """Whether none of the others is better."""
        return not self.others(folder, name) or self._shots[_stem(name)][0] == name


def left_out(name: str, taken: str) -> IngestIssue:
    """What is said of a file that stays out for another one of its shot."""
    sentence = (
        f"{taken} beside it is of the same shot and is the image; a TIFF goes first, then a camera's raw file. Give it another "
        "name, or name it in a row, if it is a picture of its own."
    )
    return warning("same-shot", sentence, value=name)


def _shots_of(folder: str) -> dict[str, list[str]]:
    try:
        names = sorted(name for name in os.listdir(folder) if is_image_name(name) and not name.startswith("."))  # noqa: PTH208 - names
    except OSError:
        return {}
    raw = {_stem(name) for name in names if _suffix(name) in RAW_SUFFIXES}
    shots: dict[str, list[str]] = {}
    for name in names:
        if _stem(name) in raw:
            shots.setdefault(_stem(name), []).append(name)
    return {stem: sorted(files, key=_rank) for stem, files in shots.items() if len(files) > 1}


def _rank(name: str) -> int:
    return next((number for number, suffixes in enumerate(RANKS) if _suffix(name) in suffixes), len(RANKS))


def _stem(name: str) -> str:
    return Path(name).stem.casefold()


def _suffix(name: str) -> str:
    return Path(name).suffix.lower()
