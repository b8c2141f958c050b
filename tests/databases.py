"""On which databases tests run."""

from typing import Any

import pytest


@pytest.fixture(params=["sqlite", "postgresql"])
def on_both(settings: Any, request: pytest.FixtureRequest) -> Any:
    """The settings of a hub on SQLite, then on PostgreSQL. A module whose tests hold for both has `settings = on_both`."""
    return settings if request.param == "sqlite" else settings.with_(database_url=request.getfixturevalue("postgresql_url"))
