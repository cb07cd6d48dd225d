"""Random cracks column by column: how they grow, and how they fill the voxels of a slice."""

from __future__ import annotations

import numpy as np

from ..compiled import compiled
from ._polyline import LINE_FROM, _line


@compiled(error_model="numpy")
def sow(rng, coverage, target, counts, law, border, angle, lean):  # type: ignore[no-untyped-def]
    """Add random cracks to a stack in place.

    Parameters
    ----------
    coverage, target
        float32 and bool, shape (z, y, x).
    counts
        Lying and upright cracks.
    law
        As :func:`sprout` takes it.
    border
        Starts lie up to so many voxels outside.
    angle
        Rotation about the middle of the slices in radians.
    lean
        Standard deviation of the shift from slice to slice in voxels, over y, x.
    """
    depth, height, width = coverage.shape
    cos, sin = np.cos(angle), np.sin(angle)
    for upright in (0, 1):
        along = (cos, sin) if upright else (-sin, cos)
        across = (-sin, cos) if upright else (cos, sin)
        for _ in range(counts[upright]):
            shift = lean * rng.standard_normal(), lean * rng.standard_normal()
            slack = (abs(shift[0]) + abs(shift[1])) * depth / 2 + 1
            y, x = rng.uniform(-border, height + border), rng.uniform(-border, width + border)
            start = y - height / 2 if upright else x - width / 2
            seen = (height * abs(along[0]) + width * abs(along[1])) / 2 + slack
            before, after = max(0, int(start + seen)), max(0, int(seen - start))
            centre, thickness, first = sprout(rng, law, before, after)
            oy, ox = y - height / 2, x - width / 2
            oy, ox = cos * oy - sin * ox + height / 2, sin * oy + cos * ox + width / 2
            for z in range(depth):
                step = z - depth // 2
                origin = oy + step * shift[0], ox + step * shift[1]
                fill(coverage[z], target[z], centre, thickness, first, origin, along, across)


@compiled(error_model="numpy")
def sprout(rng, law, before, after):  # type: ignore[no-untyped-def]
    """One random crack, as :func:`grow` returns it.

    Parameters
    ----------
    law
        Least and largest thickness at the start, 1 if its logarithm is uniform, least and largest decay, least and
        largest smoothness, and the thickness at which growth ends.
    """
    low, high, logarithmic, decay_low, decay_high, smooth_low, smooth_high, end = law
    start = _log_uniform(rng, low, high) if logarithmic else rng.uniform(low, high)
    decay, smoothness = _log_uniform(rng, decay_low, decay_high), _log_uniform(rng, smooth_low, smooth_high)
    return grow(rng, start, decay, smoothness, end, before, after)


@compiled(error_model="numpy")
def _log_uniform(rng, low, high):  # type: ignore[no-untyped-def]
    return np.exp(rng.uniform(np.log(low), np.log(high)))


@compiled(error_model="numpy")
def grow(rng, start, decay, smoothness, end, before, after):  # type: ignore[no-untyped-def]
    """Grow a crack to both sides of its start: t ← t·(1 − |N(0, decay)|), c ← c + N(0, smoothness), until t < `end`.

    Parameters
    ----------
    rng
        Generator of random numbers.
    start
        Thickness at the start in voxels.
    before, after
        Most columns on the two sides.

    Returns
    -------
    Offset of the centre and thickness by column, both float64, and the number of columns before the start.
    """
    centre, thickness = np.empty(before + after + 1), np.empty(before + after + 1)
    centre[before], thickness[before] = 0.0, start
    first, last = before, before
    for step in (-1, 1):
        c, t = 0.0, start
        for n in range(1, (before if step < 0 else after) + 1):
            t *= max(0.0, 1 - abs(decay * rng.standard_normal()))
            c += smoothness * rng.standard_normal()
            if t < end:
                break
            centre[before + step * n], thickness[before + step * n] = c, t
            first, last = min(first, before + step * n), max(last, before + step * n)
    return centre[first : last + 1], thickness[first : last + 1], before - first


