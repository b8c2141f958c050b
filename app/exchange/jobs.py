"""Messages of exchange, by the name of the actor that takes them."""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class ImportFile:
    """Read the file of an import, and take it in unless it is a dry run (app/exchange/actors.py)."""

    import_key: str

    actor: ClassVar[str] = "import_file"
    queue: ClassVar[str] = "runs"

    def payload(self) -> dict[str, Any]:
        return asdict(self)
