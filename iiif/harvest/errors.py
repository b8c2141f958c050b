"""What goes wrong with another server."""

from app.runtime.errors import Conflict, Invalid


class CannotFetch(Invalid):
    """Another server did not give what it was asked for. `status` is that of its answer; 0 where there was none."""

    def __init__(self, sentence: str, status: int = 0) -> None:
        super().__init__(sentence)
        self.status = status

    @property
    def is_gone(self) -> bool:
        """Whether the server says that there was something and is no more (RFC 9110, 15.5.11)."""
        return self.status == 410


class NotAllowedThere(CannotFetch):
    """The rules of the source keep us from asking that address."""


class NotReadable(Invalid):
    """A document is no manifest or collection, or not a sound one."""


class HarvestUnderWay(Conflict):
    """Another process harvests the same source."""
