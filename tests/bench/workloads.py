"""What is asked of every server alike: paths behind the identifier, in sizes that Image API 2.1 and 3.0 both know (w,h).

The sheet's sides can be halved five times without a rest, so that no server has to round.
"""

import random
from collections.abc import Iterator
from itertools import islice

from tests.bench.scene import HEIGHT, WIDTH

LEVELS = 6
TILES_OF_LEVEL = 120  # at most, as a viewer sees a few of each


def tiles(side: int) -> list[str]:
    """Tiles of every level in a mixed order, those at the edges included."""
    chance = random.Random(side)
    found: list[str] = []
    for level in range(LEVELS):
        of_level = [_tile(x, y, side, level) for y in range(0, HEIGHT, side << level) for x in range(0, WIDTH, side << level)]
        found += chance.sample(of_level, min(TILES_OF_LEVEL, len(of_level)))
    chance.shuffle(found)
    return found


def _tile(x: int, y: int, side: int, level: int) -> str:
    width, height = min(side << level, WIDTH - x), min(side << level, HEIGHT - y)
    region = "full" if (width, height) == (WIDTH, HEIGHT) else f"{x},{y},{width},{height}"
    return f"{region}/{-(-width >> level)},{-(-height >> level)}/0/default.jpg"


def regions(count: int, seed: int) -> list[str]:
    """1000 pixels at 500, at places aligned to no tile but even, so that half of them falls between no pixels of a level."""
    chance = random.Random(seed)
    places = ((2 * chance.randrange((WIDTH - 1000) // 2), 2 * chance.randrange((HEIGHT - 1000) // 2)) for _ in range(count))
    return [f"{x},{y},1000,1000/500,500/0/default.jpg" for x, y in places]


def whole(width: int, count: int = 1, skip: int = 0) -> list[str]:
    """The whole sheet at that width, then at sizes that differ by a few pixels, none of them twice."""
    return [f"full/{w},{h}/0/default.jpg" for w, h in islice(_around(width, width * HEIGHT // WIDTH), skip, skip + count)]


def _around(width: int, height: int) -> Iterator[tuple[int, int]]:
    """The size itself, then those around it, square by square."""
    yield width, height
    for far in range(1, width):
        for other in range(1 - far, far + 1):
            yield from ((width + far, height - other), (width - far, height + other))
            yield from ((width + other, height + far), (width - other, height - far))
