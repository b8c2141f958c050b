"""The review state of a statement: a pure function of standing verdicts, corrections, what it rests on, and the policy.

The first that holds: superseded (a correction of it is accepted, or was superseded in turn; or what it rests on has changed, and
a run has made it anew) > rejected or superseded with the segment that it says there is, where a person has ended that > accepted
or rejected by a curator > accepted or rejected by enough voices, or by one reviewer where that is enough > disputed > rejected
with its segment, where others that say so were because nothing is there > stale > unreviewed. Which of several corrections is
right is not decided by which came first: each then needs a verdict of its own.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from annotations.states.policy import Policy
from app.runtime.principal import ROLES, Role

State = Literal["unreviewed", "accepted", "rejected", "superseded", "disputed", "stale"]
STATES: tuple[State, ...] = get_args(State)
OPEN: tuple[State, ...] = ("unreviewed", "disputed", "stale")  # what nobody has decided
FALLEN: tuple[State, ...] = ("rejected", "superseded")  # what no reader takes for true
SegmentEnd = Literal["", "deleted", "replaced", "rejected"]
OF_SEGMENT = "its segment was "  # how the rules begin by which a statement goes the way of its segment
Verdict = Literal["approved", "rejected", "uncertain"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)


@dataclass(frozen=True, slots=True)
class Voice:
    """A standing verdict of one account. `counts`: it judges what stands now, and not only what stood before."""

    verdict: Verdict
    role: Role
    at: datetime
    counts: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the state follows from.

    `corrections` are the states of the standing corrections of it. `own` is the role, when it was made, of who made the
    statement, where it is the only correction of another; None otherwise. `shaken`: what it rests on has changed since.
    `remade`: a run has made it anew, from what is in force now. `segment` is what became of the segment that it says there is,
    empty where that is there, or it says of none.
    """

    voices: tuple[Voice, ...] = ()
    corrections: tuple[State, ...] = ()
    own: Role | None = None
    shaken: bool = False
    remade: bool = False
    segment: SegmentEnd = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """The state, the rule that it follows from, and the weights on both sides of those that are needed."""

    state: State
    rule: str
    approved: int = 0
    rejected: int = 0
    uncertain: int = 0
    needed: int = 1
    policy: str = ""

    @property
    def is_judged(self) -> bool:
        """Whether anybody's word stands behind it."""
        return bool(self.approved or self.rejected or self.uncertain) or self.state != "unreviewed"

    def to_json(self) -> dict[str, Any]:
        return {
            "rule": self.rule,
            "approved": self.approved,
            "rejected": self.rejected,
            "uncertain": self.uncertain,
            "needed": self.needed,
            "policy": self.policy,
        }


def derive(facts: Facts, policy: Policy) -> Decision:
    """What stands, and why."""
    voices = [voice for voice in facts.voices if voice.counts]
    weight = {side: sum(policy.weights[voice.role] for voice in voices if voice.verdict == side) for side in VERDICTS}
    if facts.own is not None and policy.own and policy.voices == 1 and not facts.shaken:
        weight["approved"] += policy.weights[facts.own]
    state, rule = _first(facts, voices, weight["approved"], weight["rejected"], policy)
    return Decision(state, rule, weight["approved"], weight["rejected"], weight["uncertain"], policy.voices, policy.digest)


def _first(facts: Facts, voices: list[Voice], approved: int, rejected: int, policy: Policy) -> tuple[State, str]:
    if any(state in ("accepted", "superseded") for state in facts.corrections):
        return "superseded", "a correction of it stands"
    if facts.shaken and facts.remade:
        return "superseded", "a run has made it anew"
    if facts.segment == "deleted":
        return "rejected", f"{OF_SEGMENT}deleted"
    if facts.segment == "replaced":
        return "superseded", f"{OF_SEGMENT}merged or split"
    curators = [voice for voice in voices if _is_curator(voice) and voice.verdict != "uncertain"]
    if curators:
        last = max(curators, key=lambda voice: voice.at)
        return ("accepted" if last.verdict == "approved" else "rejected"), "a curator decided"
    if (found := _by_voices(voices, approved, rejected, policy)) is not None:
        return found
    if facts.segment == "rejected":
        return "rejected", f"{OF_SEGMENT}rejected"
    if facts.shaken:
        return "stale", "what it rests on has changed"
    if facts.voices and not voices:
        return "stale", "judged before it was changed"
    return "unreviewed", f"{max(approved, rejected)} of {policy.voices}"


def _by_voices(voices: list[Voice], approved: int, rejected: int, policy: Policy) -> tuple[State, str] | None:
    """What enough voices say, or one reviewer where that is enough; None where too few have spoken."""
    total = approved + rejected
    if total >= policy.voices:
        if approved >= policy.share * total:
            return "accepted", "enough voices"
        if rejected >= policy.share * total:
            return "rejected", "enough voices"
    experts = {voice.verdict for voice in voices if ROLES.index(voice.role) >= ROLES.index("reviewer")} - {"uncertain"}
    if policy.alone and len(experts) == 1:
        return ("accepted" if "approved" in experts else "rejected"), "a reviewer decided"
    if approved and rejected:
        return "disputed", "voices on both sides"
    return None


def _is_curator(voice: Voice) -> bool:
    return ROLES.index(voice.role) >= ROLES.index("curator")
