"""The grammar of a question: words, phrases and fields, joined by "and", `OR`, brackets and a minus.

question = any; any = all ("OR" all)*; all = one+ ("AND" may stand between); one = "-"? (part | "(" any ")" | field:"(" any ")")

What a part asks is for `query`; here is only where it stands, and how parts belong together.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from annotations.search.values import SHOWN, NotUnderstood
from app.runtime.errors import Invalid

LONGEST, MOST_PARTS, DEEPEST = 1000, 40, 10  # characters of a question, its parts, brackets within brackets
_FIELD = re.compile(r"([A-Za-z][A-Za-z0-9]*)(:(?:[<>]=?)?|[<>]=?|=)(?=\S)")
_PHRASE = re.compile(r'"([^"]*)"?')


@dataclass(frozen=True, slots=True)
class Part:
    """One thing asked, from `start` to `end` of the question, its minus included.

    `field` is as typed, empty for words; `compare` is ":", or ">", ">=", "<", "<=" or "=". A phrase stands in quotation marks.
    """

    start: int
    end: int
    negated: bool
    field: str = ""
    compare: str = ":"
    phrase: str | None = None
    plain: str | None = None

    @property
    def written(self) -> str:
        """Without the marks and the field."""
        return (self.plain or "") if self.phrase is None else self.phrase


@dataclass(frozen=True, slots=True)
class Group:
    """Parts of which all, or any, are asked. `start` and `end` are those of its brackets, where it stands in some."""

    join: Literal["all", "any"]
    nodes: tuple["Part | Group", ...]
    negated: bool = False
    start: int = 0
    end: int = 0


Node = Part | Group


@dataclass(frozen=True, slots=True)
class _Mark:
    """A bracket, `OR` or `AND`; an opening bracket may stand behind a minus and a field."""

    kind: Literal["(", ")", "OR", "AND"]
    start: int
    end: int
    negated: bool = False
    field: str = ""


def read(q: str, fields: Collection[str]) -> Group:
    """The parts of the question; `fields` are the names, in lower case, that may stand before `>`, `<` and `=`.

    Raises NotUnderstood, which proposes a whole question, and Invalid where it is too long.
    """
    if len(q) > LONGEST:
        raise Invalid(f"A question may have up to {LONGEST} characters.", parameter="q")
    tokens = list(_tokens(q, fields))
    if sum(isinstance(token, Part) for token in tokens) > MOST_PARTS:
        raise Invalid(f"A question may have up to {MOST_PARTS} words.", parameter="q")
    return _Reader(q, tokens).read()


def parts(node: Node) -> Iterator[Part]:
    """Every part, in the order of the question."""
    if isinstance(node, Part):
        yield node
        return
    for inner in node.nodes:
        yield from parts(inner)


def words(q: str) -> Iterator[str]:
    """What a text without fields and brackets is made of: words, and phrases in their quotation marks."""
    yield from (match[0] for match in re.finditer(r'"[^"]*"?|\S+', q))


def _tokens(q: str, fields: Collection[str]) -> Iterator[Part | _Mark]:
    at = 0
    while at < len(q):
        if q[at].isspace():
            at += 1
            continue
        token = _token(q, at, fields)
        yield token
        at = token.end


def _token(q: str, start: int, fields: Collection[str]) -> Part | _Mark:
    negated = q[start] == "-"
    at = start + negated
    if q[start] == ")":
        return _Mark(")", start, start + 1)
    if q[at : at + 1] == "(":
        return _Mark("(", start, at + 1, negated)
    for name in ("OR", "AND"):
        if re.compile(rf"{name}(?=[\s(]|$)").match(q, start):
            return _Mark(name, start, start + len(name))
    field, compare = "", ":"
    match = _FIELD.match(q, at)
    if match and (match[2] == ":" or match[1].lower() in fields):
        field, compare = match[1], match[2].removeprefix(":") or ":"
        at = match.end()
        if compare == ":" and q[at] == "(" and field.lower() in fields:
            return _Mark("(", start, at + 1, negated, field)
    if phrase := _PHRASE.match(q, at):
        return Part(start, phrase.end(), negated, field, compare, phrase[1], None)
    end = _end_of_word(q, at)
    return Part(start, end, negated, field, compare, None, q[at:end])


def _end_of_word(q: str, at: int) -> int:
    """Up to a space, or to a bracket that closes none of its own: `Quercus(L.)` is one word. At least one character."""
    depth = 0
    for place in range(at, len(q)):
        if q[place].isspace():
            return place
        if q[place] == "(":
            depth += 1
        elif q[place] == ")":
            if not depth and place > at:
                return place
            depth = max(depth - 1, 0)
    return len(q)


class _Reader:
    def __init__(self, q: str, tokens: list[Part | _Mark]) -> None:
        self._q = q
        self._tokens = tokens
        self._at = 0

    def read(self) -> Group:
        found = self._any("", 0)
        if self._at < len(self._tokens):
            raise self._without("A bracket is closed that was not opened.", self._tokens[self._at])
        return found

    def _any(self, field: str, depth: int) -> Group:
        found = [self._all(field, depth)]
        while isinstance(self._next(), _Mark) and self._is("OR"):
            token = self._tokens[self._at]
            self._at += 1
            found.append(self._all(field, depth))
            if not found[-1].nodes or not found[-2].nodes:
                raise self._without("OR stands between two parts.", token)
        return found[0] if len(found) == 1 else Group("any", tuple(found))

    def _all(self, field: str, depth: int) -> Group:
        found: list[Node] = []
        while (token := self._next()) is not None and not self._is(")") and not self._is("OR"):
            self._at += 1
            if isinstance(token, Part):
                found.append(replace(token, field=field) if field and not token.field else token)
            elif token.kind == "(":
                found.append(self._bracket(token, field, depth + 1))
        return Group("all", tuple(found))

    def _bracket(self, opened: _Mark, field: str, depth: int) -> Group:
        if depth > DEEPEST:
            raise Invalid(f"A question may have up to {DEEPEST} brackets within one another.", parameter="q")
        inner = self._any(opened.field or field, depth)
        if not self._is(")"):
            raise NotUnderstood("A bracket is opened and not closed.", f"{self._q.rstrip()})")
        closed = self._tokens[self._at]
        self._at += 1
        return Group("all", (inner,), opened.negated, opened.start, closed.end)

    def _next(self) -> Part | _Mark | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _is(self, kind: str) -> bool:
        token = self._next()
        return isinstance(token, _Mark) and token.kind == kind

    def _without(self, sentence: str, token: Part | _Mark) -> NotUnderstood:
        left = f"{self._q[: token.start]} {self._q[token.end :]}"
        return NotUnderstood(sentence, " ".join(left.split())[: LONGEST - SHOWN])
