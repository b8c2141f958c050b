"""What can be wrong with runs and pipelines."""

from app.runtime.errors import Conflict, Invalid, NotFound


class UnknownRun(NotFound):
    """No run of that key, or no such image in it."""


class RunInState(Conflict):
    """The run is in a state that does not allow this."""


class BadRun(Invalid):
    """What was asked of a run, or how, breaks a rule; the sentence says which."""


class UnknownPipeline(NotFound):
    """No pipeline of that name."""


class BadPipeline(Invalid):
    """The pipeline's file breaks a rule; the sentence says where."""
