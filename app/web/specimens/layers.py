"""Which of what is said of a specimen a page shows: by run, what people said, and by review state; kept in its address.

`layer` names a run by its key, or `people`; `state` a review state. Without any `layer` all of them are on, without any `state`
all but what was rejected or superseded. A form that switches all off sends `none`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from werkzeug.datastructures import MultiDict

from analytics.model import Run
from annotations.model import Annotation
from annotations.states.derive import FALLEN, STATES
from app.web import statement_words

PEOPLE = "people"
OTHERS = "others"  # what a machine said without a run that is known here
MOST_NAMED = 200
USUAL_STATES = tuple(state for state in STATES if state not in FALLEN)
MEANINGS = {
    "unreviewed": "nobody has judged it, or not enough people",
    "disputed": "some say yes, some no",
    "stale": "it was changed since, or what it rests on was",
}


@dataclass(frozen=True, slots=True)
class Layer:
    """One thing to switch: `name` is the parameter, `value` stands in the address, `count` tells how much there is of it."""

    name: str
    value: str
    title: str
    hint: str
    count: int
    on: bool


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is on. None stands for what is usual."""

    layers: frozenset[str] | None = None
    states: frozenset[str] | None = None

    @classmethod
    def of(cls, arguments: "MultiDict[str, str]") -> "Chosen":
        """What is asked for; unknown names switch nothing on."""
        layers, states = (arguments.getlist(name)[:MOST_NAMED] for name in ("layer", "state"))
        return cls(frozenset(layers) if layers else None, frozenset(states) if states else None)

    @property
    def is_usual(self) -> bool:
        return self.layers is None and self.states is None

    @property
    def query(self) -> str:
        """The same as it stands in an address; empty for what is usual."""
        named = [("layer", one) for one in sorted(self.layers or ())] + [("state", one) for one in sorted(self.states or ())]
        return urlencode(named)

    def shows(self, annotation: Annotation) -> bool:
        """Whether the statement is on."""
        states = USUAL_STATES if self.states is None else self.states
        return annotation.state in states and (self.layers is None or layer_of(annotation) in self.layers)


def layer_of(annotation: Annotation) -> str:
    return PEOPLE if annotation.layer == "people" else annotation.run_key or OTHERS


def runs(said: Sequence[Annotation], known: Mapping[str, Run], chosen: Chosen) -> tuple[Layer, ...]:
    """A layer for each run that said something, the newest first, and one for people."""
    counts = Counter(map(layer_of, said))
    newest = sorted((run for key, run in known.items() if counts[key]), key=lambda run: (run.created_at, run.key), reverse=True)
    found = [(run.key, f"Pipeline {run.pipeline}", statement_words.when(run.created_at)) for run in newest]
    found += [(key, f"Run {key}", "") for key in sorted(counts) if key not in (PEOPLE, OTHERS, *known)]
    found += [(OTHERS, "Other machines", "")] if counts[OTHERS] else []
    found += [(PEOPLE, "People", "")] if counts[PEOPLE] else []
    on = chosen.layers
    return tuple(Layer("layer", key, title, when, counts[key], on is None or key in on) for key, title, when in found)


def states(said: Sequence[Annotation], chosen: Chosen) -> tuple[Layer, ...]:
    """A layer for each review state that something is in."""
    counts = Counter(annotation.state for annotation in said)
    on = USUAL_STATES if chosen.states is None else chosen.states
    there = [state for state in STATES if counts[state] or (chosen.states is not None and state in chosen.states)]
    return tuple(Layer("state", one, one.capitalize(), MEANINGS.get(one, ""), counts[one], one in on) for one in there)
