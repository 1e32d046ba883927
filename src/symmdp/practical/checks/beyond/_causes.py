"""What breaks a symmetry: MountainCar, a tilted pole, and planted faults."""

from __future__ import annotations

import numpy as np

from symmdp.practical._answers import array, by_name, choice, fail
from symmdp.practical._faulty_cart_poles import CART_POLES, FAULTS

_CAUSES = ("nothing", "wall", "goal", "range of positions", "where episodes start")
_MOUNTAIN_CAR = {
    "observation": ("wall", "a car that hits the wall stops, and at the wall's image it does not"),
    "reward": ("nothing", "it is −1 at every step, on both sides"),
    "termination": ("goal", "the episode ends on the right hill and not on the left one"),
    "initial states": ("where episodes start", "positions from −0.6 to −0.4 lie not evenly around the lowest point, −0.52"),
    "bounds": ("range of positions", "from −1.2 to 0.6 the lowest point, −0.52, is not in the middle"),
}


def mountain_car(causes: object) -> str:
    """Which thing breaks each part of MountainCar's mirror."""
    found = by_name(causes, "causes", list(_MOUNTAIN_CAR))
    for part, (right, why) in _MOUNTAIN_CAR.items():
        given = choice(found[part], f"causes[{part!r}]", _CAUSES)
        if given != right:
            fail(f"{part}: not {given!r}: {why}.")
    return "The hill itself is symmetric; what stands on it is not."


TILT = -float(np.arctan2(0.0005, 0.3))
"""The angle about which InvertedPendulum's pole is symmetric, in radians."""


def tilted_pole(center: object) -> str:
    """The fixed point of the exact mirror of InvertedPendulum, `(0, −atan2(0.0005, 0.3), 0, 0)`."""
    found = array(center, "your centre", (4,))
    if np.abs(found[[0, 2, 3]]).max() > 1e-9:
        fail("Only the angle has another centre: x and both velocities are mirrored about 0. The order is x, θ, ẋ, θ̇.")
    angle = float(found[1])
    if abs(angle - TILT) < 2e-7:
        return "Mirrored about the angle at which the pole's mass is above its joint, the dynamics are exact."
    if angle == 0:
        fail("Your centre is the origin, about which the mirror is not exact: the report shows an error of 0.005.")
    if abs(angle + TILT) < 2e-7:
        fail(
            "Your angle has the wrong sign. At θ = 0 the mass is at x = +0.0005, so θ must be a little negative for it "
            "to stand above the joint."
        )
    if abs(angle - 2 * TILT) < 1e-6 or abs(angle + 2 * TILT) < 1e-6:
        fail("Your angle is twice the tilt. A mirror about c takes θ to 2c − θ: the centre is the tilt itself.")
    if abs(angle - np.degrees(TILT)) < 1e-3 or abs(angle + np.degrees(TILT)) < 1e-3:
        fail("Your angle is in degrees; observations are in radians.")
    fail(f"Your angle is {angle:.6g}. The mass is at x = 0.0005 and z = 0.3: by which angle is it off the vertical?")


def planted_faults(faults: object) -> str:
    """What is wrong with each of five cart–poles."""
    parts = {
        FAULTS[0]: "all five parts pass",
        FAULTS[1]: "it is the observation that differs, at the velocities: a push has another strength than its mirror image",
        FAULTS[2]: "it is termination that differs, and nothing else: on one side the episode ends earlier",
        FAULTS[3]: "it is the reward that differs, and nothing else",
        FAULTS[4]: "it is the distribution of initial states that differs, and nothing else",
    }
    found = by_name(faults, "faults", list(CART_POLES))
    for name, right in CART_POLES.items():
        given = choice(found[name], f"faults[{name!r}]", FAULTS)
        if given != right:
            fail(f"{name}: not {given!r}. Print symmdp.verify(faulty_cart_pole({name!r}), symmetry): {parts[right]}.")
    return "The part that differs tells where to look."
