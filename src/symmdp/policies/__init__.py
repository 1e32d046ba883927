"""Policies and value functions built from a symmetry: plain torch modules."""

from symmdp.policies._actor_critic import ActorCritic
from symmdp.policies._basis_actor_critic import BasisActorCritic
from symmdp.policies._canonical_actor_critic import CanonicalActorCritic
from symmdp.policies._convolutions import Convolutions
from symmdp.policies._plain_actor_critic import PlainActorCritic
from symmdp.policies._size import matched_hidden, matched_sizes, parameter_count

__all__ = [
    "ActorCritic",
    "BasisActorCritic",
    "CanonicalActorCritic",
    "Convolutions",
    "PlainActorCritic",
    "matched_hidden",
    "matched_sizes",
    "parameter_count",
]
