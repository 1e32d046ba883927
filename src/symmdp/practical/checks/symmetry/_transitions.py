from __future__ import annotations

import numpy as np

from symmdp.practical._answers import array, fail, function, integer


def mirror_image(mirror: object) -> str:
    """A function that takes a state and an action to their mirror images."""
    import torch

    asked = function(mirror, "mirror")
    generator = np.random.default_rng(0)
    for state in (generator.normal(size=4), np.array([1.0, 2.0, 0.0, -4.0])):
        for action in (1, 0):
            for given in (state, torch.as_tensor(state)):
                kept = np.array(state)
                result = asked(given, action)
                if not isinstance(result, tuple | list) or len(result) != 2:
                    fail("mirror should return two things: the mirrored state and the mirrored action.")
                found = array(result[0], "your mirrored state", (4,))
                if not np.array_equal(state, kept):
                    fail("mirror changes the state that it was given; make a new one.")
                if not np.allclose(found, -state):
                    wrong = [
                        name for name, a, b in zip(("x", "ẋ", "θ", "θ̇"), found, -state, strict=True) if not np.isclose(a, b)
                    ]
                    fail(f"Your mirrored state is wrong in {', '.join(wrong)}: from {state.round(2)} you get {found.round(2)}.")
                moved = integer(result[1], "your mirrored action")
                if moved == -action and action:
                    fail("Your mirrored action of 1 is −1. Actions are names: 0 is left and 1 is right, so 1 becomes 0.")
                if moved == action:
                    fail(f"Your mirrored action of {action} is {action} again: pushing left in the mirror is pushing right.")
                if moved != 1 - action:
                    fail(f"Your mirrored action of {action} is {moved}; actions are 0 and 1.")
    return "Mirroring twice gives the old state and action back."
