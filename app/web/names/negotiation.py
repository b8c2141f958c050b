"""Which of several representations a client likes best (RFC 9110, 12.5.1), whatever it writes into Accept.

What cannot be read of a header is passed over, as if it were not there; a client that wants nothing of what there is gets the
first. Of representations that are liked alike the one that the client named most exactly goes first, then the order of the hub.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

LONGEST, MOST = 4_000, 100  # characters of a header, and ranges in it, that are read
TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}"  # noqa: S105 - the grammar of HTTP, no secret
PART = re.compile(r'(?:[^",]|"(?:[^"\\]|\\.)*"|")+')
RANGE = re.compile(rf"\s*({TOKEN})\s*/\s*({TOKEN})\s*(;.*)?\s*", re.DOTALL)
PARAMETER = re.compile(rf';\s*({TOKEN})\s*=\s*("(?:[^"\\]|\\.)*"|{TOKEN})')
NUMBER = re.compile(r"\d{0,9}(?:\.\d{0,9})?", re.ASCII)
ANYTHING = re.compile(r"\s*\*\s*(;.*)?\s*", re.DOTALL)  # Java writes a lone star


@dataclass(frozen=True, slots=True)
class Offer:
    """A representation: where it is, its media type, the profile that it follows, and what else clients call its type."""

    address: str
    media_type: str
    profile: str = ""
    aliases: tuple[str, ...] = ()
    title: str = ""


@dataclass(frozen=True, slots=True)
class MediaRange:
    """What a client says of media types: `*` stands for any."""

    kind: str
    subtype: str
    quality: float
    profiles: frozenset[str] = field(default=frozenset())


def best(header: str, offers: Sequence[Offer]) -> Offer:
    """The one that is liked best."""
    ranges = tuple(ranges_of(header))
    liked = [(*_liking(offer, ranges), -place) for place, offer in enumerate(offers)]
    most = max(liked, default=(0.0, 0, 0))
    return offers[-most[2]] if most[0] > 0 else offers[0]


def ranges_of(header: str) -> Iterator[MediaRange]:
    """The media ranges in a value of Accept that can be read."""
    for part in PART.findall(header[:LONGEST])[:MOST]:
        if match := RANGE.fullmatch(part):
            kind, subtype, rest = match[1].lower(), match[2].lower(), match[3]
        elif match := ANYTHING.fullmatch(part):
            kind, subtype, rest = "*", "*", match[1]
        else:
            continue
        said = {name.lower(): value.strip('"') for name, value in PARAMETER.findall(rest or "")}
        quality = _quality(said.get("q", "1"))
        if quality is not None and not (kind == "*" and subtype != "*"):
            yield MediaRange(kind, subtype, quality, frozenset(said.get("profile", "").split()))


def _quality(text: str) -> float | None:
    """0 to 1; None for what is no number."""
    if not text or text == "." or NUMBER.fullmatch(text) is None:
        return None
    return min(float(text), 1.0)


def _liking(offer: Offer, ranges: Sequence[MediaRange]) -> tuple[float, int]:
    """How much the client likes it, and how exactly it names it: the most exact range decides."""
    found = [(_exactness(offer, one), one.quality) for one in ranges]
    exactness = max((exact for exact, _ in found), default=0)
    if exactness == 0:
        return (0.0, 0)
    return max(quality for exact, quality in found if exact == exactness), exactness


def _exactness(offer: Offer, asked: MediaRange) -> int:
    """0 for a range that does not hold it; the more exact, the higher."""
    kind, _, subtype = offer.media_type.partition("/")
    name = f"{asked.kind}/{asked.subtype}"
    if name == offer.media_type:
        if offer.profile and offer.profile in asked.profiles:
            return 6
        return 2 if offer.profile and asked.profiles else 5 if not offer.profile else 4
    if name in offer.aliases:
        return 3
    if (asked.kind, asked.subtype) == (kind, "*"):
        return 2
    return 1 if (asked.kind, asked.subtype) == ("*", "*") and subtype else 0
