"""What people and programs say of a dataset, checked: each wrong member is named with what it may be."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from annotations.datasets.errors import BadDataset
from annotations.datasets.model import CC0, COUNTED, KINDS, LAYERS, POLICIES, Draft, Person, Selection, SplitRule
from annotations.search import parameters, query
from annotations.search import service as searching
from annotations.states.derive import STATES
from iiif.catalogue.rights import iri_of

LONGEST_TITLE, LONGEST_TEXT = 300, 20_000  # characters
MOST = 200  # creators, keywords, values of one list
MEMBERS = ("title", "description", "creators", "keywords", "kind", "selection", "split", "policy", "licence")
OF_SELECTION = (
    "q", "filters", "type", "annotations", "kinds", "layers", "states", "runs", "minConfidence", "savedQuery",
)  # fmt: skip
PLACES = ("bbox", "near")  # filters that are no fields
OF_SPLIT = ("seed", "shares", "hidden")
NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}", re.ASCII)
ORCID = re.compile(r"(?:https?://orcid\.org/)?(\d{4}-\d{4}-\d{4}-\d{3}[\dX])", re.ASCII)


def draft_of(said: Any) -> Draft:
    """A draft from JSON under camelCase names. Raises BadDataset, and NotUnderstood for a question that cannot be asked."""
    given = _object(said, MEMBERS, "A dataset")
    title = _text(given, "title", LONGEST_TITLE)
    if not title:
        raise BadDataset("A dataset needs a title.", parameter="title")
    kind, policy = given.get("kind", "corpus"), given.get("policy", "any")
    if kind not in KINDS:
        raise BadDataset(f"kind is one of {', '.join(KINDS)}.", parameter="kind")
    if policy not in POLICIES:
        raise BadDataset(f"policy is one of {', '.join(POLICIES)}.", parameter="policy")
    split = split_of(given.get("split", {}))
    if split.hidden and kind != "benchmark":
        raise BadDataset('Only a benchmark hides the labels of a split: say "kind": "benchmark".', parameter="split")
    return Draft(
        title=title,
        description=_text(given, "description", LONGEST_TEXT),
        creators=creators_of(given.get("creators", [])),
        keywords=_texts(given, "keywords", 100),
        kind=kind,
        selection=selection_of(given.get("selection", {})),
        split=split,
        policy=policy,
        licence=licence_of(given.get("licence", CC0)),
    )


def licence_of(text: Any) -> str:
    """The address of the licence that the text names. Raises BadDataset."""
    found = iri_of(text) if isinstance(text, str) else ""
    if not found:
        raise BadDataset(
            "licence is that of the compilation: a Creative Commons licence, as CC0 or CC BY 4.0, or its address.",
            parameter="licence",
        )
    return found


def creators_of(said: Any) -> tuple[Person, ...]:
    """Names, or objects with `name` and `orcid`. Raises BadDataset."""
    if not isinstance(said, list) or len(said) > MOST:
        raise BadDataset(f"creators is a list of up to {MOST}.", parameter="creators")
    return tuple(_creator({"name": one} if isinstance(one, str) else one) for one in said)


def _creator(said: Any) -> Person:
    given = _object(said, ("name", "orcid"), "A creator")
    name, orcid = _text(given, "name", 200), _text(given, "orcid", 60)
    if not name:
        raise BadDataset("A creator has a name.", parameter="creators")
    match = ORCID.fullmatch(orcid)
    if orcid and (match is None or not _is_sound(match[1])):
        raise BadDataset(f"{orcid!r} is no ORCID iD: one of its digits is wrong or missing.", parameter="creators")
    return Person(name, f"https://orcid.org/{match[1]}" if match else "")


def _is_sound(orcid: str) -> bool:
    """Whether its last character checks the others (ISO 7064, MOD 11-2)."""
    total = 0
    for digit in orcid.replace("-", "")[:-1]:
        total = (total + int(digit)) * 2
    return "0123456789X"[(12 - total % 11) % 11] == orcid[-1]


def selection_of(said: Any) -> Selection:
    """Raises BadDataset, and what the search raises for a question that cannot be asked."""
    given = _object(said, OF_SELECTION, "A selection")
    counted = given.get("type", "specimen")
    if counted not in COUNTED:
        raise BadDataset(f"type is one of {', '.join(COUNTED)}.", parameter="type")
    filters = given.get("filters", {})
    if not isinstance(filters, Mapping) or not all(_are_texts(values) for values in filters.values()):
        raise BadDataset("filters is an object of lists of texts, by the name of a field.", parameter="filters")
    confidence = given.get("minConfidence")
    if confidence is not None and not (_is_number(confidence) and 0 <= confidence <= 1):
        raise BadDataset("minConfidence is a number from 0 to 1.", parameter="minConfidence")
    if not isinstance(given.get("annotations", True), bool):
        raise BadDataset("annotations is true or false.", parameter="annotations")
    found = Selection(
        q=_text(given, "q", query.LONGEST),
        filters={str(name): tuple(values) for name, values in filters.items()},
        type=counted,
        annotations=given.get("annotations", True),
        kinds=_texts(given, "kinds", 32),
        layers=_chosen(given, "layers", LAYERS),
        states=_chosen(given, "states", STATES),
        runs=_texts(given, "runs", 16),
        min_confidence=None if confidence is None else float(confidence),
        saved_query=_text(given, "savedQuery", 16),
    )
    chosen = parameters.chosen([(name, value) for name, values in found.filters.items() for value in values])
    if unknown := [name for name in found.filters if name not in chosen and name not in PLACES and found.filters[name]]:
        raise BadDataset(f"There is no filter {unknown[0][:40]!r}.", parameter="filters")
    searching.check(searching.Question(q=found.q, chosen=chosen, type=found.type))
    if any(len(found.filters.get(name, [""])) != 1 for name in PLACES):
        raise BadDataset("bbox and near are given once.", parameter="filters")
    parameters.place(*(found.filters.get(name, [""])[0] for name in PLACES))
    return found


def split_of(said: Any) -> SplitRule:
    """Raises BadDataset."""
    given = _object(said, OF_SPLIT, "A split rule")
    seed, shares, usual = given.get("seed", 0), given.get("shares"), SplitRule()
    if type(seed) is not int or not 0 <= seed < 2**31:
        raise BadDataset("seed is a whole number from 0.", parameter="seed")
    if shares is None:
        shares = usual.shares
    pairs = list(shares.items()) if isinstance(shares, Mapping) else shares
    if not isinstance(pairs, list) or not 1 <= len(pairs) <= 20 or not all(map(_is_share, pairs)):
        raise BadDataset(
            'shares has names of splits with their shares above 0, as {"train": 0.8, "test": 0.2}.', parameter="shares"
        )
    named = {name: float(share) for name, share in pairs}
    hidden = _texts(given, "hidden", 32)
    if unknown := set(hidden) - set(named):
        raise BadDataset(f"There is no split {min(unknown)!r} whose labels could be hidden.", parameter="hidden")
    return SplitRule(seed, named, hidden)


def _is_share(pair: Any) -> bool:
    match pair:
        case [str(name), share] | (str(name), share):
            return NAME.fullmatch(name) is not None and _is_number(share) and 0 < share <= 1e6
    return False


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and value == value  # NaN is not like itself


def _object(said: Any, members: Sequence[str], what: str) -> Mapping[str, Any]:
    if not isinstance(said, Mapping) or set(said) - set(members):
        raise BadDataset(f"{what} is a JSON object with {', '.join(members)}.")
    return said


def _text(given: Mapping[str, Any], name: str, longest: int) -> str:
    value = given.get(name, "")
    if not isinstance(value, str) or len(value) > longest or "\0" in value:
        raise BadDataset(f"{name} is a text of up to {longest} characters.", parameter=name)
    return value.strip()


def _are_texts(values: Any) -> bool:
    return isinstance(values, list | tuple) and all(isinstance(one, str) and "\0" not in one for one in values)


def _texts(given: Mapping[str, Any], name: str, longest: int) -> tuple[str, ...]:
    values = given.get(name, [])
    if not _are_texts(values) or len(values) > MOST or any(len(one) > longest for one in values):
        raise BadDataset(f"{name} is a list of up to {MOST} texts of up to {longest} characters.", parameter=name)
    return tuple(dict.fromkeys(one.strip() for one in values if one.strip()))


def _chosen(given: Mapping[str, Any], name: str, able: Sequence[str]) -> tuple[str, ...]:
    values = _texts(given, name, 32)
    if unknown := [one for one in values if one not in able]:
        raise BadDataset(f"{name} are of {', '.join(able)}, not {unknown[0]!r}.", parameter=name)
    return values
