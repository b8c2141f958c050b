"""Accounts of people for tests: with roles, a session in a browser, or a token."""

from dataclasses import dataclass, field
from typing import Any

from app.runtime import ids, sessions, tokens
from app.runtime.accounts_table import AccountRoleRow, AccountRow
from app.runtime.context import Runtime
from app.runtime.principal import Principal, Role, cookie_name

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
OUR_PAGE = {"Sec-Fetch-Site": "same-origin"}


@dataclass(frozen=True)
class Person:
    """An account, and how its requests say who sends them."""

    key: str
    cookie: dict[str, str] = field(default_factory=dict)
    bearer: dict[str, str] = field(default_factory=dict)


def add_person(runtime: Runtime, login: str, role: Role | None = None, *collections: str, name: str = "", **more: Any) -> Person:
    """An active account without a password, signed in, with a token that may do what the account may."""
    key, at = ids.new_key(ids.AGENT, runtime.settings.naan), runtime.clock()
    with runtime.db.begin() as session:
        session.add(AccountRow(key=key, login=login, name=name or login.title(), state="active", created_at=at, **more))
        session.flush()
        if role:
            session.add_all(AccountRoleRow(account_key=key, collection=code, role=role) for code in collections or ("all",))
        secret = tokens.create(session, f"of-{login}", at, by=Principal.of_system(), role="administrator", account=key)
        visit = sessions.begin(session, key, at, browser=BROWSER)
    cookie = {"Cookie": f"{cookie_name(runtime.settings)}={visit}"}
    return Person(key, cookie, {"Authorization": f"Bearer {secret}"})
