from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from symmdp.errors import OptionError
from symmdp.mdp import Symmetry
from symmdp.nn import EquivariantCNN, EquivariantMLP, EquivariantSequential, Pointwise, hidden_representation
from symmdp.policies._convolutions import Convolutions
from symmdp.representations import ImageRepresentation, Representation

# A policy that starts near uniform explores; hence the small gain (Andrychowicz et al. 2020, section 3.2).
_ACTOR_GAIN = 0.01

Networks = tuple[nn.Module | None, nn.Module, nn.Module]


def networks(
    symmetry: Symmetry,
    action: Representation,
    hidden: Sequence[int],
    convolutions: Convolutions,
    activation: Callable[[Tensor], Tensor] | None,
    *,
    free_path: bool = False,
    **common: Any,
) -> Networks:
    """What actor and critic share, or None; the actor; the critic.

    Args:
        symmetry: of the MDP.
        action: the representation on actions.
        hidden: widths of the hidden layers.
        convolutions: before them, where observations are images.
        activation: of the hidden layers; tanh for vectors and relu for images when not given.
        free_path: whether each linear map has a free one beside it; of vectors alone.
        common: options of every network.

    Raises:
        OptionError: no hidden layer has at least one unit, or actor and critic share none; or a free path for images.
    """
    observation, value = symmetry.observation, symmetry.group.trivial
    if not isinstance(observation, ImageRepresentation):
        common |= {"activation": activation or torch.tanh, "free_path": free_path}
        actor = EquivariantMLP(observation, action, hidden, output_gain=_ACTOR_GAIN, **common)
        return None, actor, EquivariantMLP(observation, value, hidden, **common)
    if free_path:
        raise OptionError("free_path=True is for policies of vectors; convolutions have no free path. Leave it out.")
    function = activation or torch.relu

    def cnn(rep_out: Representation, hidden: Sequence[int], output_gain: float) -> EquivariantCNN:
        return EquivariantCNN(
            observation.plane,
            observation.channels,
            rep_out,
            observation.shape[1:],
            convolutions.channels,
            convolutions.kernel_size,
            convolutions.stride,
            convolutions.paddings,
            hidden=hidden,
            pool=convolutions.pool,
            activation=function,
            output_gain=output_gain,
            **common,
        )

    if not convolutions.shared:
        return None, cnn(action, hidden, _ACTOR_GAIN), cnn(value, hidden, 1.0)
    if not hidden:
        raise OptionError("Actor and critic share hidden layers: give hidden a width at least, such as (64,), or shared=False.")
    last = hidden_representation(symmetry.group, hidden[-1])
    trunk = EquivariantSequential(cnn(last, hidden[:-1], math.sqrt(2)), Pointwise(last, function))
    return trunk, EquivariantMLP(last, action, (), output_gain=_ACTOR_GAIN, **common), EquivariantMLP(last, value, (), **common)
