"""Passwords, kept as argon2id hashes (RFC 9106). Each check takes 64 MiB, so a process makes two at a time."""

import threading
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.runtime.errors import Invalid, Unavailable

AT_A_TIME = 2
PATIENCE_S = 20.0  # for a place among those
SHORTEST, LONGEST = 10, 200
OF_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$IIsX4jr10SD8t5kqbGxh3g$e/5YJ8gOD0oeZLx6+H6LzbJAWn+ZsKjmrLziWPgF0dI"
_hasher = PasswordHasher()
_places = threading.BoundedSemaphore(AT_A_TIME)


def hashed(password: str) -> str:
    """What is kept of it. Raises Invalid, with the rule that it breaks, and Unavailable."""
    said = _normal(password)
    if not SHORTEST <= len(said) <= LONGEST:
        raise Invalid(f"A password has {SHORTEST} to {LONGEST} characters.", parameter="password")
    if len(set(said)) < SHORTEST // 2:
        raise Invalid("This password repeats the same few characters: choose another one.", parameter="password")
    with _place():
        return _hasher.hash(said)


def fits(kept: str, password: str) -> bool:
    """Whether it is the password. Where none is kept the answer is no, and takes as long. Raises Unavailable."""
    with _place():
        try:
            _hasher.verify(kept or OF_NOBODY, _normal(password)[:LONGEST])
        except (VerificationError, InvalidHashError):
            return False
    return bool(kept)


def is_outdated(kept: str) -> bool:
    """Whether it was hashed with less effort than is usual now."""
    return _hasher.check_needs_rehash(kept)


def _normal(password: str) -> str:
    """The same text from every keyboard."""
    return unicodedata.normalize("NFKC", password)


class _place:  # noqa: N801 - reads as a verb in `with`
    def __enter__(self) -> None:
        if not _places.acquire(timeout=PATIENCE_S):
            raise Unavailable("Too many people sign in at this moment: try again in a moment.")

    def __exit__(self, *_: object) -> None:
        _places.release()
