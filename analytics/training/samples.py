"""Samples to train on: crops of drawn scenes, real sheets and beetles, each with a change of place, size, light and colour.

Sample `n` of a plan is always the same, whatever was drawn before: a training that was interrupted goes on as if it had not been.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from analytics.synth import scenes
from analytics.training import truth
from analytics.training.plan import Plan
from analytics.training.truth import IGNORE, Example

KINDS = ("drawn", "sheet", "beetle")
SIZES = {"drawn": (0.5, 1.0), "sheet": (0.5, 0.95), "beetle": (0.5, 1.0)}  # factors of the stored size
LARGEST_TILT = {"drawn": 12.0, "sheet": 8.0, "beetle": 25.0}


@dataclass(frozen=True, slots=True)
class Pool:
    """Everything that samples are cut from."""

    plan: Plan
    examples: dict[str, list[Example]]

    def batch(self, step: int) -> tuple[NDArray[np.float32], NDArray[np.uint8], NDArray[np.uint8]]:
        """Pictures (N, 3, H, W) from 0 to 255, components and parts (N, H, W), of that step."""
        drawn = [self.sample(step * self.plan.batch + place) for place in range(self.plan.batch)]
        pictures = np.stack([rgb for rgb, _, _ in drawn]).transpose(0, 3, 1, 2).astype(np.float32)
        return np.ascontiguousarray(pictures), np.stack([one for _, one, _ in drawn]), np.stack([one for _, _, one in drawn])

    def sample(self, number: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
        """One picture, uint8 (H, W, 3), with its components and parts, uint8 (H, W)."""
        random = np.random.default_rng((self.plan.seed, number))
        weights = np.array([self.plan.shares.get(kind, 0.0) for kind in KINDS])
        kind = KINDS[int(random.choice(len(KINDS), p=weights / weights.sum()))]
        several = self.examples[kind]
        example = several[int(random.integers(len(several)))]
        return _changed(example, kind, self.plan.crop_px, random)


def pool(plan: Plan) -> Pool:
    """Read and draw all of it; takes 0.2 s a scene."""
    data = Path(plan.data)
    sheets = truth.sheets(data, plan.sheets) if plan.sheets else []
    beetles = list(truth.beetles(data, plan.held_out_beetles, held_out=False)) if plan.shares.get("beetle") else []
    plants = [patch for sheet in sheets for patch in truth.cutouts(sheet)]
    insects = [patch for beetle in beetles for patch in truth.cutouts(beetle)]
    drawn = []
    for number in range(plan.scenes if plan.shares.get("drawn") else 0):
        rgb, components = scenes.draw(plan.seed * 1_000_003 + number, plants, insects)
        drawn.append(Example(f"scene {number}", rgb, components, np.full(components.shape, IGNORE, np.uint8)))
    return Pool(plan, {"drawn": drawn, "sheet": sheets, "beetle": beetles})


def _changed(
    example: Example, kind: str, crop_px: int, random: Generator
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    """Turned, mirrored, resized and cut to a square around a chosen point, then in other light."""
    quarters, mirrored = int(random.integers(4)), bool(random.random() < 0.5)
    planes = [np.rot90(plane, quarters) for plane in (example.rgb, example.components, example.parts)]
    planes = [plane[:, ::-1] if mirrored else plane for plane in planes]
    height, width = planes[0].shape[:2]
    grow = float(np.exp(random.uniform(*np.log(SIZES[kind]))))
    tilt = float(random.normal(0, LARGEST_TILT[kind] / 2.5)) if random.random() < 0.5 else 0.0
    reach = 0.5 * crop_px / grow
    x, y = (random.uniform(min(reach * 0.8, size / 2), max(size - reach * 0.8, size / 2)) for size in (width, height))
    turn = cv2.getRotationMatrix2D((x, y), tilt, grow)
    turn[:, 2] += np.array([crop_px / 2 - x, crop_px / 2 - y])
    size = (crop_px, crop_px)
    fill = tuple(float(value) for value in random.integers(0, 256, 3))
    smooth = cv2.GaussianBlur(planes[0], (0, 0), 0.35 / grow) if grow < 0.8 else np.ascontiguousarray(planes[0])
    rgb = cv2.warpAffine(smooth, turn, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=fill)
    components, parts = (
        cv2.warpAffine(
            np.ascontiguousarray(plane),
            turn,
            size,
            flags=cv2.INTER_NEAREST,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=(float(IGNORE),),
        )
        for plane in planes[1:]
    )
    return _other_light(np.asarray(rgb, np.uint8), random), np.asarray(components, np.uint8), np.asarray(parts, np.uint8)


def _other_light(rgb: NDArray[np.uint8], random: Generator) -> NDArray[np.uint8]:
    """Exposure, contrast, white balance and saturation; at times blur or noise."""
    pixels = rgb.astype(np.float32) / 255
    pixels = pixels ** np.float32(np.exp(random.normal(0, 0.25)))
    pixels = (pixels - 0.5) * np.float32(random.uniform(0.75, 1.2)) + np.float32(0.5 + random.normal(0, 0.06))
    pixels *= np.exp(random.normal(0, 0.06, 3)).astype(np.float32)
    grey = pixels.mean(axis=2, keepdims=True)
    pixels = grey + (pixels - grey) * np.float32(random.uniform(0.3, 1.4))
    if random.random() < 0.25:
        pixels = cv2.GaussianBlur(pixels, (0, 0), float(random.uniform(0.4, 1.3)))
    if random.random() < 0.25:
        pixels = pixels + random.normal(0, random.uniform(0.005, 0.05), pixels.shape).astype(np.float32)
    return np.asarray(np.clip(pixels * 255, 0, 255), np.uint8)
