"""The plan of a training as YAML: everything that its result depends on, apart from the code and the data's own content."""

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, cast

import yaml

from analytics.training.errors import BadPlan

MOST_STEPS, MOST_BATCH, MOST_SCENES = 1_000_000, 256, 20_000


@dataclass(frozen=True, slots=True)
class Plan:
    """`data` is the folder of real images, or empty: then all truth is drawn.

    `shares` says how often a sample is `drawn`, a crop of a real `sheet`, or a `beetle`; they are weights, not percentages.
    `sheets` are trained on, `held_out_sheets` and every `held_out_beetles`-th beetle never are: they are measured only.
    `encoder_rate` and `decoder_rate` are AdamW's at the start; they fall as a cosine does, to nothing within `decay_steps`.
    The weights are the mean of those at every checkpoint from step `average_from` on, the last included.
    """

    name: str
    seed: int
    steps: int
    data: str
    shares: Mapping[str, float]
    scenes: int
    sheets: tuple[str, ...]
    held_out_sheets: tuple[str, ...]
    held_out_beetles: int
    decay_steps: int
    average_from: int
    pretrained: bool = True
    threads: int = 1
    batch: int = 4
    crop_px: int = 320
    encoder_rate: float = 5e-4
    decoder_rate: float = 2e-3
    checkpoint_every: int = 50

    @property
    def digest(self) -> str:
        """SHA-256 of the content."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


def read(path: Path) -> Plan:
    """BadPlan for a file that is none, and for values that cannot be."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadPlan(f"{path} cannot be read as a plan: {error}") from error
    if not isinstance(content, dict):
        raise BadPlan(f"{path} is no mapping.")
    known = {field.name for field in fields(Plan)}
    if unknown := {str(name) for name in content} - known:
        raise BadPlan(f"A plan has no member {', '.join(sorted(unknown))}.")
    try:
        given: dict[str, Any] = {str(name): tuple(value) if isinstance(value, list) else value for name, value in content.items()}
        plan = Plan(**given)
    except TypeError as error:
        raise BadPlan(f"{path} lacks something: {error}") from error
    _check_forms(plan)
    _check(plan)
    return plan


def _check_forms(plan: Plan) -> None:
    """BadPlan for a member of another form than YAML should have given it."""
    called, data, shares = (cast(Any, value) for value in (plan.name, plan.data, plan.shares))  # YAML gives anything
    if not isinstance(called, str) or not re.fullmatch(r"[\w-]+", called):
        raise BadPlan(f"name must be a word, for the weights are called so, not {called!r}.")
    if not isinstance(data, str):
        raise BadPlan(f'data must be a folder, or "" for none, not {data!r}.')
    for name in ("sheets", "held_out_sheets"):
        value: Any = getattr(plan, name)
        if not isinstance(value, tuple) or not all(isinstance(one, str) for one in value):
            raise BadPlan(f"{name} must be a list of names, not {value!r}.")
    for name in ("encoder_rate", "decoder_rate"):
        if not _is_number(getattr(plan, name)) or not 0 < getattr(plan, name) < 1:
            raise BadPlan(f"{name} must be a number between 0 and 1, not {getattr(plan, name)!r}.")
    if not isinstance(shares, dict) or not all(_is_number(one) and 0 <= one < math.inf for one in shares.values()):
        raise BadPlan(f"shares must be numbers of 0 and more by name, not {shares!r}.")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _check(plan: Plan) -> None:
    if not isinstance(plan.steps, int):
        raise BadPlan(f"steps must be a whole number, not {plan.steps!r}.")
    bounds = {"seed": (0, 2**31), "scenes": (0, MOST_SCENES), "steps": (1, MOST_STEPS), "batch": (1, MOST_BATCH)}
    bounds |= {"held_out_beetles": (1, 10_000), "threads": (1, 256), "crop_px": (64, 1024), "checkpoint_every": (1, MOST_STEPS)}
    bounds |= {"decay_steps": (plan.steps, MOST_STEPS), "average_from": (1, plan.steps)}
    for name, (least, most) in bounds.items():
        value: Any = getattr(plan, name)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise BadPlan(f"{name} must be a whole number from {least} to {most}, not {value!r}.")
    if plan.crop_px % 32:
        raise BadPlan(f"crop_px must be a multiple of 32, not {plan.crop_px}.")
    _check_shares(plan)
    if both := set(plan.sheets) & set(plan.held_out_sheets):
        raise BadPlan(f"{', '.join(sorted(both))} cannot be both trained on and held out.")


def _check_shares(plan: Plan) -> None:
    """BadPlan where there is nothing to take a sample of."""
    if set(plan.shares) - {"drawn", "sheet", "beetle"} or sum(plan.shares.values()) <= 0:
        raise BadPlan("shares says how often a sample is `drawn`, a `sheet` or a `beetle`.")
    if plan.shares.get("drawn") and plan.scenes < 1:
        raise BadPlan("With a share of drawn truth, scenes must be 1 at least.")
    if not plan.data and (plan.shares.get("sheet") or plan.shares.get("beetle")):
        raise BadPlan("Sheets and beetles need `data`, the folder that they lie in.")
    if plan.shares.get("sheet") and not plan.sheets:
        raise BadPlan("With a share of sheets, sheets must name one at least.")
    if plan.shares.get("beetle") and plan.held_out_beetles == 1:
        raise BadPlan("With a share of beetles, held_out_beetles must be 2 at least, or all are held out.")
