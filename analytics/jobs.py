"""Messages of the analysis, by the name of the actor that takes them."""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Analyse:
    """Do what is left of one task of a run (analytics/actors.py)."""

    run_key: str
    media_key: str

    actor: ClassVar[str] = "analyse"
    queue: ClassVar[str] = "analysis"

    def payload(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class SettleRun:
    """Look up the images of a run, or bring its tasks and statements in line with its state (analytics/actors.py)."""

    run_key: str

    actor: ClassVar[str] = "settle_run"
    queue: ClassVar[str] = "runs"

    def payload(self) -> dict[str, Any]:
        return asdict(self)
