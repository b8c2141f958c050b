"""Sessions: a browser that is signed in, known by a random id of which only the digest is kept."""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.runtime.accounts_table import AccountRow, SessionRow

IDLE = timedelta(hours=12)
LONGEST = timedelta(days=14)
SEEN_EVERY = timedelta(minutes=1)
MOST = 100  # sessions of one account; the oldest end
BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True, slots=True)
class Visit:
    """A session as it is shown to its account. `digest` opens nothing."""

    digest: str
    created_at: datetime
    seen_at: datetime
    browser: str


@dataclass(frozen=True, slots=True)
class Standing:
    """A session that holds: whose it is, and whether it was last seen so long ago that it is to be written down."""

    digest: str
    account_key: str
    name: str
    unseen: bool


def begin(
    session: Session, account_key: str, at: datetime, *, browser: str, provider: str = "", provider_session: str = ""
) -> str:
    """A new session; its id, which goes into the cookie and cannot be had again. Sessions that have ended are removed."""
    secret = secrets.token_urlsafe(32)
    session.execute(delete(SessionRow).where(SessionRow.expires_at <= at))
    mine = select(SessionRow.digest).where(SessionRow.account_key == account_key).order_by(SessionRow.seen_at.desc())
    session.execute(delete(SessionRow).where(SessionRow.digest.in_(list(session.scalars(mine.offset(MOST - 1).limit(MOST))))))
    session.add(
        SessionRow(
            digest=digest(secret),
            account_key=account_key,
            created_at=at,
            seen_at=at,
            expires_at=at + LONGEST,
            browser=describe(browser),
            provider=provider,
            provider_session=provider_session,
        )
    )
    session.flush()
    return secret


def renew(session: Session, old_digest: str, at: datetime) -> str:
    """The session goes on under a new id, which is returned; it ends when it would have ended. The old id opens nothing."""
    secret = secrets.token_urlsafe(32)
    session.execute(update(SessionRow).where(SessionRow.digest == old_digest).values(digest=digest(secret), seen_at=at))
    return secret


def find(session: Session, secret: str, at: datetime) -> Standing | None:
    """The session of that id, if it holds and its account may sign in."""
    query = select(SessionRow, AccountRow).join(AccountRow, AccountRow.key == SessionRow.account_key)
    found = session.execute(query.where(SessionRow.digest == digest(secret))).one_or_none()
    if found is None:
        return None
    row, account = found
    if account.state != "active" or row.expires_at <= at or row.seen_at + IDLE <= at:
        return None
    return Standing(row.digest, account.key, account.name, at - row.seen_at >= SEEN_EVERY)


def seen(session: Session, session_digest: str, at: datetime) -> None:
    """Write down that it was used."""
    session.execute(update(SessionRow).where(SessionRow.digest == session_digest, SessionRow.seen_at < at).values(seen_at=at))


def end(session: Session, account_key: str, session_digest: str) -> bool:
    """End that session of the account; whether there was one."""
    gone = delete(SessionRow).where(SessionRow.digest == session_digest, SessionRow.account_key == account_key)
    return session.execute(gone.returning(SessionRow.digest)).first() is not None


def provider_of(session: Session, account_key: str, session_digest: str) -> str:
    """The issuer of who vouched when that session of the account began; empty where it began by a password."""
    query = select(SessionRow.provider).where(SessionRow.digest == session_digest, SessionRow.account_key == account_key)
    return session.scalar(query) or ""


def end_of_provider(session: Session, provider: str, provider_session: str, account_key: str) -> None:
    """End the session that the provider calls so, or all of the account that began by it."""
    which = SessionRow.provider_session == provider_session if provider_session else SessionRow.account_key == account_key
    session.execute(delete(SessionRow).where(SessionRow.provider == provider, which))


def end_of_identity(session: Session, provider: str, account_key: str, *, but: str) -> None:
    """End all sessions of the account that began by that provider, but the one of that digest."""
    which = (SessionRow.provider == provider, SessionRow.account_key == account_key, SessionRow.digest != but)
    session.execute(delete(SessionRow).where(*which))


def end_all(session: Session, account_key: str, *, but: str = "") -> None:
    """End every session of the account but the one of that digest."""
    session.execute(delete(SessionRow).where(SessionRow.account_key == account_key, SessionRow.digest != but))


def of_account(session: Session, account_key: str, at: datetime) -> tuple[Visit, ...]:
    """Its sessions that hold, the last one used first."""
    query = select(SessionRow).where(
        SessionRow.account_key == account_key, SessionRow.expires_at > at, SessionRow.seen_at > at - IDLE
    )
    rows = session.scalars(query.order_by(SessionRow.seen_at.desc()).limit(MOST))
    return tuple(Visit(row.digest, row.created_at, row.seen_at, row.browser) for row in rows)


def describe(user_agent: str) -> str:
    """`Firefox on Linux`: enough to tell one's own sessions apart, and no more."""
    browser = next((name for mark, name in BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in SYSTEMS if mark in user_agent), "")
    if not browser:
        word = re.match(r"[A-Za-z][A-Za-z0-9._-]{0,30}", user_agent)
        browser = word[0] if word else "Unknown browser"
    return f"{browser} on {system}" if system else browser


def digest(secret: str) -> str:
    """What is kept of an id."""
    return hashlib.sha256(secret.encode()).hexdigest()
