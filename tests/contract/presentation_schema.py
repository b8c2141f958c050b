"""The JSON Schema of the official Presentation 3 validator, and what a failure means in words."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator
from jsonschema.exceptions import best_match

CLASSES = {"Manifest": "manifest", "Collection": "collection", "AnnotationPage": "annotationPage", "Annotation": "annotation"}


@cache
def _validator(schema: Path, kind: str) -> Draft7Validator:
    """For one class, so that a failure names its cause rather than each class that the document is not."""
    whole = json.loads(schema.read_text())
    return Draft7Validator({**whole, "oneOf": [{"$ref": f"#/classes/{kind}"}]})


def failure(document: Any, schema: Path) -> str:
    """What the schema finds wrong first, or nothing."""
    kind = CLASSES.get(document.get("type") if isinstance(document, dict) else None)
    if kind is None:
        return "the document is of no class that the schema knows"
    error = best_match(_validator(schema, kind).iter_errors(document))
    return "" if error is None else f"{'/'.join(map(str, error.absolute_path))}: {error.message[:300]}"
