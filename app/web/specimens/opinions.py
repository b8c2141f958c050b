"""What people think of a statement, in words, and what who looks at the page may answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from annotations.model import Annotation
from annotations.review.service import Opinion
from annotations.states.derive import FALLEN
from app.runtime.principal import Principal
from app.web import statement_words

TONES = {"accepted": "good", "rejected": "bad", "superseded": "warn", "disputed": "warn", "stale": "warn"}
DECIDED = ("accepted", *FALLEN)  # before that, who said what is for curators: others must not be led by it
WORDS = {"approved": "accepted", "rejected": "rejected", "uncertain": "left open"}
NAMED = 5


@dataclass(frozen=True, slots=True)
class Mine:
    """The standing verdict of who looks: its key, and what it says."""

    key: str
    says: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How a statement stands: `state` and its colour, the `reason` as a sentence, and who decided.

    `may_answer` says whether who looks may judge it, `own` whether they said it themselves. `text` is what a correction begins
    with, None where the statement is corrected by drawing alone; `value` and `unit` the same of a number.
    """

    state: str
    tone: str
    reason: str
    decided: tuple[str, ...]
    mine: Mine | None
    may_answer: bool
    own: bool
    version: int
    etag: str
    text: str | None = None
    value: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks: whether they may write here, and by which identifier statements name them."""

    by: Principal
    may_write: bool
    pid: str

    def said(self, annotation: Annotation) -> bool:
        """Whether the statement is theirs."""
        return bool(self.pid) and annotation.layer == "people" and self.pid in statement_words.creators(annotation)


def standing(
    annotation: Annotation, opinions: Sequence[Opinion], viewer: Viewer, names: Mapping[str, str], *, nothing: bool
) -> Standing:
    """`names` are those of people, by account; `nothing`: it says that nothing was found."""
    mine = next((one for one in opinions if one.account == viewer.by.name), None) if viewer.by.name else None
    decided = opinions if annotation.state in DECIDED else ()
    correctable = viewer.may_write and annotation.kind not in ("", "outline", "quality") and not nothing
    number = correctable and annotation.value is not None
    return Standing(
        state=annotation.state,
        tone=TONES.get(annotation.state, ""),
        reason=_reason(annotation),
        decided=tuple(told(one, names) for one in decided[-NAMED:]),
        mine=Mine(mine.key, _mine(mine)) if mine else None,
        may_answer=viewer.may_write,
        own=viewer.said(annotation),
        version=annotation.version,
        etag=annotation.etag,
        text=annotation.text if correctable and not number and annotation.kind in ("label", "text", "barcode") else None,
        value=f"{annotation.value:.10g}" if number else "",
        unit=annotation.unit if number else "",
    )


def _reason(annotation: Annotation) -> str:
    """Why it is in that state; empty where nobody has said anything that counts."""
    told = annotation.state_reason or {}
    rule = str(told.get("rule", ""))
    if annotation.state == "unreviewed":
        voices = max(int(told.get("approved", 0)), int(told.get("rejected", 0)))
        return f"{voices} of the {told.get('needed', 1)} voices that decide it" if voices else ""
    return rule[:1].upper() + rule[1:]


def told(one: Opinion, names: Mapping[str, str]) -> str:
    """Who said what, in which role, when and why."""
    who = names.get(one.account, one.account)
    why = f": {one.reason}" if one.reason else ""
    said = f"; “{one.comment}”" if one.comment else ""
    return f"{WORDS[one.verdict].capitalize()} by {who} ({one.role}), {statement_words.when(one.at)}{why}{said}"


def _mine(one: Opinion) -> str:
    return f"You {'left this open' if one.verdict == 'uncertain' else f'{WORDS[one.verdict]} this'}" + (
        f": {one.reason}" if one.reason else ""
    )
