"""Circles in tantivy, cut into strips, against distances measured one by one."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.runtime.search import columns, tantivy_places
from app.runtime.search.port import Document, Field, Near
from app.runtime.search.tantivy_engine import TantivyEngine

chance = np.random.default_rng(3)
POINTS = np.concatenate(
    [
        np.stack([np.degrees(np.arcsin(chance.uniform(-1, 1, 900))), chance.uniform(-180, 180, 900)], axis=1),
        [[90, 0], [-90, 12], [0, 180], [0, -180], [0, 0], [89.999, 170], [-45, 179.9999], [-45, -179.9999]],
        [50, 4] + chance.normal(size=(300, 2)) * 0.01,
    ]
)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TantivyEngine]:
    engine = TantivyEngine(tmp_path_factory.mktemp("places"), [Field("place", "point")])
    engine.write([Document(f"{row:05}", 1, {"place": f"{point[0]},{point[1]}"}) for row, point in enumerate(POINTS.tolist())])
    yield engine
    engine.close()


@given(
    latitude=st.floats(-90, 90),
    longitude=st.floats(-180, 180),
    metres=st.floats(0, 21_000_000) | st.sampled_from([0.0, 1.0, 1e6, 1e7, columns.EARTH_M * np.pi / 2, columns.EARTH_M * np.pi]),
)
@example(latitude=90, longitude=0, metres=5e6)
@example(latitude=-90, longitude=0, metres=1.5e7)
@example(latitude=0, longitude=180, metres=2e6)
@example(latitude=50, longitude=4, metres=800)
@example(latitude=-30, longitude=-179, metres=1.2e7)
def test_a_circle_holds_what_is_within_its_radius(
    engine: TantivyEngine, latitude: float, longitude: float, metres: float
) -> None:
    distances = columns.metres(latitude, longitude, POINTS)
    expected = {f"{row:05}" for row in np.flatnonzero(distances <= metres)}
    for few in (tantivy_places.FEW, 0):
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(tantivy_places, "FEW", few)
            assert set(engine.scan(Near("place", latitude, longitude, metres))) == expected


def test_distances_are_those_of_the_mean_sphere() -> None:
    found = columns.metres(50.93, 4.33, np.array([[51.5, -0.12], [50.93, 4.33], [-50.93, -175.67]]))
    assert found == pytest.approx([314_998, 0, 20_015_115], abs=2_000)
