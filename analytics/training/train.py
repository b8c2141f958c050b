"""The training itself: the same plan, data, code and number of threads give the same weights on the same kind of processor."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from analytics.steps.component_classes import COMPONENTS, PARTS, SPECIMEN
from analytics.training.errors import BadCheckpoint
from analytics.training.network import Components, pretrained
from analytics.training.plan import Plan
from analytics.training.samples import Pool
from analytics.training.truth import IGNORE, NOT_SPECIMEN

COMPONENT_WEIGHTS = {"background": 0.4, "ruler": 3.0, "barcode": 8.0, "stamp": 5.0, "chart": 2.0, "packet": 2.0, "object": 3.0}
PART_WEIGHTS = {"none": 0.5, "eyes": 4.0, "mouthparts": 3.0, "tail": 3.0, "antennae": 3.0, "legs": 1.5, "pin": 2.0}
CHECKPOINT = "checkpoint.pt"
CLASSES = len(COMPONENTS) + len(PARTS)


def train(plan: Plan, pool: Pool, folder: Path, told: Callable[[int, float, float], None]) -> Components:
    """Train to the end, going on from the folder's checkpoint if there is one. `told` hears of each step: its number, loss and
    seconds. BadCheckpoint where that belongs to another plan."""
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(plan.threads)
    network = pretrained(CLASSES, plan.seed) if plan.pretrained else _from_scratch(plan.seed)
    optimiser = torch.optim.AdamW(
        [
            {"params": [one for one in network.encoder.parameters() if one.requires_grad], "lr": plan.encoder_rate},
            {
                "params": [one for name, one in network.named_parameters() if not name.startswith("encoder.")],
                "lr": plan.decoder_rate,
            },
        ],
        weight_decay=1e-4,
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step, plan.decay_steps))
    mean = Mean()
    first = _resume(folder / CHECKPOINT, plan, network, optimiser, schedule, mean)
    network.train()
    for step in range(first, plan.steps):
        started = time.monotonic()
        pictures, components, parts = pool.batch(step)
        loss = loss_of(network(torch.from_numpy(pictures)), components, parts)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        schedule.step()
        told(step + 1, loss.item(), time.monotonic() - started)
        if (step + 1) % plan.checkpoint_every == 0 or step + 1 == plan.steps:
            if step + 1 >= plan.average_from:
                mean.add(network)
            _keep(folder / CHECKPOINT, plan, step + 1, network, optimiser, schedule, mean)
    network.load_state_dict(mean.weights())
    network.eval()
    return network


class Mean:
    """Of the weights of several moments, summed up one after the other in float64."""

    def __init__(self) -> None:
        self.total: dict[str, Tensor] = {}
        self.count = 0

    def add(self, network: Components) -> None:
        for name, value in network.state_dict().items():
            self.total[name] = self.total.get(name, 0) + value.double()
        self.count += 1

    def weights(self) -> dict[str, Tensor]:
        """As the network has them; whole numbers, which count batches, are cut down to such when they are loaded."""
        return {name: total / self.count for name, total in self.total.items()}


def loss_of(scores: Tensor, components: NDArray[np.uint8], parts: NDArray[np.uint8]) -> Tensor:
    """Weighted cross-entropy and Dice of the components, and the same of the parts where these are known."""
    several = len(COMPONENTS)
    truth = torch.from_numpy(components[:, ::2, ::2].astype(np.int64))
    loss = _both(scores[:, :several], truth, _weights(COMPONENTS, COMPONENT_WEIGHTS))
    others = truth == NOT_SPECIMEN
    if bool(others.any()):
        chance = torch.softmax(scores[:, :several], 1)[:, SPECIMEN][others]
        loss = loss - torch.log1p(-chance.clamp(max=0.9999)).mean()
        loss = loss + _overlap_loss(torch.softmax(scores[:, :several], 1)[:, SPECIMEN], truth == SPECIMEN, truth != IGNORE)
    known = torch.from_numpy(parts[:, ::2, ::2].astype(np.int64))
    if bool((known != IGNORE).any()):
        loss = loss + _both(scores[:, several:], known, _weights(PARTS, PART_WEIGHTS))
    return loss


def _both(scores: Tensor, truth: Tensor, weights: Tensor) -> Tensor:
    """Cross-entropy and mean Dice over the classes that are there, among the pixels with a class."""
    known = truth < scores.shape[1]
    if not bool(known.any()):
        return scores.sum() * 0
    entropy = functional.cross_entropy(scores, torch.where(known, truth, -100), weights, ignore_index=-100)
    chances = torch.softmax(scores, 1)
    dice = [_overlap_loss(chances[:, number], truth == number, known) for number in torch.unique(truth[known]).tolist()]
    return entropy + torch.stack(dice).mean()


def _overlap_loss(chance: Tensor, there: Tensor, known: Tensor) -> Tensor:
    chance, present = chance * known, (there & known).float()
    return 1 - (2 * (chance * present).sum() + 1) / (chance.sum() + present.sum() + 1)


def _weights(names: tuple[str, ...], given: dict[str, float]) -> Tensor:
    return torch.tensor([given.get(name, 1.0) for name in names])


def _rate(step: int, steps: int) -> float:
    """Up within twenty steps, then down as a cosine does."""
    return float(min(1.0, (step + 1) / 20) * (0.5 + 0.5 * np.cos(np.pi * min(1.0, step / steps))) + 0.005)


def _from_scratch(seed: int) -> Components:
    torch.manual_seed(seed)
    return Components(CLASSES)


def _keep(path: Path, plan: Plan, step: int, network: Components, optimiser: Any, schedule: Any, mean: Mean) -> None:
    """Whole or not at all."""
    state = {"plan": plan.digest, "step": step, "network": network.state_dict(), "optimiser": optimiser.state_dict()}
    part = path.with_suffix(".part")
    torch.save(state | {"schedule": schedule.state_dict(), "total": mean.total, "count": mean.count}, part)
    part.replace(path)


def _resume(path: Path, plan: Plan, network: Components, optimiser: Any, schedule: Any, mean: Mean) -> int:
    """The number of steps that are done."""
    if not path.is_file():
        return 0
    state = torch.load(path, map_location="cpu", weights_only=True)
    if state["plan"] != plan.digest:
        raise BadCheckpoint(f"{path} belongs to another plan: give another folder, or remove it to begin anew.")
    network.load_state_dict(state["network"])
    optimiser.load_state_dict(state["optimiser"])
    schedule.load_state_dict(state["schedule"])
    mean.total, mean.count = state["total"], state["count"]
    return int(state["step"])
