from __future__ import annotations

from symmdp.practical._exercise import Exercise
from symmdp.practical.checks.symmetry._causes import what_breaks
from symmdp.practical.checks.symmetry._composition import composition_table
from symmdp.practical.checks.symmetry._group import group_axioms
from symmdp.practical.checks.symmetry._invariance import invariance_or_equivariance
from symmdp.practical.checks.symmetry._orbits import canonical_state, orbit_sizes
from symmdp.practical.checks.symmetry._policy import policy_in_the_mirror
from symmdp.practical.checks.symmetry._representations import cartpole_representations
from symmdp.practical.checks.symmetry._simulation import symmetry_error
from symmdp.practical.checks.symmetry._transitions import mirror_image

EXERCISES: tuple[Exercise, ...] = (
    Exercise(
        "invariance-or-equivariance", 1, 2, "six functions: invariant, equivariant or neither", invariance_or_equivariance
    ),
    Exercise("group-axioms", 1, 2, "telling groups from other sets of matrices", group_axioms),
    Exercise("mirror-image", 1, 1, "CartPole's mirror in a formula", mirror_image),
    Exercise("cartpole-representations", 1, 3, "the matrices of CartPole's mirror", cartpole_representations),
    Exercise("composition-table", 1, 2, "composing elements, and the table of a group", composition_table),
    Exercise("symmetry-error", 1, 3, "measuring symmetry on a simulator", symmetry_error),
    Exercise("what-breaks", 1, 2, "changes that break the symmetry", what_breaks),
    Exercise("policy-in-the-mirror", 1, 1, "an equivariant policy, in numbers", policy_in_the_mirror),
    Exercise("orbit-sizes", 1, 1, "how many states an orbit has", orbit_sizes),
    Exercise("canonical-state", 1, 2, "one state for each orbit", canonical_state),
)
