"""The supervisor: web, relay and workers as children of one process, kept alive while it lives and ended when it ends.

Each child is the command of that name (`lectotype web` and so on) with the same settings. A child that dies is started
again, after a pause that grows while it keeps dying. Should the supervisor itself be killed, the system ends its children.
"""

import errno
import gc
import logging
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import structlog
from granian.constants import Interfaces
from granian.http import HTTP1Settings
from granian.server import Server

from app import compose, relay, resume
from app.runtime import logs, processes
from app.runtime.broker import make_broker, release_dead
from app.runtime.settings import Settings

LONGEST_PAUSE = 30.0  # seconds between two starts of a child that keeps dying
SETTLED = 10.0  # seconds after which a child counts as well
HEADER_MS = 10_000  # a client has for sending the head of a request, and between two on one connection
PATIENCE = 12.0  # seconds to wait for another process to let go of the port; those of a killed server end within 10
GRACE = 25.0  # seconds that children have to end by themselves
log = structlog.get_logger()


def run(settings: Settings) -> int:
    """Migrate the database, then serve until SIGTERM or SIGINT; the exit status. Call it in the main thread."""
    logs.configure(settings)
    if multiprocessing.parent_process() is not None:
        processes.die_with_parent()
    stop = stop_on_signals()
    if not _may_listen(settings):
        return 1
    runtime = compose.build(settings)
    compose.prepare(runtime)
    broker = make_broker(settings, runtime.database)
    release_dead(broker)
    broker.close()
    with runtime.db.begin() as session:
        resume.resume(session)
    runtime.search.close()
    runtime.database.engine.dispose()
    children = [Child("web"), Child("relay"), *(Child("worker") for _ in range(settings.worker_processes))]
    try:
        while not stop.is_set():
            for child in children:
                child.keep_alive(settings)
            stop.wait(0.1)
    finally:
        _end(children)
    return 0


def _may_listen(settings: Settings) -> bool:
    """Whether the address is ours to listen on; better to say so at once than to start a web process again and again.

    Where another process has it, it is waited for a while: children of a server that was killed need a moment to end.
    """
    gives_up = time.monotonic() + PATIENCE
    waits = False
    while (error := _bind_error(settings)) is not None:
        if error.errno != errno.EADDRINUSE or time.monotonic() > gives_up:
            hint = "set LECTOTYPE_HOST and LECTOTYPE_PORT to others"
            log.error("cannot listen", host=settings.host, port=settings.port, error=error.strerror, hint=hint)
            return False
        if not waits:
            log.info("another process listens here; waiting for it to let go", port=settings.port, seconds=PATIENCE)
            waits = True
        time.sleep(0.1)
    return True


def _bind_error(settings: Settings) -> OSError | None:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            return error
    return None


def run_web(settings: Settings) -> None:
    """The web process of this machine: granian with its own worker processes, until SIGTERM or SIGINT.

    The many threads are meant, for they wait for pixels (libvips) and the database; granian would warn of them.
    """
    if not _may_listen(settings):
        raise SystemExit(1)
    processes.count_together()
    server: Any = Server(
        "app.serve:web_application",
        factory=True,
        interface=Interfaces.WSGI,
        address=settings.host,
        port=settings.port,
        workers=settings.web_processes,
        blocking_threads=settings.web_threads,
        respawn_failed_workers=True,
        respawn_interval=1.0,
        workers_kill_timeout=10,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_MS),
        websockets=False,
        log_access=settings.log_access,
        log_dictconfig={"formatters": {}, "handlers": {}, "loggers": {"_granian": {"handlers": [], "propagate": True}}},
    )
    logging.getLogger("_granian").addFilter(lambda record: "seems quite high" not in record.getMessage())
    _load_application()
    server.serve()


def _load_application() -> None:
    """Import the application before granian forks its workers, so that they share its memory: two of them then take 194 MB
    with their parent instead of 269. Where processes are not forked this costs nothing but itself."""
    from app.web import wsgi  # noqa: F401 - the other children need none of it

    gc.collect()
    gc.freeze()  # a collection in a worker would touch, and so copy, every page of the parent


def web_application() -> Callable[..., Any]:
    """The WSGI application, made in each of granian's worker processes from the settings in the environment."""
    from app.runtime import metrics  # it must not be imported before it is known where to count
    from app.web import wsgi  # the other children need none of it
    from app.web.slow_clients import SlowClients

    settings = Settings()
    processes.die_with_parent()
    logs.configure(settings)
    metrics.reserve()
    SlowClients(settings.port, settings.client_seconds).watch()
    application: Callable[..., Any] = wsgi.application()
    return application


def run_relay(settings: Settings, stop: threading.Event) -> None:
    """The relay process, until `stop` is set."""
    runtime = compose.build(settings)
    broker = make_broker(settings, runtime.database)
    try:
        relay.run(runtime, broker, stop)
    finally:
        broker.close()
        runtime.search.close()
        runtime.database.engine.dispose()


def stop_on_signals() -> threading.Event:
    """An event that SIGTERM and SIGINT set."""
    stop = threading.Event()

    def _set(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, _set)
    signal.signal(signal.SIGINT, _set)
    return stop


@dataclass(slots=True)
class Child:
    """One child process, in a process group of its own so that nothing of it is left when it is ended."""

    command: str
    process: "subprocess.Popen[bytes] | None" = None
    started: float = 0.0
    pause: float = 0.0
    next_start: float = field(default=0.0)

    def keep_alive(self, settings: Settings) -> None:
        """Start it if it does not run and its pause is over."""
        now = time.monotonic()
        if self.process is not None:
            if self.process.poll() is None:
                return
            self._mourn(now)
        elif now >= self.next_start:
            self.started = now
            self.process = subprocess.Popen(  # noqa: S603 - our own command
                [sys.executable, "-m", "app.cli", self.command],
                env=settings.environment(),
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                preexec_fn=processes.die_with_parent,  # the supervisor has no threads
            )

    def signal(self, number: int) -> None:
        """Send the signal to the process, SIGKILL to its whole group."""
        if self.process is None:
            return
        try:
            (os.killpg if number == signal.SIGKILL else os.kill)(self.process.pid, number)
        except ProcessLookupError:
            return

    def _mourn(self, now: float) -> None:
        assert self.process is not None  # noqa: S101 - for the type checker; the caller has looked
        log.error("a process ended and is started again", process=self.command, status=self.process.returncode)
        self.signal(signal.SIGKILL)
        well = now - self.started > SETTLED
        self.pause = 0.2 if well else min(max(0.2, self.pause * 2), LONGEST_PAUSE)
        self.next_start = now + self.pause
        self.process = None


def _end(children: list[Child]) -> None:
    for child in children:
        child.signal(signal.SIGTERM)
    deadline = time.monotonic() + GRACE
    for child in children:
        if child.process is not None:
            try:
                child.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                log.warning("a process did not end in time and is killed", process=child.command)
            child.signal(signal.SIGKILL)
            child.process.wait()
