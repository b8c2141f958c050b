"""What the statements behind a segment make of it: its state, and which of them says what and where it is.

A pure function of what stands. A person's word goes before a machine's, an accepted statement before others, and of machines
the first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from annotations.segments.model import State
from app.runtime.principal import ROLES

NOTHING_THERE = "nothing there"  # the reason that denies the segment itself, whoever says that there is one
OF_CONTENT = ("wrong text", "wrong value")  # reasons that deny what a statement says, and not that there is such a thing


@dataclass(frozen=True, slots=True)
class Voice:
    """One statement behind the segment. `stands`: neither deleted nor withdrawn. `spared`: rejected for what it says alone.
    `as_role` is that of the person who said it, empty for a machine."""

    key: str
    state: str
    stands: bool
    spared: bool
    as_role: str
    at: datetime

    @property
    def speaks(self) -> bool:
        return self.stands and (self.spared or self.state not in ("rejected", "superseded"))


def derive(voices: Sequence[Voice]) -> tuple[State, str]:
    """The state, and the key of the statement that leads; empty where none speaks any more."""
    speaking = [voice for voice in voices if voice.speaks]
    refused = any(voice.stands and voice.state == "rejected" and not voice.spared for voice in voices)
    people = [voice for voice in speaking if voice.as_role]
    accepted = [voice for voice in speaking if voice.state == "accepted"]
    if not speaking or (refused and not people and not accepted):
        return ("rejected" if refused else "withdrawn"), ""
    leader = max(people, key=_age) if people else min(accepted or speaking, key=_age)
    return _state_by(leader), leader.key


def _age(voice: Voice) -> tuple[datetime, str]:
    return voice.at, voice.key


def _state_by(leader: Voice) -> State:
    """A reviewer's own word is a voice for itself, as with corrections."""
    if leader.state in ("disputed", "stale"):
        return "disputed" if leader.state == "disputed" else "stale"
    reviewer = bool(leader.as_role) and ROLES.index(leader.as_role) >= ROLES.index("reviewer")
    return "accepted" if leader.state == "accepted" or (reviewer and leader.state == "unreviewed") else "unreviewed"
