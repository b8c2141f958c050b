"""The fields of the form on the drawing page and the bodies that they say: alike in Python and in the page's script."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from app.web.drawing.statement_form import Said, reason_of, said_of, with_said
from tests.services import missing

SCRIPT = Path(__file__).resolve().parents[3] / "app" / "web" / "frontend" / "src" / "draw" / "fields.js"
TAG = {"type": "TextualBody", "value": "label", "purpose": "tagging", "language": "en"}
READ = {"type": "TextualBody", "value": "Carex rubra", "textGranularity": "block", "language": "la"}
NUMBER = {"id": "urn:x", "type": ["dwc:Assertion", "prov:Entity"], "dwc:assertionType": "ruler", "dwc:assertionValue": "20"}
NUMBER |= {"dwc:assertionUnit": "px/mm", "dwc:assertionError": "0.2"}
DESCRIBED = {"type": "TextualBody", "value": "20 px per mm", "purpose": "describing"}
LINK = {"type": "SpecificResource", "source": "https://example.org/x", "purpose": "linking"}
DOCUMENTS: list[tuple[dict[str, Any], str]] = [
    ({}, ""),
    ({"motivation": "supplementing", "body": [READ, TAG]}, "label"),
    ({"motivation": ["supplementing", "tagging"], "body": READ}, "label"),
    ({"motivation": "measuring", "body": [DESCRIBED, TAG, NUMBER, LINK]}, "ruler"),
    ({"motivation": "commenting", "body": {"type": "TextualBody", "value": "galled"}}, ""),
    (
        {
            "motivation": "replying",
            "body": [{"value": "so it is", "purpose": "replying", "creator": "urn:me"}, LINK],
        },
        "",
    ),
    ({"motivation": "classifying", "body": [{"type": "TextualBody", "value": "stamp", "purpose": "classifying"}]}, ""),
]
CHANGES: list[dict[str, str]] = [
    {},
    {"text": "Carex nigra"},
    {"text": ""},
    {"comment": "a fold"},
    {"comment": ""},
    {"label": "ruler"},
    {"label": ""},
    {"value": "12.5", "unit": "mm"},
    {"value": "12.5", "unit": "mm", "text": "half an inch"},
    {"value": "", "unit": ""},
    {"text": "Bruges", "comment": "a fold", "label": "label", "value": "3", "unit": "cm"},
]


def by_python(document: dict[str, Any], kind: str, change: dict[str, str]) -> dict[str, Any]:
    before = said_of(document)
    after = Said(**{name: change.get(name, getattr(before, name)) for name in Said.__slots__})
    written = with_said(document, after, kind)
    shown = {name: getattr(before, name) for name in Said.__slots__}
    body = written.get("body", [])
    bodies = body if isinstance(body, list) else [body]
    return {"shown": shown, "body": named(bodies), "motivation": written["motivation"], "reason": reason_of(before, after)}


def named(bodies: list[Any]) -> list[Any]:
    """The bodies; of a number that was made its name, which is another each time, is its kind alone."""
    return [{**one, "id": one["id"][:9]} if str(one.get("id", "")).startswith("urn:uuid:") else one for one in bodies]


RUN = """
import { readFileSync } from "node:fs";
import { fieldsOf, withFields, reasonOf } from %r;
const named = (body) => (body.id?.startsWith("urn:uuid:") ? { ...body, id: body.id.slice(0, 9) } : body);
const told = JSON.parse(readFileSync(0, "utf8")).map(({ document, kind, change }) => {
  const before = fieldsOf(document), after = { ...before, ...change };
  const { body, motivation } = withFields(document, after, kind);
  return { shown: before, body: body.map(named), motivation, reason: reasonOf(before, after, true) };
});
console.log(JSON.stringify(told));
"""


def test_form_and_script_read_and_write_the_same_bodies(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        missing("node")
    asked = [{"document": document, "kind": kind, "change": change} for document, kind in DOCUMENTS for change in CHANGES]
    (tmp_path / "run.mjs").write_text(RUN % str(SCRIPT))
    (tmp_path / "package.json").write_text("{}")
    command = [str(node), "--no-warnings", "--experimental-detect-module", "run.mjs"]
    said = subprocess.run(command, cwd=tmp_path, input=json.dumps(asked), capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    for one, by_script in zip(asked, json.loads(said.stdout), strict=True):
        assert by_python(**one) == by_script, one  # type: ignore[arg-type]  # they are what it takes


@pytest.mark.parametrize(
    ("change", "text"), [({"value": "25"}, "ruler 25 px/mm"), ({"value": "25", "text": "by hand"}, "by hand")]
)
def test_a_text_that_describes_a_number_goes_with_it(change: dict[str, str], text: str) -> None:
    document, kind = DOCUMENTS[3]
    before = said_of(document)
    after = Said(**{name: change.get(name, getattr(before, name)) for name in Said.__slots__})
    assert with_said(document, after, kind)["body"][0] == {**DESCRIBED, "value": text}
