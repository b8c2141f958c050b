"""Colours of a chart's patches against those they should have: CIE Lab of sRGB (D65), ΔE00, white balance, correction matrix.

The reference is the Classic 24 as its maker publishes it in sRGB; charts made before and after November 2014 differ by about
one ΔE00 in the mean, which no photograph tells.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
CLASSIC_24 = np.array(
    [
        [(115, 82, 68), (194, 150, 130), (98, 122, 157), (87, 108, 67), (133, 128, 177), (103, 189, 170)],
        [(214, 126, 44), (80, 91, 166), (193, 90, 99), (94, 60, 108), (157, 188, 64), (224, 163, 46)],
        [(56, 61, 150), (70, 148, 73), (175, 54, 60), (231, 199, 31), (187, 86, 149), (8, 133, 161)],
        [(243, 243, 242), (200, 200, 200), (160, 160, 160), (122, 122, 121), (85, 85, 85), (52, 52, 52)],
    ],
    np.float64,
)  # sRGB, 0 to 255, as it lies with its greys below
TO_XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]])
WHITE = TO_XYZ.sum(axis=1)  # D65
CLIPPED = (3.0, 252.0)  # sRGB values at which a patch is too dark or too light to tell anything


@dataclass(frozen=True, slots=True)
class Balance:
    """`gains` of linear red, green and blue, green being 1, that make greys grey; `matrix` (3, 3) from linear RGB as it is to
    linear RGB as it should be, least squares over `used` patches."""

    gains: Float
    matrix: Float
    used: int


def linear(srgb: Float) -> Float:
    """0 to 1, from sRGB 0 to 255 (IEC 61966-2-1)."""
    value = np.asarray(srgb, np.float64) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def lab(srgb: Float) -> Float:
    """CIE 1976 L*a*b* of sRGB 0 to 255, relative to D65."""
    return lab_of_linear(linear(srgb))


def lab_of_linear(rgb: Float) -> Float:
    """The same of linear RGB, 0 to 1; what is below 0 counts as 0."""
    ratio = np.clip(rgb @ TO_XYZ.T, 0, None) / WHITE
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio * (29 / 6) ** 2 / 3 + 4 / 29)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], axis=-1)


def delta_e00(one: Float, other: Float) -> Float:
    """CIEDE2000 between (..., 3) Lab colours (Sharma, Wu and Dalal 2005)."""
    l1, a1, b1 = np.moveaxis(np.asarray(one, np.float64), -1, 0)
    l2, a2, b2 = np.moveaxis(np.asarray(other, np.float64), -1, 0)
    mean_c = ((np.hypot(a1, b1) + np.hypot(a2, b2)) / 2) ** 7
    g = 0.5 * (1 - np.sqrt(mean_c / (mean_c + 25.0**7)))
    a1, a2 = a1 * (1 + g), a2 * (1 + g)
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = np.degrees(np.arctan2(b1, a1)) % 360, np.degrees(np.arctan2(b2, a2)) % 360
    grey = c1 * c2 == 0
    dh = np.where(grey, 0.0, (h2 - h1 + 180) % 360 - 180)
    mean_h = np.where(grey, h1 + h2, np.where(np.abs(h1 - h2) <= 180, (h1 + h2) / 2, ((h1 + h2 + 360) / 2) % 360))
    mean_l, mean_c1 = (l1 + l2) / 2, (c1 + c2) / 2
    t = (
        1
        - 0.17 * np.cos(np.radians(mean_h - 30))
        + 0.24 * np.cos(np.radians(2 * mean_h))
        + 0.32 * np.cos(np.radians(3 * mean_h + 6))
        - 0.2 * np.cos(np.radians(4 * mean_h - 63))
    )
    s_l = 1 + 0.015 * (mean_l - 50) ** 2 / np.sqrt(20 + (mean_l - 50) ** 2)
    s_c, s_h = 1 + 0.045 * mean_c1, 1 + 0.015 * mean_c1 * t
    turn = -np.sin(np.radians(60 * np.exp(-(((mean_h - 275) / 25) ** 2))))
    turn = turn * 2 * np.sqrt(mean_c1**7 / (mean_c1**7 + 25.0**7))
    lightness, chroma = (l2 - l1) / s_l, (c2 - c1) / s_c
    hue = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(dh / 2)) / s_h
    return np.asarray(np.sqrt(np.clip(lightness**2 + chroma**2 + hue**2 + turn * chroma * hue, 0, None)), np.float64)


def likeness(measured: Float, reference: Float) -> float:
    """How well the reference explains the colours, by an affine map of linear colours: the least share of three channels."""
    value, known = linear(measured).reshape(-1, 3), linear(reference).reshape(-1, 3)
    shape = np.hstack([known, np.ones((len(known), 1))])
    solution, *_ = np.linalg.lstsq(shape, value, rcond=None)
    left = ((value - shape @ solution) ** 2).sum(axis=0)
    return float((1 - left / np.maximum(((value - value.mean(axis=0)) ** 2).sum(axis=0), 1e-9)).min())


def balance(measured: Float, reference: Float, greys: NDArray[np.bool_]) -> Balance | None:
    """From (N, 3) sRGB colours that are not clipped; None where too few are left."""
    usable = ((measured > CLIPPED[0]) & (measured < CLIPPED[1])).all(axis=1)
    if usable.sum() < 9 or (usable & greys).sum() < 2:
        return None
    value, known = linear(measured[usable]), linear(reference[usable])
    matrix, *_ = np.linalg.lstsq(value, known, rcond=None)
    sums = linear(measured[usable & greys]).sum(axis=0) / linear(reference[usable & greys]).sum(axis=0)
    return Balance(np.asarray(sums[1] / sums, np.float64), np.asarray(matrix.T, np.float64), int(usable.sum()))
