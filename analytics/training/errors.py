"""What can be wrong with a training."""


class BadPlan(Exception):
    """The plan cannot be followed; the sentence says why."""


class BadCheckpoint(Exception):
    """What was kept of an earlier training belongs to another plan."""


class NetworksDisagree(Exception):
    """The exported network does not answer as the trained one does."""
