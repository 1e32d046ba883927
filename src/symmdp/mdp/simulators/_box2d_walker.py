from __future__ import annotations

from typing import Any

import gymnasium.envs.box2d.bipedal_walker as walker
import numpy as np
from numpy.typing import NDArray

from symmdp.mdp.simulators._box2d_base import Box2DSimulator
from symmdp.mdp.simulators._box2d_bodies import Motion, follow, place
from symmdp.mdp.simulators._box2d_ground import crossings, fit_ground

_HULL = np.array([walker.TERRAIN_STEP * walker.TERRAIN_STARTPAD / 2, walker.TERRAIN_HEIGHT + 2 * walker.LEG_H])
_RAYS = 10
_ANGLES = 1.5 * np.arange(_RAYS) / _RAYS  # from straight down, forward
_BEHIND = 8  # vertices of the ground behind the hull
_BACK = _HULL[0] - walker.TERRAIN_STEP * np.arange(_BEHIND, -1, -1)  # their x, and that of the hull
_VERTICES = 22  # of the whole ground: these, those that the lidar sees, two feet, and the way ahead
_FAR = 4.0  # metres between vertices on the way ahead
_PAST = 1.02  # where nothing is seen, the ground is farther than the lidar's range by this factor
_CLEARANCE = 0.03  # metres between the ground behind the hull and what does not touch it
_SPEEDS = np.array([walker.SPEED_HIP, walker.SPEED_KNEE] * 2)  # units of the joints' speeds
_KNEES = np.array([0.0, 1.0, 0.0, 1.0])  # what observations add to the joints' angles
_ANGLE, _SPIN = np.array([4, 6, 9, 11]), np.array([5, 7, 10, 12])  # of the joints, in an observation
_TOUCH = np.array([8, 13])
_FEET = (2, 4)  # among the bodies
_PIXELS = np.array([walker.VIEWPORT_W, walker.VIEWPORT_H]) / walker.SCALE
_VELOCITY = 0.3 * _PIXELS / walker.FPS  # units of the hull's velocity


