"""What can be wrong with runs and pipelines."""

from app.runtime.errors import Invalid, NotFound


class UnknownRun(NotFound):
    """No run of that key."""


class UnknownPipeline(NotFound):
    """No pipeline of that name."""


class BadPipeline(Invalid):
    """The pipeline's file breaks a rule; the sentence says where."""
