"""Failures that are not of the program: a setting that cannot be, a disk that is full or read-only; in sentences."""

from pydantic import ValidationError

from app.runtime import disk
from app.runtime.errors import DomainError


def sentence_of(error: Exception) -> str | None:
    """What to say of it; None where only the traceback says what is wrong."""
    if isinstance(error, ValidationError) and error.title == "Settings":
        return "\n".join(_of_setting(str(one["loc"][0]), one["input"], one["msg"]) for one in error.errors())
    if isinstance(error, DomainError):
        return error.sentence
    trouble = disk.trouble(error)
    return None if trouble is None else trouble.sentence


def _of_setting(name: str, value: object, message: str) -> str:
    return f"LECTOTYPE_{name.upper()} is {value!r}: {message.removeprefix('Value error, ')}."
