"""What most contract suites ask for: the application on the runtime of the test, and two specimens with an image each."""

import pytest

from app.runtime.context import Runtime
from iiif.catalogue.model import Media, Specimen
from tests.sheets import Hub, add_sheet, make_hub


@pytest.fixture
def hub(runtime: Runtime) -> Hub:
    return make_hub(runtime)


@pytest.fixture
def sheet(hub: Hub) -> tuple[Specimen, Media]:
    """A specimen and its image of 1101 by 1403 pixels."""
    specimen, (media,) = add_sheet(hub.runtime, "A 1", sizes=((1101, 1403),))
    return specimen, media


@pytest.fixture
def other(hub: Hub) -> tuple[Specimen, Media]:
    """Another specimen and its image of 800 by 600 pixels."""
    specimen, (media,) = add_sheet(hub.runtime, "A 2", sizes=((800, 600),))
    return specimen, media


@pytest.fixture
def canvas(hub: Hub, sheet: tuple[Specimen, Media]) -> str:
    return hub.addresses.canvas(sheet[0].key, sheet[1].key)


@pytest.fixture
def canvas2(hub: Hub, other: tuple[Specimen, Media]) -> str:
    """That of the other specimen."""
    return hub.addresses.canvas(other[0].key, other[1].key)
