"""What is tried at the door, counted in the database, so that all processes count together.

A login name has five failures free; after that each waits twice as long as the one before, up to a minute. Nobody is ever
locked out: networks from which somebody signed in lately under the name are counted apart, so that failures of strangers do
not keep them waiting. A network (/24, or /56 of IPv6) has a hundred failures an hour, enough for an institution that is seen
under one address.
"""

import hashlib
import ipaddress
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import Session

from app.runtime.accounts_table import AttemptRow
from app.runtime.errors import TooOften

FREE, LONGEST_WAIT_S = 5, 60
OF_NETWORK, SIGN_UPS = 100, 20
HOUR = timedelta(hours=1)
KEPT = timedelta(days=30)
SIGN_UP = "sign up"  # no login name has a blank


def begin(session: Session, login: str, address: str, at: datetime) -> int:
    """Write down that somebody tries; its number, for `succeed`. It counts as a failure until then, so that tries at the same
    moment count, too. Raises TooOften, and then it does not count."""
    network, name = network_of(address), digest(login)
    _take_turns(session, name)
    session.execute(delete(AttemptRow).where(AttemptRow.at < at - KEPT))
    failures = _failures(session, [AttemptRow.network == network, AttemptRow.at > at - HOUR], OF_NETWORK) if network else ()
    if len(failures) >= OF_NETWORK:
        raise TooOften("Too many failures from your network: try again later.", (failures[-1] + HOUR - at).total_seconds())
    if (wait_s := _wait_s(session, name, network, at)) > 0:
        raise TooOften(f"Too many failures: try again in {wait_s:.0f} seconds.", wait_s)
    return _write(session, name, network, at)


def begin_sign_up(session: Session, address: str, at: datetime) -> int:
    """Write down that somebody makes an account for themselves. Raises TooOften."""
    network, name = network_of(address), digest(SIGN_UP)
    tried = [AttemptRow.login_digest == name, AttemptRow.network == network, AttemptRow.at > at - HOUR]
    if network and len(_failures(session, tried, SIGN_UPS)) >= SIGN_UPS:
        raise TooOften("Too many accounts were made from your network: try again in an hour.", HOUR.total_seconds())
    return _write(session, name, network, at)


def succeed(session: Session, number: int) -> None:
    """The try with that number succeeded."""
    session.execute(update(AttemptRow).where(AttemptRow.id == number).values(succeeded=True))


def forget(session: Session, login: str) -> None:
    """Keep nothing of the tries under that name."""
    session.execute(delete(AttemptRow).where(AttemptRow.login_digest == digest(login)))


def network_of(address: str) -> str:
    """The network that the address is counted with; empty for an unknown address, and for this very machine, which is its
    operator's or a proxy's that says nothing of its clients."""
    if not address:
        return ""
    parsed = ipaddress.ip_address(address)
    mapped = getattr(parsed, "ipv4_mapped", None) or parsed
    if mapped.is_loopback:
        return ""
    return str(ipaddress.ip_network(f"{mapped}/{24 if mapped.version == 4 else 56}", strict=False))


def digest(login: str) -> str:
    return hashlib.sha256(login.encode()).hexdigest()


def _take_turns(session: Session, name: str) -> None:
    """Tries under one name come one after the other, so that each sees those before it; on SQLite all that writes does."""
    if session.get_bind().dialect.name == "postgresql":
        turn = int.from_bytes(bytes.fromhex(name)[:8], signed=True)
        session.execute(select(func.pg_advisory_xact_lock(turn)))


def _wait_s(session: Session, name: str, network: str, at: datetime) -> float:
    """How long the name has to wait from that network."""
    of_name = AttemptRow.login_digest == name
    known = bool(network) and session.scalar(
        select(AttemptRow.id).where(of_name, AttemptRow.network == network, AttemptRow.succeeded).limit(1)
    )
    where = [of_name, AttemptRow.at > at - HOUR]
    if known:
        where.append(AttemptRow.network == network)
    last_success = session.scalar(select(func.max(AttemptRow.at)).where(*where, AttemptRow.succeeded))
    if last_success is not None:
        where.append(AttemptRow.at > last_success)
    failures = _failures(session, where, FREE + 10)
    if len(failures) <= FREE:
        return 0.0
    wait_s = min(2.0 ** (len(failures) - FREE), LONGEST_WAIT_S)
    return wait_s - (at - failures[0]).total_seconds()


def _failures(session: Session, where: Sequence[ColumnElement[bool]], most: int) -> tuple[datetime, ...]:
    """When they were, the last one first."""
    query = select(AttemptRow.at).where(*where, ~AttemptRow.succeeded).order_by(AttemptRow.at.desc()).limit(most)
    return tuple(session.scalars(query))


def _write(session: Session, name: str, network: str, at: datetime) -> int:
    row = AttemptRow(at=at, login_digest=name, network=network, succeeded=False)
    session.add(row)
    session.flush()
    return row.id
