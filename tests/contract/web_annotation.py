"""The assertions of the W3C Web Annotation model suite (its JSON Schemas), evaluated offline."""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft4Validator, FormatChecker
from referencing import Registry
from referencing.jsonschema import DRAFT4

formats = FormatChecker(formats=())


@formats.checks("uri")
def _uri(value: object) -> bool:
    return not isinstance(value, str) or re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+", value) is not None


@formats.checks("date-time", raises=ValueError)
def _date_time(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@dataclass(frozen=True)
class Assertion:
    """One MUST of the model: its file name and the validator that decides it."""

    name: str
    message: str
    validator: Draft4Validator

    def holds(self, document: Any) -> bool:
        return self.validator.is_valid(document)


@cache
def assertions(folder: Path, suite: str = "annotations/annotationMusts.test") -> tuple[Assertion, ...]:
    """The assertions that a suite's list names, with every reference resolved inside the folder."""
    registry: Registry[Any] = Registry()
    for path in sorted((folder / "definitions").glob("*.json")):
        registry = registry.with_resource(path.name, DRAFT4.create_resource(json.loads(path.read_text())))
    found = []
    for name in json.loads((folder / suite).read_text())["assertions"]:
        schema = json.loads((folder / name).read_text())
        validator = Draft4Validator(schema, registry=registry, format_checker=formats)
        found.append(Assertion(Path(name).stem, schema.get("errorMessage", schema["title"]), validator))
    return tuple(found)


def failures(document: Any, folder: Path, suite: str = "annotations/annotationMusts.test") -> list[str]:
    """The names of the assertions that do not hold."""
    return [assertion.name for assertion in assertions(folder, suite) if not assertion.holds(document)]
