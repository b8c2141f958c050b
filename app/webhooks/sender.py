"""What sends the messages of webhooks, beside the one relay that is at work: to several receivers at a time, one message each."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import structlog
from sqlalchemy.exc import SQLAlchemyError

from app.runtime.context import Runtime
from app.runtime.http import encode
from app.webhooks import receiver, service

AT_ONCE = 8  # receivers
IN_A_ROW = 100  # messages to one before others have their turn
LOOK_EVERY_S = 0.5
log = structlog.get_logger()


class Sender:
    """Sends while it is at work, each message at least once: killed between sending and writing that down, it sends it again."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.stop = threading.Event()
        self.busy: set[str] = set()
        self.lock = threading.Lock()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """In threads of its own until the end of the block."""
        thread = threading.Thread(target=self._run, name="webhooks", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.stop.set()
            thread.join(receiver.ALL_S + 2)

    def _run(self) -> None:
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="webhook") as pool:
            while not self.stop.wait(LOOK_EVERY_S):
                try:
                    with self.runtime.reads.begin() as session:
                        keys = service.able(session, self.runtime.clock())
                except SQLAlchemyError as error:
                    log.warning("webhooks wait", error=type(error).__name__)
                    continue
                for key in keys:
                    with self.lock:
                        if key in self.busy:
                            continue
                        self.busy.add(key)
                    pool.submit(self._serve, key)

    def _serve(self, key: str) -> None:
        try:
            for _ in range(IN_A_ROW):
                if self.stop.is_set() or not deliver_next(self.runtime, key):
                    return
        except SQLAlchemyError as error:
            log.warning("a webhook waits", webhook=key, error=type(error).__name__)
        finally:
            with self.lock:
                self.busy.discard(key)


def deliver_next(runtime: Runtime, key: str) -> bool:
    """Try the next message to the receiver that is due; whether it was taken. False, too, where none is due."""
    with runtime.reads.begin() as session:
        found = service.next_due(session, key, runtime.clock())
    if found is None:
        return False
    delivery, url, secret = found
    now = runtime.clock()
    message_id = f"msg_{key}_{delivery.id}"  # the same at each try, so that the receiver knows it again
    private = runtime.settings.webhook_private_addresses
    answer = receiver.send(url, secret, message_id, encode(delivery.body), at_s=int(now.timestamp()), private=private)
    with runtime.db.begin() as session:
        service.note(session, key, delivery.id, answer, runtime.clock())
    return answer.taken