@compiled(error_model="numpy")
def fill(coverage, target, centre, thickness, first, origin, along, across):  # type: ignore[no-untyped-def]
    """Add one crack to a slice in place.

    A column is a line of its thickness across the crack, drawn at the centres that lie half-way to its neighbours, so
    that steep cracks stay whole and every column adds its thickness to the sum of the coverage.

    Parameters
    ----------
    coverage, target
        float32 and bool, shape (y, x). The target gets the centre line, 8-connected, where it is thick enough, and all
        voxels at least half covered.
    centre, thickness, first
        As :func:`grow` returns them.
    origin
        Where the crack starts, (y, x) in voxels.
    along, across
        Unit vectors of the crack's columns and of its thickness over y, x.
    """
    height, width = coverage.shape
    count = len(centre)
    for n in range(count):
        u, c, half = n - first, centre[n], thickness[n] / 2
        left = (centre[max(n - 1, 0)] + c) / 2
        right = (centre[min(n + 1, count - 1)] + c) / 2
        low, high = min(left, c, right) - half - 0.5, max(left, c, right) + half + 0.5
        middle, reach = (low + high) / 2, (high - low) / 2
        y_mid = origin[0] + u * along[0] + middle * across[0]
        x_mid = origin[1] + u * along[1] + middle * across[1]
        y_reach = 0.5 * abs(along[0]) + reach * abs(across[0])
        x_reach = 0.5 * abs(along[1]) + reach * abs(across[1])
        near, far = (left + c) / 2, (right + c) / 2
        samples = 1 + int(2 * (reach - half) - 1)  # at least one a voxel of the column's rise
        for y in range(max(0, int(np.ceil(y_mid - y_reach))), min(height, int(np.floor(y_mid + y_reach)) + 1)):
            off_y = (y - origin[0]) * along[0] - origin[1] * along[1] - u
            v_y = (y - origin[0]) * across[0] - origin[1] * across[1]
            for x in range(max(0, int(np.ceil(x_mid - x_reach))), min(width, int(np.floor(x_mid + x_reach)) + 1)):
                off = off_y + x * along[1]
                v = v_y + x * across[1]
                if off < -0.5 or off >= 0.5 or v <= low or v >= high:
                    continue
                # without branches, which would cost more than what they save
                share = max(0.0, min(v + 0.5, near + half) - max(v - 0.5, near - half)) / 2
                share += max(0.0, min(v + 0.5, far + half) - max(v - 0.5, far - half)) / 2
                if samples > 2:
                    share = 0.0
                    for k in range(samples):
                        place = 2 * (k + 0.5) / samples - 1
                        at = c + place * (right - c) if place > 0 else c - place * (left - c)
                        share += max(0.0, min(v + 0.5, at + half) - max(v - 0.5, at - half)) / samples
                coverage[y, x] = max(share, coverage[y, x])
                target[y, x] |= share >= 0.5
        if n + 1 < count and min(thickness[n], thickness[n + 1]) >= LINE_FROM:
            ay, ax = origin[0] + u * along[0] + c * across[0], origin[1] + u * along[1] + c * across[1]
            by, bx = ay + along[0], ax + along[1]
            step = centre[n + 1] - c
            _link(target, ay, ax, by + step * across[0], bx + step * across[1])


@compiled(error_model="numpy")
def _link(target, ay, ax, by, bx):  # type: ignore[no-untyped-def]
    """Join two neighbouring centres."""
    height, width = target.shape
    ay, ax, by, bx = int(np.floor(ay + 0.5)), int(np.floor(ax + 0.5)), int(np.floor(by + 0.5)), int(np.floor(bx + 0.5))
    if max(abs(ay - by), abs(ax - bx)) > 1:
        _line(target, ay, ax, by, bx)
        return
    if 0 <= ay < height and 0 <= ax < width:
        target[ay, ax] = True
    if 0 <= by < height and 0 <= bx < width:
        target[by, bx] = True
