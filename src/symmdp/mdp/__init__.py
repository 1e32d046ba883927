"""The symmetry of a Markov decision process: one value for networks and augmentation, and its check against a simulator."""

from symmdp.mdp._classic_control import simulator_of
from symmdp.mdp._explain import explain
from symmdp.mdp._explanation import Explanation, ParameterDifference
from symmdp.mdp._report import PartResult, VerificationReport
from symmdp.mdp._simulator import Simulator
from symmdp.mdp._symmetry import ActionMap, Symmetry
from symmdp.mdp._verify import verify
from symmdp.mdp._wrappers import wrapped_symmetry

__all__ = [
    "ActionMap",
    "Explanation",
    "ParameterDifference",
    "PartResult",
    "Simulator",
    "Symmetry",
    "VerificationReport",
    "explain",
    "simulator_of",
    "verify",
    "wrapped_symmetry",
]
