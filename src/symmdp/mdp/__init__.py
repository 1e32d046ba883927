"""The symmetry of a Markov decision process: one value for networks and augmentation, and its check against a simulator."""

from symmdp.mdp._environments import (
    environment_name,
    environment_spec,
    make_environment,
    parse_environment_name,
    unusual_options,
)
from symmdp.mdp._symmetry import ActionMap, Symmetry
from symmdp.mdp.explanation._explain import explain
from symmdp.mdp.explanation._explanation import Explanation, ParameterDifference
from symmdp.mdp.finite._automorphism import AutomorphismDefect, automorphism_defect, is_automorphism
from symmdp.mdp.finite._coarsest import coarsest_homomorphism
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
from symmdp.mdp.transform._symmetric_normalization import SymmetricNormalization, VectorSymmetricNormalization
from symmdp.mdp.transform._symmetric_statistics import SymmetricStatistics
from symmdp.mdp.verification._log import LoggedTransitions
from symmdp.mdp.verification._record import record_transitions
from symmdp.mdp.verification._report import Epsilon, PartResult, VerificationReport
from symmdp.mdp.verification._verify import verify
from symmdp.mdp.wrappers._action_history import ActionHistory, VectorActionHistory
from symmdp.mdp.wrappers._wrapped_symmetry import wrapped_symmetry

__all__ = [
    "ActionHistory",
    "ActionMap",
    "Augmentation",
    "AugmentedBuffer",
    "AutomorphismDefect",
    "CanonicalStates",
    "Canonicalization",
    "Epsilon",
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
    "SymmetricNormalization",
    "SymmetricStatistics",
    "Symmetry",
    "VectorActionHistory",
    "VectorCanonicalStates",
    "VectorSymmetricNormalization",
    "VerificationReport",
    "automorphism_defect",
    "coarsest_homomorphism",
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
    "unusual_options",
    "value_iteration",
    "verify",
    "wrapped_symmetry",
]
