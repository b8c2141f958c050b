"""What a process is built from, once, and where views and actors fetch it."""

from dataclasses import dataclass, field

from sqlalchemy.orm import Session, sessionmaker

from app.runtime import clock
from app.runtime.addresses import Addresses
from app.runtime.blobs import Blobs
from app.runtime.clock import Clock
from app.runtime.db import Database
from app.runtime.search.port import SearchEngine
from app.runtime.settings import Settings


@dataclass(frozen=True, slots=True)
class Runtime:
    """Settings, the addresses that follow from them, and the four ports; services are handed what they need of it."""

    settings: Settings
    database: Database
    blobs: Blobs
    search: SearchEngine
    clock: Clock = clock.now
    addresses: Addresses = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "addresses", Addresses.of(self.settings))  # a frozen dataclass is filled so

    @property
    def db(self) -> sessionmaker[Session]:
        """For transactions that write."""
        return self.database.sessions

    @property
    def reads(self) -> sessionmaker[Session]:
        """For transactions that only read."""
        return self.database.reads


_current: list[Runtime] = []


def use(runtime: Runtime) -> None:
    """Make this the runtime of the process (of the test, in tests)."""
    _current[:] = [runtime]


def current() -> Runtime:
    """The runtime of this process; RuntimeError before an entry point has set one."""
    if not _current:
        raise RuntimeError("no runtime: an entry point must call context.use first")
    return _current[0]
