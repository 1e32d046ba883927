from __future__ import annotations

from symmdp.practical._answers import boolean, by_name, fail

_RIGHT = {
    "longer pole": (True, "its length is the same in the mirror"),
    "wind": (False, "a wind to the right blows to the left in the mirror: transitions break"),
    "reward near the centre": (True, "the mirror image is as far from the centre: |−x| = |x|"),
    "reward on the right": (False, "the reward R(s, a) ≠ R(−s, K a), although all transitions agree"),
    "weaker pushes to the left": (False, "pushes in s and in the mirror image have different strengths: transitions break"),
    "friction": (True, "friction is opposed to the motion, and both change their signs in the mirror"),
    "wall on the right": (False, "the episode ends at the wall, and does not end at its mirror image"),
}


def what_breaks(survives: object) -> str:
    """Which changes of CartPole leave the mirror a symmetry."""
    found = by_name(survives, "survives", list(_RIGHT))
    for name, (right, why) in _RIGHT.items():
        if boolean(found[name], f"survives[{name!r}]") != right:
            fail(f"{name}: the symmetry {'survives' if right else 'is broken'}: {why}.")
    return "A symmetry needs transitions, rewards and ends of episodes alike."
