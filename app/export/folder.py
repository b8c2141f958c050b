"""The folder that an export is written to: whole files only, and a record of what its pictures were made from.

`.lectotype/` inside it holds `export.json`, which says that the folder is an export and of which address; `incoming/`,
where files are written before they are renamed into place; and per image the digest of everything that its files depend
on, so that a second run keeps what still holds and makes anew what does not.
"""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app.runtime.errors import Conflict
from app.runtime.file_lock import FileLock

FORM = 1  # of the tree; an export of another form is not mixed with this one
STATE = ".lectotype"


class NotAnExport(Conflict):
    """The folder holds other things, or an export that this one does not go with."""


class Folder:
    """An export that is being written; counts what was written and what was kept. Made by `opened`."""

    def __init__(self, root: Path, base: str) -> None:
        self.root, self.base = root, base
        self.written, self.kept, self.bytes_written = 0, 0, 0
        self._state = root / STATE

    def path(self, address: str) -> Path:
        """Where the file lies that is to be served at that address, which begins with the base URL."""
        return self.root / address.removeprefix(f"{self.base}/")

    def has(self, address: str) -> bool:
        """Whether the file is here, whole; then it counts as kept."""
        path = self.path(address)
        here = path.is_file() and path.stat().st_size > 0
        self.kept += here
        return here

    def write(self, address: str, body: bytes) -> None:
        """Put the file there: all of it, or nothing. One with the same bytes is left alone."""
        path = self.path(address)
        if path.is_file() and path.stat().st_size == len(body) and path.read_bytes() == body:
            self.kept += 1
            return
        incoming = self._state / "incoming" / "file"
        with incoming.open("wb") as stream:
            stream.write(body)
            stream.flush()
            os.fsync(stream.fileno())  # else a power cut may leave the name without the bytes
        path.parent.mkdir(parents=True, exist_ok=True)
        incoming.replace(path)
        self.written, self.bytes_written = self.written + 1, self.bytes_written + len(body)

    def write_json(self, address: str, document: Any) -> None:
        """Indented, for people read these files too."""
        self.write(address, (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode())

    def begin_image(self, key: str, address: str, digest: str) -> None:
        """Files of that image service made from anything else are removed first."""
        note = self._image_note(key)
        if note.is_file() and note.read_text() == digest:
            return
        self.remove_image(key, address)
        note.parent.mkdir(exist_ok=True)
        note.write_text(digest)

    def remove_image(self, key: str, address: str) -> bool:
        """Forget an image and delete its pictures; whether there were any."""
        path = self.path(address)
        here = path.is_dir()
        if here:
            shutil.rmtree(path)
        self._image_note(key).unlink(missing_ok=True)
        return here

    def remove(self, address: str) -> None:
        """The file at that address, if it is here."""
        self.path(address).unlink(missing_ok=True)

    def _image_note(self, key: str) -> Path:
        return self._state / "images" / key


@contextmanager
def opened(root: Path, base: str) -> Iterator[Folder]:
    """A new or empty folder, or one that an export to the same address was written to; nobody else writes meanwhile.

    Raises:
        NotAnExport: the folder holds other things, or another export, or another process writes to it.
    """
    mark = root / STATE / "export.json"
    if mark.is_file():
        known = json.loads(mark.read_text())
        if known != {"form": FORM, "base": base}:
            raise NotAnExport(f"{root} holds an export to {known.get('base')}; ids are absolute, so {base} needs another folder.")
    elif root.exists() and any(path.name != STATE for path in root.iterdir()):
        raise NotAnExport(f"{root} is not empty and holds no export; name a new folder, so that nothing of yours is touched.")
    (root / STATE / "incoming").mkdir(parents=True, exist_ok=True)
    with FileLock(root / STATE / "lock") as lock:
        if not lock.try_take():
            raise NotAnExport(f"Another export is being written to {root}.")
        incoming = root / STATE / "incoming" / "export.json"
        incoming.write_text(json.dumps({"form": FORM, "base": base}))
        incoming.replace(mark)
        yield Folder(root, base)
