"""The symmetry of a Markov decision process: one value for networks and augmentation, and its check against a simulator."""

from symmdp.mdp._environments import environment_name, environment_spec, make_environment, parse_environment_name
from symmdp.mdp._symmetry import ActionMap, Symmetry
from symmdp.mdp._wrappers import wrapped_symmetry
from symmdp.mdp.explanation._explain import explain
from symmdp.mdp.explanation._explanation import Explanation, ParameterDifference
from symmdp.mdp.finite._automorphism import AutomorphismDefect, automorphism_defect, is_automorphism
from symmdp.mdp.finite._homomorphism import Homomorphism, quotient
from symmdp.mdp.finite._mdp import FiniteMDP
from symmdp.mdp.finite._solvers import FiniteSolution, evaluate, policy_iteration, value_iteration
from symmdp.mdp.simulators._find import simulator_of
from symmdp.mdp.simulators._simulator import Simulator
from symmdp.mdp.transform._augmentation import Augmentation, AugmentedBuffer
from symmdp.mdp.transform._canonical_env import CanonicalStates, VectorCanonicalStates
from symmdp.mdp.transform._canonicalization import Canonicalization
from symmdp.mdp.transform._frame_average import FrameAverage
from symmdp.mdp.transform._mirror_loss import MirrorLoss
from symmdp.mdp.verification._log import LoggedTransitions
from symmdp.mdp.verification._record import record_transitions
from symmdp.mdp.verification._report import PartResult, VerificationReport
from symmdp.mdp.verification._verify import verify

__all__ = [
    "ActionMap",
    "Augmentation",
    "AugmentedBuffer",
    "AutomorphismDefect",
    "CanonicalStates",
    "Canonicalization",
    "Explanation",
    "FiniteMDP",
    "FiniteSolution",
    "FrameAverage",
    "Homomorphism",
    "LoggedTransitions",
    "MirrorLoss",
    "ParameterDifference",
    "PartResult",
    "Simulator",
    "Symmetry",
    "VectorCanonicalStates",
    "VerificationReport",
    "automorphism_defect",
    "environment_name",
    "environment_spec",
    "evaluate",
    "explain",
    "is_automorphism",
    "make_environment",
    "parse_environment_name",
    "policy_iteration",
    "quotient",
    "record_transitions",
    "simulator_of",
    "value_iteration",
    "verify",
    "wrapped_symmetry",
]
