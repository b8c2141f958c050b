"""What reviewers decided about statements of machines, as outcomes: accepted ones were right, rejected and corrected ones not.

Statements that nobody decided, or that fell with something else, tell nothing. Who judged chose what to judge, so the shares are
those of what was reviewed, not of all.
"""

from collections.abc import Iterator

from sqlalchemy.orm import Session

from analytics.evaluation.outcomes import Outcome
from annotations.model import Annotation
from annotations.review import service as review
from annotations.states.derive import OF_SEGMENT, State
from app.runtime.principal import Principal

PAGE = 500
DECIDED: tuple[State, ...] = ("accepted", "rejected", "superseded")


def outcomes(session: Session, *, by: Principal) -> Iterator[Outcome]:
    """One for each decided statement of a machine that `by` sees; page by page, in flat memory but for the outcomes."""
    for state in DECIDED:
        after = ""
        while page := review.proposals(session, state, by=by, after=after, limit=PAGE):
            after = page[-1].key
            yield from (_outcome(one, state) for one in page if _tells(one, state))


def _tells(statement: Annotation, state: State) -> bool:
    """Whether people judged it itself: not its segment, and a superseded one only where a correction stands in its place."""
    rule = str((statement.state_reason or {}).get("rule", ""))
    if statement.layer != "machine" or rule.startswith(OF_SEGMENT):
        return False
    return state != "superseded" or "correction" in rule


def _outcome(statement: Annotation, state: State) -> Outcome:
    said = " ".join(statement.text.split())[:120]
    return Outcome(
        "statement accepted",
        statement.key,
        statement.media_key,
        float(state == "accepted"),
        kind=statement.kind,
        source="reviewed",
        confidence=statement.confidence,
        note=f"{statement.kind} {state}: {said}",
    )
