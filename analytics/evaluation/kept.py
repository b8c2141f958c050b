"""What was measured of each image, written down as soon as it is: a measurement of an hour that was broken off goes on."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from analytics.evaluation.outcomes import Evaluation
from analytics.evaluation.run import DECODE, Evaluated


class Kept:
    """A file of lines of JSON: first what was asked and of which code, then one for each image. An image that could not be opened
    is not written down, so that it is tried again."""

    def __init__(self, path: Path, asked: Mapping[str, Any], code: str) -> None:
        """ValueError where the file is of another question, of other code, or none of this kind; OSError."""
        self._path, self._head = path, {"asked": dict(asked), "code": code}
        self.done = self._read() if path.is_file() else []
        if not path.is_file():
            path.write_text(json.dumps(self._head, ensure_ascii=False) + "\n", encoding="utf-8")

    def _read(self) -> list[Evaluated]:
        first, *lines = self._path.read_text(encoding="utf-8").splitlines() or [""]
        try:
            head = json.loads(first)
        except ValueError as error:
            raise ValueError(f"{self._path} was not written by --keep; name another file.") from error
        if head != self._head:
            raise ValueError(f"{self._path} keeps another measurement (other options or other code); name another file.")
        whole = [line for line in lines if line.endswith("}")]  # the last may have been cut off
        if len(whole) < len(lines):
            self._path.write_text("".join(f"{line}\n" for line in (first, *whole)), encoding="utf-8")
        return [_of_json(json.loads(line)) for line in whole]

    def names(self) -> frozenset[str]:
        """Of the images that were measured."""
        return frozenset(one.image for one in self.done)

    def keeping(self, measured: Iterable[Evaluated]) -> Iterator[Evaluated]:
        """The same, each written down before it is handed on."""
        for one in measured:
            if DECODE not in one.failures:
                with self._path.open("a", encoding="utf-8") as stream:
                    stream.write(json.dumps(_to_json(one), ensure_ascii=False) + "\n")
            yield one


def _to_json(one: Evaluated) -> dict[str, Any]:
    told = Evaluation("", one.outcomes).to_json()
    return {"image": one.image, "outcomes": told["outcomes"], "seconds": one.seconds, "failures": one.failures}


def _of_json(line: Mapping[str, Any]) -> Evaluated:
    outcomes = Evaluation.of_json({"code": "", "outcomes": line["outcomes"]}).outcomes
    return Evaluated(line["image"], outcomes, dict(line["seconds"]), dict(line["failures"]))
