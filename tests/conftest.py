"""What every test may ask for: a runtime of its own on real files, and the real images where they lie beside the project."""

from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from app import compose
from app.runtime.context import Runtime
from app.runtime.db import Base
from app.runtime.settings import Settings

pytest_plugins = ["tests.services", "tests.databases"]
hypothesis.settings.register_profile("unhurried", deadline=None)  # a busy machine is no failure
hypothesis.settings.load_profile("unhurried")
SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", base_url="http://lectotype.test", metrics_token="numbers")


@pytest.fixture
def runtime(settings: Settings) -> Iterator[Runtime]:
    """SQLite, tantivy and blobs in a folder of the test's own, with the tables made."""
    runtime = compose.build(settings)
    Base.metadata.create_all(runtime.database.engine)
    runtime.blobs.prepare(used=False)
    yield runtime
    runtime.search.close()
    runtime.database.engine.dispose()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data beside the project."""
    if not SHARED.is_dir():
        pytest.skip("needs the folder shared/ beside the project")
    return SHARED
