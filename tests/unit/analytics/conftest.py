"""What tests of steps share."""

import numpy as np
import pytest

from analytics.steps import component_net
from analytics.steps.component_classes import COMPONENTS, PARTS, SPECIMEN


@pytest.fixture
def network_that_leaves_all_to_the_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """It finds specimen likely everywhere and is sure of nothing."""
    components = np.full((len(COMPONENTS), 8, 8), 0.4 / (len(COMPONENTS) - 1), np.float32)
    components[SPECIMEN] = 0.6
    seen = component_net.Seen(components, np.full((len(PARTS), 8, 8), 1 / len(PARTS), np.float32))
    monkeypatch.setattr(component_net, "seen", lambda image: seen)
