"""What to change where a generator's cracks are not like those of the scan."""

from __future__ import annotations

from ..cracks import CrackGenerator
from ..cracks.random import RandomCracks
from ..settings import Length, VoxelSize

_HOW = {
    "opening": ("more open than", "less open than"),
    "width": ("wider than", "narrower than"),
    "depth": ("deeper than", "fainter than"),
    "length": ("longer than", "shorter than"),
    "lean": ("more leaning than", "more upright than"),
    "coverage": ("denser than", "sparser than"),
}
"""What a ratio above and below 1 means."""
_OPENINGS = ("aperture_max", "t_max", "thickness", "width")
_SETTINGS = {
    "opening": _OPENINGS,
    "width": _OPENINGS,
    "depth": _OPENINGS,
    "length": ("radius_max",),
    "lean": ("tilt",),
    "coverage": ("count",),
}
"""Settings of generators that change it in proportion; the first that a generator has."""


def sentence(name: str, ratio: float, generator: CrackGenerator, voxel_size: VoxelSize | None) -> str:
    """One sentence on a statistic of rendered cracks that is `ratio` times the scan's."""
    times = f"{ratio:.1f}×" if ratio > 1 else f"{1 / ratio:.1f}×" if ratio > 0 else "far"
    if name not in _HOW:
        more = "above" if ratio > 1 else "below"
        return (
            f"In rendered frames, {name} is {times} {more} the scan's: check crop and part mask, "
            "and how densely cracks are rendered."
        )
    said = f"Rendered cracks are {times} {_HOW[name][0 if ratio > 1 else 1]} the scan's"
    return f"{said}: {_advice(name, ratio, generator, voxel_size)}."


def _advice(name: str, ratio: float, generator: CrackGenerator, voxel_size: VoxelSize | None) -> str:
    verb = "lower" if ratio > 1 else "raise"
    setting = next((field for field in _SETTINGS[name] if field in type(generator).model_fields), None)
    if name == "length" and isinstance(generator, RandomCracks):
        return f"{'raise' if ratio > 1 else 'lower'} decay to {_digits(min(1.0, generator.decay * ratio))}"
    if setting is None:
        return f'no setting of the generator "{generator.kind}" changes that in proportion; try another'
    value = getattr(generator, setting)
    if isinstance(value, Length):
        return f"{verb} {setting} to {_length(value, ratio, voxel_size)}"
    if isinstance(value, tuple):
        low, high = (round(number / ratio) for number in value)
        return f"{verb} {setting} to {low}–{max(1, high)}"
    return f"{verb} {setting} to {_digits(min(90.0, value / ratio))}"


def _length(value: Length, ratio: float, voxel_size: VoxelSize | None) -> str:
    """The length that would fit, in µm where that can be told, as the setting is written."""
    if value.unit == "um" or voxel_size is None:
        return str(Length(float(_digits(value.value / ratio)), value.unit))
    return str(Length(float(_digits(value.value * voxel_size[1] / ratio)), "um"))


def _digits(value: float) -> str:
    return f"{value:.2g}"
