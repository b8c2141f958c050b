"""Messages of datasets, by the name of the actor that takes them."""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class ExportDataset:
    """Files of a version are to be made, as the job of that key says."""

    job_key: str

    actor: ClassVar[str] = "export_dataset"
    queue: ClassVar[str] = "runs"

    def payload(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class FreezeDataset:
    """A version of the dataset is to be frozen, as the job of that key says."""

    job_key: str

    actor: ClassVar[str] = "freeze_dataset"
    queue: ClassVar[str] = "runs"

    def payload(self) -> dict[str, Any]:
        return asdict(self)
