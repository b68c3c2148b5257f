"""Motion around the Sun alone, along any conic, of many bodies at once.

Universal variables (Danby 1992, Fundamentals of Celestial Mechanics, section 6.9), solved by the iteration of Laguerre
and Conway (1986, Celestial Mechanics 39, 199), which needs no good first guess: ellipses, parabolas and hyperbolas are
one case.
"""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

GAUSS = 0.01720209895
"""Gravitational constant of Gauss: astronomical units, days, masses of the Sun."""
_SERIES_BELOW = 0.1
"""Nearer to a parabola differences of cosines lose digits, and six terms of the series lose none."""
_DEGREE = 5.0
"""Of the polynomial that Laguerre's iteration takes the function for, as Conway found it best."""
_MOST_ROUNDS = 60
_PRECISION = 1e-13
_NOISE = 2e-15
_WORTH_LEAVING = 0.3
"""With so many solved, the others go on alone."""
_CHUNK = 32768
"""Bodies at a time: what is computed of them stays in the cache of a processor."""


def drift(position_au: FloatArray, velocity_au_d: FloatArray, days: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return heliocentric positions and velocities, shape (n, 3), after ``days`` (n) under the Sun's pull alone.

    ValueError if a body's orbit cannot be solved: no such orbit has been seen with finite numbers.
    """
    after, speed = np.empty_like(position_au), np.empty_like(velocity_au_d)
    for first in range(0, len(position_au), _CHUNK):
        part = slice(first, first + _CHUNK)
        after[part], speed[part] = _drift(position_au[part], velocity_au_d[part], days[part])
    return after, speed


def _drift(position: FloatArray, velocity: FloatArray, days: FloatArray) -> tuple[FloatArray, FloatArray]:
    # Velocities in units in which the Sun's constant is 1.
    speed = velocity / GAUSS
    distance = np.sqrt(np.einsum("ij,ij->i", position, position))
    radial = np.einsum("ij,ij->i", position, speed)
    alpha = 2.0 / distance - np.einsum("ij,ij->i", speed, speed)
    tau = _within_a_turn(GAUSS * days, alpha)
    chi = _solve(tau, distance, radial, alpha)
    c, s = _stumpff(alpha * chi**2)
    f = 1.0 - chi**2 * c / distance
    g = tau - chi**3 * s
    after = f[:, None] * position + g[:, None] * speed
    farther = np.sqrt(np.einsum("ij,ij->i", after, after))
    f_dot = chi * (alpha * chi**2 * s - 1.0) / (distance * farther)
    g_dot = 1.0 - chi**2 * c / farther
    return after, GAUSS * (f_dot[:, None] * position + g_dot[:, None] * speed)


def _within_a_turn(tau: FloatArray, alpha: FloatArray) -> FloatArray:
    """Leave out whole turns of ellipses."""
    turn = np.full_like(tau, np.inf)
    closed = alpha > 0.0
    turn[closed] = 2.0 * np.pi * alpha[closed] ** -1.5
    n_turns = np.rint(tau / turn)
    return np.asarray(tau - np.where(n_turns == 0.0, 0.0, n_turns * np.where(closed, turn, 0.0)))


def _solve(tau: FloatArray, distance: FloatArray, radial: FloatArray, alpha: FloatArray) -> FloatArray:
    """Return the universal anomaly at which the time since the start is ``tau``.

    Time grows with the anomaly, so that a bracket closes around it, whatever a single step does.
    """
    solved = np.empty_like(tau)
    chi = _guess(tau, distance, alpha)
    low, high = np.where(tau < 0.0, -np.inf, 0.0), np.where(tau < 0.0, 0.0, np.inf)
    left = np.arange(len(tau))
    for _ in range(_MOST_ROUNDS):
        chi, low, high, done = _step(chi, low, high, tau, distance, radial, alpha)
        solved[left[done]] = chi[done]
        if done.all():
            return solved
        if done.mean() > _WORTH_LEAVING:
            keep = ~done
            left, chi, low, high = left[keep], chi[keep], low[keep], high[keep]
            tau, distance, radial, alpha = tau[keep], distance[keep], radial[keep], alpha[keep]
    message = f"{len(left)} orbits cannot be solved"
    raise ValueError(message)


def _step(
    chi: FloatArray, low: FloatArray, high: FloatArray,
    tau: FloatArray, distance: FloatArray, radial: FloatArray, alpha: FloatArray,
) -> tuple[FloatArray, FloatArray, FloatArray, NDArray[np.bool_]]:  # fmt: skip
    """Return better anomalies, the brackets around them, and which need no other step."""
    z = alpha * chi**2
    c, s = _stumpff(z)
    terms = radial * chi**2 * c, (1.0 - alpha * distance) * chi**3 * s, distance * chi
    lack = terms[0] + terms[1] + terms[2] - tau
    slope = chi**2 * c + radial * chi * (1.0 - z * s) + distance * (1.0 - z * c)
    bend = (1.0 - alpha * distance) * chi * (1.0 - z * s) + radial * (1.0 - z * c)
    root = np.sqrt(np.abs((_DEGREE - 1.0) ** 2 * slope**2 - _DEGREE * (_DEGREE - 1.0) * lack * bend))
    low, high = np.where(lack < 0.0, chi, low), np.where(lack > 0.0, chi, high)
    after = chi - _DEGREE * lack / (slope + root)
    # Nearer than what the sum of these terms resolves there is nothing to find.
    noise = _NOISE * (np.abs(terms[0]) + np.abs(terms[1]) + np.abs(terms[2]) + np.abs(tau))
    done = (np.abs(after - chi) <= _PRECISION * np.abs(chi)) | (np.abs(lack) <= noise)
    lost = ~((after >= low) & (after <= high))
    if lost.any():
        middle = np.where(np.isfinite(low) & np.isfinite(high), 0.5 * (low + high), 2.0 * chi)
        after = np.where(lost, np.where(done, chi, middle), after)
    return after, low, high, done


def _guess(tau: FloatArray, distance: FloatArray, alpha: FloatArray) -> FloatArray:
    """Return the anomaly of a circle, or the least of what bodies on open orbits reach."""
    parabola = np.cbrt(6.0 * np.abs(tau) / np.maximum(1.0 - alpha * distance, 1e-12))
    reach = np.minimum(np.abs(tau) / distance, parabola)
    return np.asarray(np.where(alpha * distance > 0.5, tau * alpha, np.copysign(reach, tau)))


def _stumpff(z: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the functions c2 and c3 of Stumpff."""
    root = np.sqrt(np.abs(z))
    near = np.abs(z) < _SERIES_BELOW
    safe = np.where(near, 1.0, z)
    beyond = z < 0.0
    # Of hyperbolas only, and rare: cosh of an ellipse may overflow.
    if beyond.any():
        flat = np.minimum(root, 300.0)
        cosine, sine = np.where(beyond, np.cosh(flat), np.cos(root)), np.where(beyond, np.sinh(flat), np.sin(root))
    else:
        cosine, sine = np.cos(root), np.sin(root)
    c = (1.0 - cosine) / safe
    s = np.where(beyond, sine - root, root - sine) / (np.where(near, 1.0, root) * np.abs(safe))
    if near.any():
        small = z[near]
        c[near] = _series(small, 2)
        s[near] = _series(small, 3)
    return c, s


def _series(z: FloatArray, first: int) -> FloatArray:
    total = np.zeros_like(z)
    # From the last term to the first: 1/first! (1 - z/((first+1)(first+2)) (1 - ...)).
    for term in range(6, 0, -1):
        lower = first + 2 * term - 1
        total = -z / (lower * (lower + 1)) * (1.0 + total)
    return (1.0 + total) / (2.0 if first == 2 else 6.0)
