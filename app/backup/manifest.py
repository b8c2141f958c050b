"""What a backup says of itself: the last member of its archive, so that a file which was cut off has none.

database.sqlite          of a hub on SQLite: the whole database
tables/NAME              of a hub on PostgreSQL: the rows of a table, in the text form of COPY
blobs/ab/abcdef…         one for each blob, named by its SHA-256
backup.json              this
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

from app.runtime.errors import Invalid

FORM = 1
NAME = "backup.json"
SQLITE_MEMBER = "database.sqlite"
LeftOut = Literal["nothing", "derivatives", "all"]


class BadBackup(Invalid):
    """The file is no backup of ours, is damaged, or does not fit this hub."""


@dataclass(frozen=True, slots=True)
class Part:
    """A member with a part of the database; `table` and `columns`, in the order of the fields, where it is one of tables."""

    name: str
    sha256: str
    size: int
    table: str = ""
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Manifest:
    """`revision` is the migration that the database stands at; `left_out` says which blobs are not in the archive."""

    made: str
    program: str
    base_url: str
    naan: str
    database: Literal["sqlite", "postgresql"]
    revision: str
    parts: tuple[Part, ...]
    blobs: int
    blob_bytes: int
    left_out: LeftOut
    form: int = FORM

    def pack(self) -> bytes:
        return json.dumps(asdict(self), indent=1).encode()

    @classmethod
    def unpack(cls, body: bytes) -> Self:
        """Raises BadBackup."""
        try:
            manifest: Mapping[str, Any] = json.loads(body)
            if manifest["form"] != FORM:
                raise BadBackup(f"The backup has the form {manifest['form']}; this version of Lectotype reads the form {FORM}.")
            parts = tuple(Part(**{**part, "columns": tuple(part["columns"])}) for part in manifest["parts"])
            return cls(**{**manifest, "parts": parts})
        except (ValueError, KeyError, TypeError) as error:
            raise BadBackup(f"The backup's {NAME} cannot be read: {error}") from error
