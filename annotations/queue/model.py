"""What is asked of the queue, and where a page of it ends."""

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

from annotations.states.derive import State
from app.runtime.errors import Invalid

Order = Literal["gain", "uncertainty", "disagreement", "oldest"]
ORDERS: tuple[Order, ...] = get_args(Order)
LEASE = timedelta(minutes=15)
MOST_TAKEN = 20  # at once
MOST_HELD = 60  # by one person
LONGEST_CURSOR = 300


@dataclass(frozen=True, slots=True)
class Asked:
    """Which part of the queue is meant; what is empty narrows nothing."""

    kind: str = ""
    stated_class: str = ""
    institution: str = ""
    collection: str = ""
    state: State | Literal[""] = ""
    order: Order = "gain"


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last item of a page: its value in the order (seconds since 1970 for the oldest first), and its key."""

    value: float
    key: str

    def text(self) -> str:
        told = json.dumps([self.value, self.key], separators=(",", ":"))
        return base64.urlsafe_b64encode(told.encode()).decode().rstrip("=")

    @classmethod
    def read(cls, text: str) -> "Cursor":
        """Raises Invalid."""
        try:
            value, key = json.loads(base64.urlsafe_b64decode(text[:LONGEST_CURSOR] + "=" * (-len(text) % 4)))
            return cls(float(value), str(key)[:64])
        except (ValueError, TypeError, binascii.Error, UnicodeDecodeError) as error:
            raise Invalid("after is the `next` of another page, as it was given.", parameter="after") from error


@dataclass(frozen=True, slots=True)
class Waiting:
    """An item of the queue as it is told: the statement's key, how it stands there, and who holds it until when."""

    annotation_key: str
    line: str
    kind: str
    stated_class: str
    state: str
    version: int
    gain: float
    uncertainty: float
    disagreement: float
    since: datetime
    resting: int
    media_key: str
    leased_by: str
    leased_until: datetime | None

    def cursor(self, order: Order) -> Cursor:
        value = self.since.timestamp() if order == "oldest" else getattr(self, order)
        return Cursor(value, self.annotation_key)


@dataclass(frozen=True, slots=True)
class Count:
    """How many items of a kind wait, and how many of them stand in which state."""

    kind: str
    waiting: int
    states: tuple[tuple[str, int], ...]
    classes: tuple[tuple[str, int], ...]
