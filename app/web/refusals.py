"""A form on a page that was refused: which, why, and what it held, so that nothing typed is lost."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from app import problems
from app.runtime.errors import DomainError

WRITTEN = ("text", "value", "verbatim", "comment", "name", "at", "corners")  # fields that people write in; no secret ones


@dataclass(frozen=True, slots=True)
class Refusal:
    """`form` is the id on the page of what stands open again, empty where nothing does, and `about` the key of the statement that
    it stands at, empty for a form of all that the page is about. `typed` is what was sent."""

    error: DomainError | None = None
    form: str = ""
    about: str = ""
    typed: Mapping[str, str] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        return self.error.sentence if self.error else ""

    @property
    def status(self) -> int:
        return problems.status_of(self.error) if self.error else 200

    @property
    def place(self) -> str:
        """The id on the page of where the reason stands beside the form; of the finding where no form was written in."""
        return self.form if self.form.startswith("finding-") else f"why-{self.form}"

    def of(self, form: str) -> bool:
        """Whether that form was refused."""
        return self.error is not None and self.form == form

    def held(self, form: str, name: str, otherwise: str = "") -> str:
        """What a field of the form holds: what was typed there, where that was refused."""
        return self.typed.get(name, otherwise) if self.of(form) else otherwise

    def talks(self, keys: Collection[str]) -> bool:
        """Whether something was to be said in the talk about the statements of these keys."""
        return self.error is not None and self.about in keys and self.form.startswith(("say-", "change-"))

    def homeless(self, shown: Collection[str]) -> list[str]:
        """What was written in a form that the page no longer has; `shown` are the keys of the statements that it has forms for,
        with the empty one where it has those of the whole."""
        if self.error is None or self.about in shown:
            return []
        return written(self.typed)


def written(form: Mapping[str, str]) -> list[str]:
    """What people wrote in the fields of a form."""
    return [words for name in WRITTEN if (words := form.get(name, "").strip())]


NONE = Refusal()
