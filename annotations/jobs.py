"""Messages of the annotations, by the name of the actor that takes them."""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class BasisChanged:
    """What machines measured on the image is stale, as what it rests on has changed (analytics/actors.py)."""

    media_key: str

    actor: ClassVar[str] = "basis_changed"
    queue: ClassVar[str] = "analysis"

    def payload(self) -> dict[str, Any]:
        return asdict(self)
