"""The symmetry of a Markov decision process: one value for networks and augmentation, and its check against a simulator."""

from symmdp.mdp._automorphism import AutomorphismDefect, automorphism_defect, is_automorphism
from symmdp.mdp._classic_control import simulator_of
from symmdp.mdp._explain import explain
from symmdp.mdp._explanation import Explanation, ParameterDifference
from symmdp.mdp._finite_mdp import FiniteMDP
from symmdp.mdp._finite_solvers import FiniteSolution, evaluate, policy_iteration, value_iteration
from symmdp.mdp._homomorphism import Homomorphism, quotient
from symmdp.mdp._report import PartResult, VerificationReport
from symmdp.mdp._simulator import Simulator
from symmdp.mdp._symmetry import ActionMap, Symmetry
from symmdp.mdp._verify import verify
from symmdp.mdp._wrappers import wrapped_symmetry

__all__ = [
    "ActionMap",
    "AutomorphismDefect",
    "Explanation",
    "FiniteMDP",
    "FiniteSolution",
    "Homomorphism",
    "ParameterDifference",
    "PartResult",
    "Simulator",
    "Symmetry",
    "VerificationReport",
    "automorphism_defect",
    "evaluate",
    "explain",
    "is_automorphism",
    "policy_iteration",
    "quotient",
    "simulator_of",
    "value_iteration",
    "verify",
    "wrapped_symmetry",
]
