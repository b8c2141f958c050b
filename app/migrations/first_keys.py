"""Keys as migrations make them: shoulder, nine betanumeric characters, and the NOID check character of NAAN and name.

What is made of the same thing has the same key, so that a migration that was killed and begun again comes to the same.
"""

import hashlib

ALPHABET = "0123456789bcdfghjkmnpqrstvwxz"
DRAWN = 9


def key_of(shoulder: str, thing: str, naan: str, attempt: int = 0) -> str:
    """The key, such as `r1vpbgmz128mk`, drawn by the digest of the thing; `attempt` grows where it is in use."""
    number = int.from_bytes(hashlib.sha256(f"{thing} {attempt}".encode()).digest())
    name = shoulder
    for _ in range(DRAWN):
        number, digit = divmod(number, len(ALPHABET))
        name += ALPHABET[digit]
    weights = (position * max(ALPHABET.find(char), 0) for position, char in enumerate(f"{naan}/{name}", 1))
    return name + ALPHABET[sum(weights) % len(ALPHABET)]
