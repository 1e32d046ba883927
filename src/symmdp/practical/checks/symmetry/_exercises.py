from __future__ import annotations

from symmdp.practical._exercise import Exercise
from symmdp.practical.checks.symmetry._representations import cartpole_representations

EXERCISES: tuple[Exercise, ...] = (
    Exercise("cartpole-representations", 1, 3, "the matrices of CartPole's mirror image", cartpole_representations),
)
