"""Runs, as the rest of the system sees them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

RunState = Literal["running", "completed", "failed"]


@dataclass(frozen=True, slots=True)
class Run:
    """One pipeline over one image, or one ingest (`kind`). "running" means not yet ended, waiting included.

    `steps` maps each step's name to `{"state": "waiting"|"running"|"done"|"nothing found"|"failed", "reason": …, "seconds": …}`;
    an ingest counts `done` of `total` rows instead.
    """

    key: str
    kind: Literal["analysis", "ingest"]
    state: RunState
    pipeline: str
    pipeline_version: str
    media_key: str
    specimen_key: str
    input_digest: str
    code_version: str
    parameters: Mapping[str, Any]
    environment: Mapping[str, Any]
    steps: Mapping[str, Any]
    total: int
    done: int
    reason: str
    report: Mapping[str, Any]
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
