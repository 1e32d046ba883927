from __future__ import annotations

from symmdp.practical._exercise import Exercise
from symmdp.practical.checks.beyond._causes import mountain_car, planted_faults, tilted_pole
from symmdp.practical.checks.beyond._plugging_in import acrobot_policy, plain_copy
from symmdp.practical.checks.beyond._pong import pong_breaks, pong_symmetry
from symmdp.practical.checks.beyond._turns import (
    any_symmetrizer,
    dimension_of_grid_world,
    layers_without_inverse,
    turned_actions,
)

EXERCISES: tuple[Exercise, ...] = (
    Exercise("turned-actions", 4, 2, "how Grid World's actions turn with its image", turned_actions),
    Exercise("any-symmetrizer", 4, 2, "a symmetrizer that is right for turns too", any_symmetrizer),
    Exercise("layers-without-inverse", 4, 1, "which depths hide a missing inverse", layers_without_inverse),
    Exercise(
        "grid-world-dimension", 4, 1, "the dimension of the equivariant maps from images to actions", dimension_of_grid_world
    ),
    Exercise("pong-symmetry", 4, 3, "Pong's flip, declared", pong_symmetry),
    Exercise("pong-breaks", 4, 1, "what breaks Pong's symmetry", pong_breaks),
    Exercise("mountain-car", 4, 2, "why MountainCar is not symmetric", mountain_car),
    Exercise("tilted-pole", 4, 2, "the angle about which InvertedPendulum is symmetric", tilted_pole),
    Exercise("planted-faults", 4, 2, "what is wrong with five cart–poles", planted_faults),
    Exercise("acrobot-policy", 4, 2, "an equivariant policy for code of one's own", acrobot_policy),
    Exercise("plain-copy", 4, 1, "the same policy without symmdp", plain_copy),
)
