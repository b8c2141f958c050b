"""The linter: silent on the official recipes, and loud on each fault that the schema misses."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from annotations.lint import lint
from app.cli.lint import lint_manifest

BASE = "http://a.example/m"
NOT_MANIFESTS = {"dnd-manifest.json", "annotation.json"}  # content states and single annotations among the recipes


def manifest() -> dict[str, Any]:
    canvas = f"{BASE}/c1"
    painting = {"id": f"{canvas}/p", "type": "Annotation", "motivation": "painting", "target": canvas}
    painting["body"] = {"id": f"{BASE}/i.jpg", "type": "Image", "format": "image/jpeg"}  # type: ignore[assignment]
    selector = {"type": "FragmentSelector", "value": "xywh=1,2,3,4"}
    note = {
        "id": f"{canvas}/n",
        "type": "Annotation",
        "motivation": "commenting",
        "target": {"source": canvas, "selector": selector},
    }
    note["body"] = {"type": "TextualBody", "value": "a"}
    shown: dict[str, Any] = {"id": canvas, "type": "Canvas", "width": 100, "height": 200}
    shown["items"] = [{"id": f"{canvas}/page", "type": "AnnotationPage", "items": [painting]}]
    shown["annotations"] = [{"id": f"{canvas}/notes", "type": "AnnotationPage", "items": [note]}]
    head = {"@context": "http://iiif.io/api/presentation/3/context.json", "id": BASE, "type": "Manifest", "label": {"en": ["a"]}}
    return {**head, "items": [shown]}


def painting_of(document: Any) -> Any:
    return document["items"][0]["items"][0]["items"][0]


def note_of(document: Any) -> Any:
    return document["items"][0]["annotations"][0]["items"][0]


def set_selector(document: Any, selector: Any) -> None:
    note_of(document)["target"]["selector"] = selector


SVG = '<svg xmlns="http://www.w3.org/2000/svg">{}</svg>'
FAULTS: dict[str, tuple[Callable[[Any], object], str]] = {
    "a point off the canvas": (
        lambda m: set_selector(m, {"type": "PointSelector", "x": 101, "y": 3}),
        "reaches past the canvas",
    ),
    "a point without y": (lambda m: set_selector(m, {"type": "PointSelector", "x": 3}), "needs a number for y"),
    "no context": (lambda m: m.pop("@context"), "@context"),
    "no canvas": (lambda m: m.update(items=[]), "at least one canvas"),
    "no motivation": (lambda m: note_of(m).pop("motivation"), "without motivation"),
    "no target": (lambda m: note_of(m).pop("target"), "needs a target"),
    "a target that names nothing": (lambda m: note_of(m).update(target={}), "must name"),
    "painting another canvas": (lambda m: painting_of(m).update(target=f"{BASE}/c2"), "another canvas"),
    "painting to an object": (lambda m: painting_of(m).update(target={"source": f"{BASE}/c1"}), "crashes Mirador"),
    "painting without body": (lambda m: painting_of(m).pop("body"), "needs a body"),
    "painting among the notes": (lambda m: note_of(m).update(motivation="painting"), "belongs into"),
    "a note among the paintings": (lambda m: painting_of(m).update(motivation="commenting"), "motivation painting"),
    "a box off the canvas": (lambda m: set_selector(m, {"type": "FragmentSelector", "value": "xywh=90,0,20,1"}), "reaches past"),
    "a fragment off the canvas": (lambda m: note_of(m).update(target=f"{BASE}/c1#xywh=0,190,1,20"), "reaches past"),
    "a bad box": (lambda m: set_selector(m, {"type": "FragmentSelector", "value": "xywh=1,2,3"}), "must read"),
    "bad SVG": (lambda m: set_selector(m, {"type": "SvgSelector", "value": "<svg>"}), "cannot be read"),
    "SVG off the canvas": (
        lambda m: set_selector(m, {"type": "SvgSelector", "value": SVG.format('<path d="M0,0 L999,0 L9,9 Z"/>')}),
        "reaches past",
    ),
    "an id twice": (lambda m: note_of(m).update(id=f"{BASE}/c1"), "used twice"),
    "an id that is no address": (lambda m: m["items"][0].update(id="canvas-1"), "HTTP address"),
    "a canvas without a size": (lambda m: m["items"][0].pop("width"), "width and a height"),
    "a canvas id with a fragment": (lambda m: m["items"][0].update(id=f"{BASE}/c1#x"), "no fragment"),
    "a reference with items": (lambda m: m["items"][0]["annotations"][0].update(items=[]), "no items"),
    "https rights": (lambda m: m.update(rights="https://creativecommons.org/licenses/by/4.0/"), "rights"),
    "rights of one's own": (lambda m: m.update(rights="http://example.org/mine"), "rights"),
    "a bare thumbnail": (lambda m: m.update(thumbnail={"id": f"{BASE}/t.jpg", "type": "Image"}), "list"),
    "seeAlso without format": (
        lambda m: m.update(seeAlso=[{"id": f"{BASE}/x", "type": "Dataset", "label": {"en": ["x"]}}]),
        "format",
    ),
    "a bare nested service": (
        lambda m: m.update(service=[{"@id": f"{BASE}/s", "@type": "SearchService1", "service": {"@id": f"{BASE}/t"}}]),
        "must be a list",
    ),
}


def test_a_sound_manifest_has_no_faults() -> None:
    assert lint(manifest()) == ()


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_is_found(name: str) -> None:
    change, words = FAULTS[name]
    document = copy.deepcopy(manifest())
    change(document)
    assert any(words in fault.sentence for fault in lint(document)), lint(document)


@pytest.mark.parametrize("document", [None, [], 5, {}, {"type": "Range"}, {"type": "Manifest", "items": [None, 5, {"items": 3}]}])
def test_nonsense_is_a_fault_and_not_a_crash(document: Any) -> None:
    assert lint(document)


def test_the_official_recipes_have_no_errors(shared: Path) -> None:
    checked = 0
    for path in sorted((shared / "cookbook").rglob("*.json")):
        if path.name in NOT_MANIFESTS or path.parent.name == "0000_template":
            continue
        document = json.loads(path.read_text())
        if document.get("type") not in ("Manifest", "Collection", "AnnotationPage"):
            continue
        checked += 1
        assert [fault for fault in lint(document) if fault.level == "error"] == [], path
    assert checked > 100


def test_the_command_exits_1_on_errors_and_0_without(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(json.dumps(manifest()))
    bad.write_text(json.dumps({**manifest(), "items": []}))
    run = CliRunner().invoke
    assert run(lint_manifest, [str(good)]).exit_code == 0
    assert "0 errors, 0 warnings" in run(lint_manifest, [str(good)]).output
    assert run(lint_manifest, [str(bad)]).exit_code == 1
    assert json.loads(run(lint_manifest, ["--json", str(bad)]).output)[0]["level"] == "error"
    assert run(lint_manifest, [str(tmp_path / "missing.json")]).exit_code == 1
    good.write_text("no json")
    assert run(lint_manifest, [str(good)]).exit_code == 1
    assert run(lint_manifest, ["http://127.0.0.1:1/manifest.json"]).exit_code == 1
    assert run(lint_manifest, []).exit_code == 2
