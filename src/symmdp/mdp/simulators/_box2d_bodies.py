"""Box2D bodies that revolute joints chain together: where they are, and how they are put there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Motion:
    """Where a body is and how it moves, in metres, radians and seconds.

    Attributes:
        origin: of its own frame.
        angle: of its own frame.
        velocity: of its centre of mass.
        spin: its angular velocity.
    """

    origin: NDArray[np.float64]
    angle: float
    velocity: NDArray[np.float64]
    spin: float

    def point(self, local: Any) -> NDArray[np.float64]:
        """A point of the body's own frame, in the world."""
        return self.origin + _turn(self.angle) @ np.array(tuple(local))


def follow(joint: Any, parent: Motion, angle: float, speed: float, step: float) -> Motion:
    """The motion of the second body of a joint, from that of the first and the joint's angle and speed.

    Box2D makes the velocities of a step of `step` seconds agree with the joint before it moves the bodies with them: they
    are those of bodies that are turned back by as much.
    """
    spin, own = parent.spin + speed, parent.angle + joint.GetReferenceAngle() + angle
    anchor, center = np.array(tuple(joint.GetLocalAnchorB())), np.array(tuple(joint.bodyB.localCenter))
    arm = np.array(tuple(joint.GetLocalAnchorA())) - np.array(tuple(joint.bodyA.localCenter))
    origin = parent.point(joint.GetLocalAnchorA()) - _turn(own) @ anchor
    at_anchor = parent.velocity + parent.spin * _left(_turn(parent.angle - step * parent.spin) @ arm)
    return Motion(origin, own, at_anchor + spin * _left(_turn(own - step * spin) @ (center - anchor)), spin)


def motion_of(body: Any) -> Motion:
    """The motion that a body has."""
    position, velocity = np.array(tuple(body.position)), np.array(tuple(body.linearVelocity))
    return Motion(position, float(body.angle), velocity, float(body.angularVelocity))


def corners(body: Any, motion: Motion) -> NDArray[np.float64]:
    """The corners of a body that moves so, in the order around it, shape `(n, 2)`."""
    local = np.array(body.fixtures[0].shape.vertices)
    return motion.origin + local @ _turn(motion.angle).T


def place(bodies: Iterable[tuple[Any, Motion]], grounds: Sequence[Any]) -> None:
    """Put bodies where they are to be, over grounds whose shape has changed: without contacts, forces or a timer of sleep.

    Bodies that are taken out of the world in one order, and put back in the reverse order, get back their places in Box2D's
    search tree, so that its order of contacts does not depend on what went before.
    """
    bodies = list(bodies)
    every = [*grounds, *(body for body, _ in bodies)]
    for body in every:
        body.active = False
    for body, motion in bodies:
        body.awake = False  # forgets forces, and how long it has been at rest
        body.awake = True
        body.transform = (tuple(motion.origin), motion.angle)
        body.linearVelocity = tuple(motion.velocity)
        body.angularVelocity = motion.spin
    for body in reversed(every):
        body.active = True
    body, motion = bodies[0]
    body.transform = (tuple(motion.origin), motion.angle)  # finds the pairs that may touch; the next step alone would not


def _turn(angle: float) -> NDArray[np.float64]:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, -sin], [sin, cos]])


def _left(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    """A vector turned by 90°: the velocity of its end, at unit spin about its start."""
    return np.array([-vector[1], vector[0]])
