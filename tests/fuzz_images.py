"""Damaged image files for the decoding child: `python -m tests.fuzz_images SECONDS [SEED]`.

Every file of a small corpus, one of each kind that is read, is damaged in ways that decoders get wrong: flipped bits, cut ends,
numbers set to extremes, pieces moved, doubled or taken from another file. Whatever comes, the answer is pixels or a refusal.
"""

import random
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import click

from iiif.image.errors import RejectedImage
from iiif.image.masters import decoder_client
from iiif.image.masters.decoder_protocol import DecodeLimits
from tests.unit.iiif.image import sources

LIMITS = DecodeLimits(max_pixels=4_000_000, seconds=5, address_space=1_000_000_000)
EXTREMES = (
    b"\x00",
    b"\xff",
    b"\x7f",
    b"\x80",
    b"\x00\x00",
    b"\xff\xff",
    b"\x00\x00\x00\x00",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
)
HEADER_BYTES = 600  # in which damage is likelier, for there sizes and offsets stand
Mutation = Callable[[random.Random, bytearray, bytes], None]


@dataclass
class Tally:
    """What came of the files: `pixels`, or the code of a refusal; and how much the asking process grew."""

    outcomes: Counter[str] = field(default_factory=Counter)
    files: int = 0
    grown_mb: float = 0.0
    longest_s: float = 0.0


def flip(chance: random.Random, data: bytearray, _: bytes) -> None:
    for _ in range(chance.choice((1, 1, 2, 8, 40))):
        data[_place(chance, data)] ^= 1 << chance.randrange(8)


def cut(chance: random.Random, data: bytearray, _: bytes) -> None:
    del data[chance.randrange(1, len(data)) :]


def extreme(chance: random.Random, data: bytearray, _: bytes) -> None:
    for _ in range(chance.choice((1, 1, 3))):
        value, at = chance.choice(EXTREMES), _place(chance, data)
        data[at : at + len(value)] = value


def double(chance: random.Random, data: bytearray, _: bytes) -> None:
    at, length = chance.randrange(len(data)), chance.randrange(1, 400)
    data[at:at] = data[at : at + length] * chance.choice((1, 2, 50))


def remove(chance: random.Random, data: bytearray, _: bytes) -> None:
    at = _place(chance, data)
    del data[at : at + chance.randrange(1, 64)]


def splice(chance: random.Random, data: bytearray, other: bytes) -> None:
    """The head of one file on the body of another, or a piece of it in the middle."""
    at = chance.randrange(len(data))
    if chance.random() < 0.5:
        data[at:] = other[min(at, len(other) - 1) :]
    else:
        start = chance.randrange(len(other))
        data[at : at + 100] = other[start : start + 100]


MUTATIONS: tuple[Mutation, ...] = (flip, flip, cut, extreme, extreme, double, remove, splice)


def fuzz(seconds: float, seed: int) -> Tally:
    """Damage and decode for so many seconds. Raises whatever comes out that is no refusal."""
    corpus = [data for _, data in sources.one_of_each().values()] + [sources.pages(2)]
    chance, tally = random.Random(seed), Tally()
    with tempfile.TemporaryDirectory() as name:
        path, before_mb, until = Path(name) / "damaged", 0.0, time.monotonic() + seconds
        while time.monotonic() < until:
            data = bytearray(chance.choice(corpus))
            for _ in range(chance.choice((1, 1, 1, 2, 4))):
                chance.choice(MUTATIONS)(chance, data, chance.choice(corpus))
                data = data or bytearray(b"\0")
            path.write_bytes(data)
            began = time.monotonic()
            tally.outcomes[_outcome(path)] += 1
            tally.longest_s = max(tally.longest_s, time.monotonic() - began)
            tally.files += 1
            if tally.files == 100:  # by now everything has been used once
                before_mb = _peak_mb()
        tally.grown_mb = _peak_mb() - before_mb if before_mb else 0.0
    return tally


def _outcome(path: Path) -> str:
    try:
        facts = decoder_client.check(path, LIMITS, whole=True)
        pixels = decoder_client.pixels(path, LIMITS, path.parent)
    except RejectedImage as refusal:
        return refusal.code
    if pixels.shape[2] != 3 or facts.width_px * facts.height_px > LIMITS.max_pixels:
        raise AssertionError(f"{facts} is not what was asked for")
    return "pixels"


def _place(chance: random.Random, data: bytearray) -> int:
    return chance.randrange(min(len(data), HEADER_BYTES) if chance.random() < 0.6 else len(data))


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def main() -> None:
    seconds, seed = float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else int(time.time())
    tally = fuzz(seconds, seed)
    click.echo(f"seed {seed}: {tally.files} files, {dict(tally.outcomes.most_common())}")
    click.echo(f"longest {tally.longest_s:.1f} s, the asking process grew by {tally.grown_mb:.0f} MB")


if __name__ == "__main__":
    main()
