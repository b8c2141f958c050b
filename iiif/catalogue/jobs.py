"""Messages of the catalogue, by the name of the actor that takes them."""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class DeriveImage:
    """Make the pyramid of a new image (iiif/image/actors.py)."""

    media_key: str

    actor: ClassVar[str] = "derive_image"
    queue: ClassVar[str] = "images"

    def payload(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class MediaSettled:
    """The image became ready or failed; what waits for it may go on (analytics/actors.py)."""

    media_key: str

    actor: ClassVar[str] = "media_settled"
    queue: ClassVar[str] = "analysis"

    def payload(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class DepictionsChanged:
    """The image shows other specimens than before, or elsewhere; what is said about it is theirs now (annotations/actors.py)."""

    media_key: str

    actor: ClassVar[str] = "depictions_changed"
    queue: ClassVar[str] = "analysis"

    def payload(self) -> dict[str, Any]:
        return asdict(self)
