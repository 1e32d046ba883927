"""Environments of symmdp's own; `import symmdp` registers them with Gymnasium.

Gymnasium looks up nothing behind the scenes: a program that does not import symmdp names the module,
`gymnasium.make("symmdp:symmdp/GridWorld-v0")`.
"""

import gymnasium as gym

from symmdp.catalogue.environments._atari_field import BREAKOUT_FIELD, PONG_FIELD, AtariField, field_of
from symmdp.catalogue.environments._grid_world import GridWorld
from symmdp.catalogue.environments._grid_world_law import GridWorldLaw
from symmdp.catalogue.environments._grid_world_mdp import grid_world_mdp
from symmdp.catalogue.environments._grid_world_vector import GridWorldVector
from symmdp.catalogue.environments._pong import Pong
from symmdp.catalogue.environments._pong_vector import PongVector

__all__ = [
    "BREAKOUT_FIELD",
    "PONG_FIELD",
    "AtariField",
    "GridWorld",
    "GridWorldLaw",
    "GridWorldVector",
    "Pong",
    "PongVector",
    "field_of",
    "grid_world_mdp",
]

if "symmdp/GridWorld-v0" not in gym.registry:  # registering twice warns
    gym.register(
        id="symmdp/GridWorld-v0",
        entry_point="symmdp.catalogue.environments:GridWorld",
        vector_entry_point="symmdp.catalogue.environments:GridWorldVector",
        max_episode_steps=100,
    )

if "symmdp/Pong-v0" not in gym.registry:
    gym.register(
        id="symmdp/Pong-v0",
        entry_point="symmdp.catalogue.environments:Pong",
        vector_entry_point="symmdp.catalogue.environments:PongVector",
        max_episode_steps=27_000,
    )
