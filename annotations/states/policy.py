"""The rules by which verdicts decide, as data under version control (`policy.json`), by the kind of statement."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

from app.runtime.principal import ROLES, Role

FILE = Path(__file__).with_name("policy.json")


@dataclass(frozen=True, slots=True)
class Policy:
    """How statements of one kind are decided.

    `voices`: the weight that must be together; `share`: the part of it that must be for one side; `weights`: what a verdict
    weighs by the role of who gave it; `own`: whether the correction of a reviewer counts as a voice for itself, which holds
    only where one voice is enough; `alone`: whether the word of one reviewer is enough while no other reviewer's is against it;
    `blind`: whether what others think is hidden until one's own verdict is given, and the statement decided; `gold`: the share of
    items with a curator's decision that are mixed in, to see how people judge. `digest` is the SHA-256 of all rules, which each
    decision names.
    """

    voices: int
    share: Fraction
    weights: Mapping[Role, int]
    own: bool
    alone: bool
    blind: bool
    gold: float
    digest: str


@cache
def rules() -> Mapping[str, Any]:
    """All rules as they are written."""
    written: Mapping[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return written


@cache
def digest() -> str:
    """The SHA-256 of the rules, however they are laid out."""
    return hashlib.sha256(json.dumps(rules(), sort_keys=True).encode()).hexdigest()


@cache
def of(kind: str) -> Policy:
    """The rule for statements of that kind ("" for what people wrote freely)."""
    said = {**rules()["default"], **rules()["kinds"].get(kind, {})}
    share = Fraction(*said["share"])
    if said["voices"] < 1 or not Fraction(1, 2) < share <= 1 or set(said["weights"]) != set(ROLES):
        raise ValueError(f"policy.json is no policy for {kind!r}")
    if not 0 <= said["gold"] <= 0.5:
        raise ValueError(f"policy.json mixes in too much gold for {kind!r}")
    flags = {name: bool(said[name]) for name in ("own", "alone", "blind")}
    return Policy(said["voices"], share, said["weights"], **flags, gold=float(said["gold"]), digest=digest())
