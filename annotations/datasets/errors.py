"""What can be wrong with a dataset."""

from app.runtime.errors import Conflict, Gone, Invalid, NotFound, Unavailable


class UnknownDataset(NotFound):
    """There is no such dataset, or no such version of it."""


class BadDataset(Invalid):
    """What was said of the dataset cannot be."""


class WithdrawnVersion(Gone):
    """The version was withdrawn; what it was, and why, is still told."""


class BeingFrozen(Conflict):
    """Another process freezes this dataset now."""


class NothingToFreeze(Conflict):
    """No image that may go into a dataset answers the question."""


class IndexLags(Unavailable):
    """The index does not know all that the database does, so that members would be missing."""


class UnknownJob(NotFound):
    """There is no such export or freeze."""
