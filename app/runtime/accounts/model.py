"""What an account is, and the forms of what is said of a person."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from app.runtime.errors import Invalid, NotFound
from app.runtime.principal import Grant

State = Literal["invited", "active", "blocked", "removed"]
LOGIN = re.compile(r"[\w.@+-]{2,64}")
EMAIL = re.compile(r"[^\s@<>\"]{1,64}@[^\s@<>\"]{1,185}")
LONGEST_NAME = 100
PSEUDONYM = "Former contributor"


class UnknownAccount(NotFound):
    """There is no such account."""


@dataclass(frozen=True, slots=True)
class Account:
    """A person. `login` is empty where the account was removed; `grants` are its roles."""

    key: str
    login: str
    name: str
    email: str
    orcid: str
    state: State
    has_password: bool
    created_at: datetime
    last_login_at: datetime | None
    grants: tuple[Grant, ...]


def login_of(text: str) -> str:
    """The login name as it is kept: NFKC, casefolded, so that it is the same however it was typed. Raises Invalid."""
    login = folded(text)
    if not LOGIN.fullmatch(login):
        raise Invalid("A login name has 2 to 64 letters, digits and characters of . _ - + @.", parameter="login")
    return login


def folded(text: str) -> str:
    """However it was typed, the same text."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text.strip()).casefold())


def name_of(text: str) -> str:
    """The name that is shown. Raises Invalid."""
    name = " ".join(text.split())
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise Invalid(f"A name has 1 to {LONGEST_NAME} printable characters.", parameter="name")
    return name


def email_of(text: str) -> str:
    """Raises Invalid; an empty text is no address."""
    email = text.strip()
    if email and not (EMAIL.fullmatch(email) and email.isprintable()):
        raise Invalid(f"{email[:60]!r} is no e-mail address.", parameter="email")
    return email


def orcid_of(text: str) -> str:
    """`0000-0002-1825-0097`, also from its address; its last character checks the others (ISO 7064, MOD 11-2). Raises Invalid."""
    orcid = re.sub(r"^(https?://)?(www\.)?orcid\.org/", "", text.strip()).upper()
    if not orcid:
        return ""
    if re.fullmatch(r"(\d{4}-){3}\d{3}[\dX]", orcid, re.ASCII) is None:
        raise Invalid("An ORCID has the form 0000-0002-1825-0097.", parameter="orcid")
    total = 0
    for digit in orcid.replace("-", "")[:-1]:
        total = (total + int(digit)) * 2
    if "0123456789X"[(12 - total % 11) % 11] != orcid[-1]:
        raise Invalid("This ORCID has a wrong character: its last one does not fit the others.", parameter="orcid")
    return orcid
