"""The look at the connections of a web process, from inside it."""

import fcntl
import socket
import subprocess
import sys
import time
from pathlib import Path

from app.web.slow_clients import SlowClients

TAKE = "import fcntl, sys; fcntl.lockf(open(sys.argv[1], 'r+b'), fcntl.LOCK_EX | fcntl.LOCK_NB)"


def is_free(file: Path) -> bool:
    """Whether another process gets the lock on the file."""
    return subprocess.run([sys.executable, "-c", TAKE, file], stderr=subprocess.DEVNULL, check=False).returncode == 0


def test_locks_on_files_are_held_through_every_look(tmp_path: Path) -> None:
    """SQLite keeps processes apart by such locks; a process loses all it has on a file when it closes any descriptor of it."""
    database = tmp_path / "lectotype.db"
    database.write_bytes(b"0")
    with socket.create_server(("127.0.0.1", 0)) as server, database.open("r+b") as file:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)), server.accept()[0] as taken:
            fcntl.lockf(file, fcntl.LOCK_EX)
            assert not is_free(database)
            clients = SlowClients(port, 1.0)
            now = time.monotonic()
            assert [clients.look(now), clients.look(now + 2)] == [0, 1]
            assert taken.recv(1) == b""
            assert not is_free(database)
    assert is_free(database)
