"""The root of every error that a client may read.

Packages raise subclasses that carry one sentence; they know no status codes. `app/problems.py` turns them into
`application/problem+json` (RFC 9457).
"""


class DomainError(Exception):
    """One sentence fit for a client; `parameter` and `spec` name what was wrong and the clause that says so."""

    def __init__(self, sentence: str, *, parameter: str | None = None, spec: str | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.parameter = parameter
        self.spec = spec

    def __str__(self) -> str:
        return self.sentence


class NotFound(DomainError):
    """Nothing of that name is here."""


class Gone(DomainError):
    """It was here and was withdrawn; a tombstone remains."""


class Invalid(DomainError):
    """What was sent breaks a rule that the sentence names."""


class Conflict(DomainError):
    """It clashes with what is there."""


class StaleVersion(DomainError):
    """The version the client has seen is not the one that stands (If-Match failed)."""


class NotAllowed(DomainError):
    """A token is needed, or the one sent does not allow this."""


class Forbidden(DomainError):
    """It is here, but not for this client in this form."""


class TooMuch(DomainError):
    """A limit for what comes from outside was passed; the sentence names the limit and its setting."""


class TooOften(DomainError):
    """It was tried too often; after `wait_s` seconds it may be tried again."""

    def __init__(self, sentence: str, wait_s: float) -> None:
        super().__init__(sentence)
        self.wait_s = wait_s


class Unavailable(DomainError):
    """A part that this needs does not answer now; trying again later is right."""
