"""The pictures of the practical; each function draws one, and a notebook shows what it returns."""

from symmdp.practical.pictures._cart_pole import draw_cart_pole
from symmdp.practical.pictures._grid_world import grid_world_turns
from symmdp.practical.pictures._layers import commuting_squares
from symmdp.practical.pictures._learning_curves import compared_runs, learning_curves
from symmdp.practical.pictures._mirror_pair import mirror_pair
from symmdp.practical.pictures._phase_plane import phase_plane
from symmdp.practical.pictures._picture import Picture
from symmdp.practical.pictures._policy_maps import policy_maps
from symmdp.practical.pictures._pong import pong_flip, pong_frames
from symmdp.practical.pictures._residuals import residual_map, symmetry_residuals
from symmdp.practical.pictures._slider import MirrorSlider
from symmdp.practical.pictures._weights import basis_images, symmetrized_weights

__all__ = [
    "MirrorSlider",
    "Picture",
    "basis_images",
    "commuting_squares",
    "compared_runs",
    "draw_cart_pole",
    "grid_world_turns",
    "learning_curves",
    "mirror_pair",
    "phase_plane",
    "policy_maps",
    "pong_flip",
    "pong_frames",
    "residual_map",
    "symmetrized_weights",
    "symmetry_residuals",
]
