from __future__ import annotations

from typing import Any

import gymnasium.envs.box2d.lunar_lander as lander
import numpy as np
from numpy.typing import NDArray

from symmdp.mdp.simulators._box2d_base import Box2DSimulator
from symmdp.mdp.simulators._box2d_bodies import Motion, follow, motion_of, place
from symmdp.mdp.simulators._box2d_ground import crossings, fit_ground
from symmdp.mdp.simulators._simulator import Transition

_HALF_WIDTH, _HALF_HEIGHT = lander.VIEWPORT_W / lander.SCALE / 2, lander.VIEWPORT_H / lander.SCALE / 2
_BODY = 6  # numbers that say where a body is and how it moves
_VERTICES = 11  # of the terrain
_X = np.linspace(0, 2 * _HALF_WIDTH, _VERTICES)
_WIND = 9999  # the wind starts at a random index of at most so much, in either direction
_CLEARANCE = 0.1  # metres: the terrain stays below all that does not touch it, by up to so much
_REACH = 1.5  # metres: the body and the legs are less than so far from the lander's position
_LOW = 0.4  # the largest y of sampled states that touch the ground
_TOUCHING = ((False, False), (False, False), (False, False), (True, False), (False, True), (True, True))


class LunarLanderSimulator(Box2DSimulator):
    """LunarLander, with discrete or continuous actions, with wind or without.

    Its state: x, y, their velocities, angle and spin of the body, and of either leg with its contact; the heights of the
    terrain; the indices of wind and turbulence. Its steps are random, since engines are. Of an observation that leaves out
    terrain, legs and wind, `state_of` draws these: legs that stand at their inner stops or are on the way there; wind as a
    reset draws it; and terrain as a reset draws it, moved as little as possible so that it passes through the feet that
    touch it, and below all else. A rest of half a second, for which the landing is rewarded, is longer than a step.
    """

    is_random = True

    def get_state(self) -> NDArray[np.float64]:
        env = self._env
        legs = [[*motion_of(leg), leg.ground_contact] for leg in env.legs]
        heights = [edge.shape.vertices[0][1] for edge in self._edges()] + [self._edges()[-1].shape.vertices[1][1]]
        wind = [env.wind_idx, env.torque_idx] if env.enable_wind else [0, 0]
        return np.array([*motion_of(env.lander), *np.ravel(legs), *heights, *wind], dtype=np.float64)

    def set_state(self, state: NDArray[np.float64]) -> None:
        env = self._env
        pose, legs, heights, wind = np.split(state, np.cumsum([_BODY, 2 * (_BODY + 1), _VERTICES]))
        legs = legs.reshape(2, _BODY + 1)
        if env.lander is None:
            env.reset(seed=0)
        for i, edge in enumerate(self._edges()):
            edge.shape.vertices = [(_X[i], heights[i]), (_X[i + 1], heights[i + 1])]
        motions = [Motion(*map(float, numbers[:_BODY])) for numbers in (pose, *legs)]
        place(self._bodies(), motions, [env.moon])
        if env.enable_wind:
            env.wind_idx, env.torque_idx = int(wind[0]), int(wind[1])
        self._begin(legs[:, _BODY] > 0.5)

    def state_of(self, observation: NDArray[np.float64]) -> NDArray[np.float64]:
        env, random = self._env, self._env.np_random
        x, y, vx, vy, angle, spin = map(float, observation[:6])
        x, y = x * _HALF_WIDTH + _HALF_WIDTH, y * _HALF_HEIGHT + self._rest_height()
        vx, vy = vx / _HALF_WIDTH * lander.FPS, vy / _HALF_HEIGHT * lander.FPS
        motions = [Motion(x, y, vx, vy, angle, spin / 20 * lander.FPS)]
        for leg in env.legs:
            inner, outer = leg.joint.limits if leg.joint.motorSpeed < 0 else leg.joint.limits[::-1]
            is_moving, share = random.integers(2), random.uniform()
            angle, speed = inner + is_moving * share * (outer - inner), is_moving * leg.joint.motorSpeed
            motions.append(follow(leg.joint, motions[0], angle, speed, 1 / lander.FPS))
        touches = observation[6:] > 0.5
        heights = self._fitted(self._drawn_heights(), motions, touches)
        legs = [[*motion, touching] for motion, touching in zip(motions[1:], touches, strict=True)]
        wind = random.integers(-_WIND, _WIND, size=2)
        return np.array([*motions[0], *np.ravel(legs), *heights, *wind], dtype=np.float64)

    def observe(self) -> NDArray[np.float64]:
        env = self._env
        position, velocity = env.lander.position, env.lander.linearVelocity
        return np.array(
            [
                (position.x - _HALF_WIDTH) / _HALF_WIDTH,
                (position.y - self._rest_height()) / _HALF_HEIGHT,
                velocity.x * _HALF_WIDTH / lander.FPS,
                velocity.y * _HALF_HEIGHT / lander.FPS,
                env.lander.angle,
                20.0 * env.lander.angularVelocity / lander.FPS,
                *(float(leg.ground_contact) for leg in env.legs),
            ]
        )

    def step(self, action: int | NDArray[np.float64]) -> Transition:
        env = self._env
        # The wind blows while no foot has been seen to touch the ground, and a step from a state that was set forgets that.
        wind = env.enable_wind
        env.enable_wind = wind and not (self._is_set and any(foot.ground_contact for foot in self._feet()))
        try:
            return super().step(action)
        finally:
            env.enable_wind = wind

    def sample_states(self, count: int, reached: NDArray[np.float64], generator: np.random.Generator) -> NDArray[np.float64]:
        """Anywhere in the viewport and somewhat beyond, half of them with a foot on the ground, or both."""
        found = []
        for touching in generator.permutation(np.resize(np.array(_TOUCHING), (count, 2))):
            x, y = generator.uniform([-1.1, -0.1], [1.1, _LOW if touching.any() else 1.5])
            found.append(self.state_of(np.array([x, y, *generator.normal(scale=0.5, size=4), *touching])))
        return np.array(found).reshape(count, len(reached[0]))

    def _bodies(self) -> list[Any]:
        return [self._env.lander, *self._env.legs]

    def _feet(self) -> list[Any]:
        return self._env.legs

    def _shaping(self) -> float:
        x, y, vx, vy, angle, _, *touches = self.observe()
        return float(-100 * np.hypot(x, y) - 100 * np.hypot(vx, vy) - 100 * abs(angle) + 10 * sum(touches))

    def _edges(self) -> list[Any]:
        """The terrain from the left to the right; the first fixture is the floor below it."""
        return self._env.moon.fixtures[1:]

    def _rest_height(self) -> float:
        return self._env.helipad_y + lander.LEG_DOWN / lander.SCALE

    def _drawn_heights(self) -> NDArray[np.float64]:
        """The terrain of a reset: random heights, but those of the pad, each averaged with its neighbours."""
        heights = self._env.np_random.uniform(0, _HALF_HEIGHT, size=_VERTICES + 1)
        heights[_VERTICES // 2 - 2 : _VERTICES // 2 + 3] = self._env.helipad_y
        return 0.33 * (heights + np.roll(heights, 1) + np.roll(heights, -1))[:_VERTICES]

    def _fitted(self, heights: NDArray[np.float64], motions: list[Motion], touches: NDArray[np.bool_]) -> NDArray[np.float64]:
        clearance = _CLEARANCE * self._env.np_random.uniform()
        if not touches.any() and motions[0].y - _REACH > heights.max():
            return heights
        corners, outlines = self._corners(motions)
        touched = []
        for i in range(len(motions)):
            own = corners[outlines.owner == i]
            if i and touches[i - 1]:
                touched.append(own[own[:, 1].argmin()])
            else:
                corners[outlines.owner == i] = own - [0, clearance]
        above = np.concatenate([corners, crossings(corners, outlines.following, _X)])
        return fit_ground(_X, heights, np.array(touched).reshape(-1, 2), above)
