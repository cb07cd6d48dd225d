"""Where tiles lie, such that they cannot be seen: on multiples of the net's stride, with its reach around them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

Span = tuple[int, int]

PIXELS = 2**22
"""About the most pixels of a tile, where the network's reach allows: the larger, the less is seen twice."""


@dataclass(frozen=True)
class Tile:
    """One tile along two axes: what it answers for, and what the net sees."""

    core: tuple[Span, Span]
    seen: tuple[Span, Span]

    def within(self, spans: tuple[Span, Span]) -> tuple[slice, slice, slice]:
        """Where its core lies in a box that has those spans in the slice."""
        y, x = (slice(a - first, b - first) for (a, b), (first, _) in zip(self.core, spans, strict=True))
        return (slice(None), y, x)

    @property
    def cut(self) -> tuple[slice, slice]:
        """Where its core lies in what is seen."""
        y, x = (slice(a - first, b - first) for (a, b), (first, _) in zip(self.core, self.seen, strict=True))
        return (y, x)


def tiles(spans: tuple[Span, Span], plane: tuple[int, int], stride: int, reach: int, pixels: int) -> Iterator[Tile]:
    """Tiles that cover two spans of a slice.

    Parameters
    ----------
    spans
        What is wanted along both axes, in pixels of the scan.
    plane
        Sides of the scan's slice, pixels.
    stride, reach
        Of the network, pixels.
    pixels
        About the most pixels of a tile.
    """
    halo = -(-reach // stride) * stride
    side = max(int(pixels**0.5) // stride * stride - 2 * halo, 2 * halo, stride)
    for y, x in product(*(_along(span, length, stride, halo, side) for span, length in zip(spans, plane, strict=True))):
        yield Tile((y[0], x[0]), (y[1], x[1]))


def _along(span: Span, length: int, stride: int, halo: int, side: int) -> list[tuple[Span, Span]]:
    """Cores and what is seen of them along one axis, on multiples of the stride counted from the scan's origin.

    What the net sees never begins before the scan, and ends on the first multiple behind it: there the net's own
    padding is met as if the slice were one tile.
    """
    end = -(-length // stride) * stride
    first = span[0] // stride * stride
    if side + 2 * halo >= end:
        side = end
    count = -(-(span[1] - first) // side)
    side = -(-(span[1] - first) // (count * stride)) * stride
    found = []
    for start in range(first, span[1], side):
        seen = (max(0, start - halo), min(end, start + side + halo))
        found.append(((max(start, span[0]), min(start + side, span[1])), seen))
    return found
