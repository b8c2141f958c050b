"""What a camera wrote beside its picture: the few facts that pictures given out may carry."""

import json
from dataclasses import asdict, dataclass, fields

MAX_TEXT = 200


@dataclass(frozen=True, slots=True)
class CameraFacts:
    """Facts of the EXIF of a master, at most MAX_TEXT characters each; empty or None where it says nothing.

    `taken_at` is ISO 8601 as the camera's clock said, with its offset if it is known. `exposure` is in seconds, a fraction
    such as `1/125`; `focal_length_mm` that of the lens, not of its equivalent. Latitude and longitude are in degrees (WGS 84
    where the camera says nothing else), north and east above 0.
    """

    taken_at: str = ""
    make: str = ""
    model: str = ""
    lens: str = ""
    exposure: str = ""
    f_number: float | None = None
    iso: int | None = None
    focal_length_mm: float | None = None
    artist: str = ""
    copyright: str = ""
    latitude: float | None = None
    longitude: float | None = None

    def to_json(self) -> bytes:
        """Only what is known."""
        known = {name: value for name, value in asdict(self).items() if value not in ("", None)}
        return json.dumps(known, ensure_ascii=False, separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, data: bytes) -> "CameraFacts":
        """Raises ValueError, TypeError."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in json.loads(data or b"{}").items() if name in known})
