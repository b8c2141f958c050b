"""Pipelines as code: YAML files, validated, versioned by their content."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml

from analytics.errors import BadPipeline, UnknownPipeline

REMEASURE = "remeasure"  # the pipeline that measures anew what rests on a corrected ruler or outline
DEADLINE_S, LONGEST_DEADLINE_S = 300.0, 1_500.0  # the latter below the time limit of the job
STEPS = frozenset(
    {"quality", "barcode", "chart", "ruler", "ocr", "stamp", "fields", "specimen", "traits", "embedding", "remeasure"}
)


@dataclass(frozen=True, slots=True)
class StepPlan:
    """One step of a pipeline: the name of its module in `analytics.steps`, its parameters, and after how many seconds it gives
    up."""

    name: str
    parameters: Mapping[str, Any]
    deadline_s: float = DEADLINE_S


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Steps in order. `version` is the SHA-256 of the content in canonical JSON: the same content is the same version."""

    name: str
    description: str
    steps: tuple[StepPlan, ...]
    version: str

    def to_json(self) -> dict[str, Any]:
        steps = [{"name": step.name, "parameters": dict(step.parameters)} for step in self.steps]
        return {"name": self.name, "version": self.version, "description": self.description, "steps": steps}


def names() -> tuple[str, ...]:
    """The pipelines that come with the program."""
    files = resources.files(__name__).iterdir()
    return tuple(sorted(file.name.removesuffix(".yaml") for file in files if file.name.endswith(".yaml")))


@cache
def load(name: str) -> Pipeline:
    """The pipeline of that name. Raises UnknownPipeline, BadPipeline."""
    if name not in names():
        raise UnknownPipeline(f"There is no pipeline {name!r} here; there are: {', '.join(names())}.")
    return parse(source(name).decode())


def source(name: str) -> bytes:
    """The file of a pipeline that comes with the program."""
    return (resources.files(__name__) / f"{name}.yaml").read_bytes()


def parse(text: str) -> Pipeline:
    """Check a pipeline's YAML. Raises BadPipeline, which names the line or the step."""
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BadPipeline(f"The pipeline is not YAML: {error}") from error
    if not isinstance(content, dict):
        raise BadPipeline("A pipeline is a mapping with name, description and steps.")
    if unknown := content.keys() - {"name", "description", "steps"}:
        raise BadPipeline(f"A pipeline has no member {', '.join(sorted(map(str, unknown)))}.")
    if not isinstance(content.get("name"), str) or not content["name"]:
        raise BadPipeline("The pipeline lacks a name.")
    steps = content.get("steps")
    if not isinstance(steps, list) or not steps:
        raise BadPipeline("The pipeline lacks steps.")
    plans = tuple(_step(number, step) for number, step in enumerate(steps, 1))
    if len({plan.name for plan in plans}) < len(plans):
        raise BadPipeline("The pipeline names a step twice.")
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return Pipeline(content["name"], str(content.get("description", "")), plans, hashlib.sha256(canonical.encode()).hexdigest())


def _step(number: int, step: Any) -> StepPlan:
    if not isinstance(step, dict) or not isinstance(step.get("name"), str):
        raise BadPipeline(f"Step {number} lacks a name.")
    if unknown := step.keys() - {"name", "parameters", "deadline_s"}:
        raise BadPipeline(f"Step {number} ({step['name']}) has no member {', '.join(sorted(map(str, unknown)))}.")
    if step["name"] not in STEPS:
        raise BadPipeline(f"Step {number} is {step['name']!r}, which is none of: {', '.join(sorted(STEPS))}.")
    parameters = step.get("parameters") or {}
    if not isinstance(parameters, dict):
        raise BadPipeline(f"The parameters of step {number} ({step['name']}) are not a mapping.")
    deadline_s = step.get("deadline_s", DEADLINE_S)
    if isinstance(deadline_s, bool) or not isinstance(deadline_s, int | float) or not 0 < deadline_s <= LONGEST_DEADLINE_S:
        raise BadPipeline(f"The deadline_s of step {number} ({step['name']}) is not above 0 and up to {LONGEST_DEADLINE_S:g} s.")
    return StepPlan(step["name"], parameters, float(deadline_s))
