"""What can be wrong with an annotation."""

from datetime import datetime

from app.runtime.errors import Conflict, Gone, Invalid, NotFound, StaleVersion, TooMuch


class UnknownAnnotation(NotFound):
    """No annotation, or no version of it, of that name."""


class DeletedAnnotation(Gone):
    """The annotation was deleted; `key`, `version` and `deleted_at` say which and when."""

    def __init__(self, key: str, version: int, deleted_at: datetime) -> None:
        super().__init__(f"Annotation {key!r} was deleted; its earlier versions remain readable.")
        self.key, self.version, self.deleted_at = key, version, deleted_at


class WithdrawnAnnotation(Gone):
    """The annotation was withdrawn with its run; a restored run brings it back."""

    def __init__(self, key: str, version: int, run_key: str, withdrawn_at: datetime, by: str, reason: str) -> None:
        why = f": {reason}" if reason else "."
        super().__init__(f"Annotation {key!r} was withdrawn with run {run_key}, which {by or 'somebody'} retracted{why}")
        self.key, self.version, self.run_key, self.withdrawn_at = key, version, run_key, withdrawn_at
        self.by, self.reason = by, reason


class MalformedAnnotation(Invalid):
    """The document breaks the Web Annotation Data Model; `parameter` names the member, `spec` the section."""


class UnknownTarget(Invalid):
    """The target is no canvas, image, specimen or annotation of ours."""


class BadSelector(Invalid):
    """A selector cannot be read."""


class SelectorOutsideCanvas(Invalid):
    """A region reaches past the edge of its canvas."""


class UnknownMask(NotFound):
    """No mask of that digest, none that anything names, or its file is lost."""


class AnnotationTooBig(TooMuch):
    """The document passes a limit of size, depth or number."""


class EtagMismatch(StaleVersion):
    """If-Match names another version than the one that stands: `version`, with `etag`, stored by `by` at `at`."""

    def __init__(self, key: str, version: int, etag: str, by: str, at: datetime) -> None:
        super().__init__(
            f"The annotation has changed since you read it: version {version} stands now, stored by {by} at {at:%Y-%m-%d %H:%M} "
            "(UTC). Fetch it again and repeat your change."
        )
        self.key, self.version, self.etag, self.by, self.at = key, version, etag, by, at


class NotReplaced(Conflict):
    """What a machine stated is corrected by a statement of one's own, and a verdict by another verdict."""


class OwnStatement(Conflict):
    """Nobody accepts what they said themselves."""


class VersionPassed(StaleVersion):
    """The verdict is about a version that does not stand any more."""


class UnknownVerdict(NotFound):
    """No verdict of that key."""


class IdentityChanged(Conflict):
    """A change would give the annotation another `canonical` or `via` than it had."""


class WithheldTerm(Conflict):
    """The record withholds what the statement would tell."""


class NothingNew(Conflict):
    """The record says already what is proposed."""


class RecordChanged(StaleVersion):
    """If-Match names another version of a record than the one that stands."""


class NotRestored(Conflict):
    """A record cannot be brought back to what it said in an earlier version."""
