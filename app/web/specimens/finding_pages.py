"""The findings of a specimen in pages: each card has forms, and a sheet may hold a thousand of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.web.specimens.annotation_cards import Placed

SHOWN = 100


@dataclass(frozen=True, slots=True)
class FindingPage:
    """A page of the findings, and which of how many it is, from 1."""

    placed: tuple[Placed, ...]
    number: int
    pages: int

    @property
    def keys(self) -> set[str]:
        return {one.annotation.key for one in self.placed}


def page_of(placed: Sequence[Placed], number: int, sought: str = "") -> FindingPage:
    """The page of that number, or the last; with `sought` the one on which that statement stands, if it does."""
    pages = max(1, -(-len(placed) // SHOWN))
    place = next((place for place, one in enumerate(placed) if sought and one.annotation.key == sought), None)
    number = min(number, pages) if place is None else place // SHOWN + 1
    return FindingPage(tuple(placed[(number - 1) * SHOWN : number * SHOWN]), number, pages)
