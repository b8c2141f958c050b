"""Persistent identifiers that need no registry: ARK names with a check character, and `ni:` names of content.

A key is an ARK name without its NAAN: shoulder, nine random betanumeric characters, check character. The check
character covers NAAN and name (NOID check digit algorithm), so one wrong or two swapped characters are noticed.
"""

import base64
import hashlib
import re
import secrets
from functools import lru_cache

ALPHABET = "0123456789bcdfghjkmnpqrstvwxz"
SPECIMEN, MEDIA, ANNOTATION, REGION, RUN, ASSERTION, AGENT, INGEST, BATCH = "s1", "m1", "n1", "r1", "x1", "t1", "v1", "j1", "b1"
PIPELINE, MODEL, DATASET = "p1", "q1", "d1"
EXPORT = "e1"
QUESTION = "k1"
HARVEST = "h1"
RANDOM = 9  # characters of a key that are drawn
_WEIGHTS = {char: weight for weight, char in enumerate(ALPHABET)}
KEY_PATTERN = r"[a-z]1[0-9bcdfghjkmnpqrstvwxz]{10}"


def check_character(naan_and_name: str) -> str:
    """The NOID check character of `12345/abc`: characters outside the alphabet weigh nothing."""
    return ALPHABET[_weight(naan_and_name) % len(ALPHABET)]


def _weight(text: str) -> int:
    return sum(position * _WEIGHTS.get(char, 0) for position, char in enumerate(text, 1))


_kept_weight = lru_cache(maxsize=256)(_weight)


def new_key(shoulder: str, naan: str) -> str:
    """A fresh key, such as `s1vpbgmz128mk`."""
    return _key(shoulder, naan, secrets.randbelow(len(ALPHABET) ** RANDOM))


def derived_key(shoulder: str, naan: str, text: str) -> str:
    """The key of a thing that is what its text says, such as a version of a pipeline: always the same for the same text."""
    digest = hashlib.sha256(f"{naan}/{shoulder}:{text}".encode()).digest()
    return _key(shoulder, naan, int.from_bytes(digest) % len(ALPHABET) ** RANDOM)


def _key(shoulder: str, naan: str, number: int) -> str:
    name = shoulder
    weight, before = _kept_weight(f"{naan}/{shoulder}"), len(naan) + 1 + len(shoulder)
    for position in range(before + 1, before + 1 + RANDOM):
        number, digit = divmod(number, len(ALPHABET))
        name += ALPHABET[digit]
        weight += position * digit
    return name + ALPHABET[weight % len(ALPHABET)]


def is_key(text: str, naan: str) -> bool:
    """Whether the text has a key's form and its check character is right."""
    return re.fullmatch(KEY_PATTERN, text) is not None and check_character(f"{naan}/{text[:-1]}") == text[-1]


def ark(key: str, naan: str) -> str:
    """`ark:99999/s1vpbgmz128mk`."""
    return f"ark:{naan}/{key}"


def ni(sha256_hex: str) -> str:
    """The RFC 6920 name of content, from its SHA-256 in hexadecimal."""
    digest = base64.urlsafe_b64encode(bytes.fromhex(sha256_hex)).decode().rstrip("=")
    return f"ni:///sha-256;{digest}"


def swhid(content: bytes) -> str:
    """The Software Heritage identifier of a file's content, which is git's id of the blob (SWHID 1.2, section 5)."""
    blob = b"blob %d\0" % len(content) + content
    return f"swh:1:cnt:{hashlib.sha1(blob, usedforsecurity=False).hexdigest()}"
