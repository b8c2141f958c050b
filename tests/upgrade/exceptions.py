"""What the present code answers otherwise than release 70fa686, on purpose, with the reason.

Each entry: pattern of the address, pattern of the place in the answer (a JSON pointer, `status`, `picture` or a header),
and why clients of that release are served by the change. Members that are added need no entry.
"""

import re

EXCEPTIONS: tuple[tuple[str, str, str], ...] = (
    (r"/api/search(\?.*)?", r"/items/\d+/sort", "the kind of thing is called `type` now; `sort` is the order"),
)


def is_meant(path: str, place: str) -> bool:
    """Whether an entry covers a difference at that place of that address."""
    return any(re.fullmatch(address, path) and re.fullmatch(where, place) for address, where, _ in EXCEPTIONS)
