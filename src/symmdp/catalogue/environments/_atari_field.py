"""The playing field in the frames of Atari games, which verification crops as well."""

from symmdp.mdp.simulators._atari_field import BREAKOUT_FIELD, PONG_FIELD, AtariField, field_of

__all__ = ["BREAKOUT_FIELD", "PONG_FIELD", "AtariField", "field_of"]