class BipedalWalkerSimulator(Box2DSimulator):
    """BipedalWalker, on the usual terrain or the hard one.

    What an observation leaves out is no part of the state: `get_state` returns the observation, and a step from it is a
    function of state and action. The hull is set where episodes start, so that the ends of the track are not met. The ground
    is straight between the points that the lidar sees and the feet that touch it; it runs on level from the last of them,
    and behind the hull, where it stays just below all that does not touch it.
    """

    most_resets = 250  # each makes two hundred bodies

    def __init__(self, env: Any):
        super().__init__(env)
        self._grounds: list[Any] = []
        self._state = np.zeros(14 + _RAYS)  # the last one that was set

    def reset(self, seed: int) -> None:
        # A world that has held bodies before counts them otherwise, and its episodes then depend on more than the seed.
        self._env._destroy()
        self._env.world = type(self._env.world)(gravity=self._env.world.gravity)
        self._grounds = []
        super().reset(seed)

    def get_state(self) -> NDArray[np.float64]:
        return self.observe()

    def set_state(self, state: NDArray[np.float64]) -> None:
        if self._is_set and np.array_equal(state, self._state):
            return
        if not self._grounds:
            self._take_grounds()
        motions = self._motions(state)
        ground = self._ground(motions, state).tolist()
        for i, body in enumerate(self._grounds):
            body.fixtures[0].shape.vertices = ground[i : i + 2]
        place(self._bodies(), motions, self._grounds)
        self._state = state.copy()
        self._begin(state[_TOUCH] > 0.5)

    def state_of(self, observation: NDArray[np.float64]) -> NDArray[np.float64]:
        state = np.array(observation, dtype=np.float64)
        state[_TOUCH] = state[_TOUCH] > 0.5
        state[-_RAYS:] = np.clip(state[-_RAYS:], 0, 1)
        return state

    def observe(self) -> NDArray[np.float64]:
        env = self._env
        velocity = np.array(tuple(env.hull.linearVelocity))
        found = np.empty(14 + _RAYS)
        found[:4] = [env.hull.angle, 2.0 * env.hull.angularVelocity / walker.FPS, *(velocity * _VELOCITY)]
        found[_ANGLE] = np.array([joint.angle for joint in env.joints]) + _KNEES
        found[_SPIN] = np.array([joint.speed for joint in env.joints]) / _SPEEDS
        found[_TOUCH] = [foot.ground_contact for foot in self._feet()]
        found[-_RAYS:] = self._state[-_RAYS:] if self._is_set else [ray.fraction for ray in env.lidar]
        return found

    def sample_states(self, count: int, reached: NDArray[np.float64], generator: np.random.Generator) -> NDArray[np.float64]:
        """Random poses within the joints' limits above a plane, which half of them touch."""
        low, high = np.array([joint.limits for joint in self._env.joints]).T
        found = np.zeros((count, 14 + _RAYS))
        for state in found:
            state[:4] = generator.normal(scale=0.3, size=4)
            state[_ANGLE] = generator.uniform(low, high) + _KNEES
            state[_SPIN] = generator.normal(scale=0.5, size=4)
            slope, gap = generator.uniform(-0.3, 0.3), generator.uniform(0.02, 0.5)
            corners, outlines = self._corners(self._motions(state))
            depths = (corners - _HULL) @ [slope, -1]
            depth, deepest = depths.max(), outlines.owner[depths.argmax()]
            if generator.integers(2) and deepest in _FEET:
                state[_TOUCH[_FEET.index(deepest)]], gap = 1, 0.0
            falls = walker.LIDAR_RANGE * (np.cos(_ANGLES) + slope * np.sin(_ANGLES))
            state[-_RAYS:] = np.where(falls > 0, np.clip((depth + gap) / np.maximum(falls, 1e-9), 0, 1), 1)
        return found

    def _bodies(self) -> list[Any]:
        return [self._env.hull, *self._env.legs]

    def _feet(self) -> list[Any]:
        return [self._env.legs[1], self._env.legs[3]]

    def _shaping(self) -> float:
        hull = self._env.hull
        return 130 * hull.position[0] / walker.SCALE - 5.0 * abs(hull.angle)

    def _take_grounds(self) -> None:
        """Put all terrain out of the world, and keep enough of its edges for the ground of a state."""
        env = self._env
        if env.hull is None:
            self.reset(seed=0)
        for body in env.terrain:
            body.active = False
        edges = [body for body in env.terrain if len(body.fixtures[0].shape.vertices) == 2]
        self._grounds = edges[: _VERTICES - 1]

    def _motions(self, state: NDArray[np.float64]) -> list[Motion]:
        angle, spin = float(state[0]), float(state[1]) * walker.FPS / 2
        vx, vy = state[2:4] / _VELOCITY
        found = [Motion(float(_HULL[0]), float(_HULL[1]), float(vx), float(vy), angle, spin)]
        angles, speeds = (state[_ANGLE] - _KNEES).tolist(), (state[_SPIN] * _SPEEDS).tolist()
        for i, joint in enumerate(self._env.joints):
            found.append(follow(joint, found[i if i % 2 else 0], angles[i], speeds[i], 1 / walker.FPS))
        return found

    def _ground(self, motions: list[Motion], state: NDArray[np.float64]) -> NDArray[np.float64]:
        """The vertices of the ground, from the left to the right, shape `(22, 2)`."""
        hits = _hits(state[-_RAYS:])
        corners, outlines = self._corners(motions)
        is_clear = np.ones(len(corners), dtype=bool)
        feet = []
        for touch, body in zip(_TOUCH, _FEET, strict=True):
            if state[touch] > 0.5:
                own = outlines.owner == body
                feet.append(corners[own][corners[own, 1].argmin()])
                is_clear &= ~own
        feet = np.array(feet).reshape(-1, 2)
        corners[is_clear, 1] -= _CLEARANCE
        above = np.concatenate([corners, crossings(corners, outlines.following, _BACK)])
        ahead = feet[:, 0] > _HULL[0]
        level, free = np.full(_BEHIND + 1, hits[0, 1]), np.arange(_BEHIND + 1) < _BEHIND
        heights = fit_ground(_BACK, level, feet[~ahead], above, free)
        seen = np.concatenate([hits, feet[ahead]])
        seen = seen[np.argsort(np.arctan2(seen[:, 0] - _HULL[0], _HULL[1] - seen[:, 1]), kind="stable")]
        behind = np.stack([_BACK, heights], axis=1)[:-1]
        rest = _VERTICES - len(behind) - len(seen)
        level = seen[-1] + np.stack([_FAR * np.arange(1.0, rest + 1), np.zeros(rest)], axis=1)
        return np.concatenate([behind, seen, level])


def _hits(fractions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where the rays of the lidar meet the ground; where one does not, the ground goes on level, or just out of its reach."""
    found, depth = [], _PAST * walker.LIDAR_RANGE
    for fraction, sin, cos in zip(fractions, np.sin(_ANGLES), np.cos(_ANGLES), strict=True):
        length = fraction * walker.LIDAR_RANGE
        if fraction >= 1:
            length = max(_PAST * walker.LIDAR_RANGE, depth / cos)
        depth = length * cos
        found.append(_HULL + length * np.array([sin, -cos]))
    return np.array(found)
