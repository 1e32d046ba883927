"""Box2D bodies that revolute joints chain together: where they are, and how they are put there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Motion(NamedTuple):
    """Where a body is and how it moves, in metres, radians and seconds.

    Attributes:
        x: of the origin of its own frame, like `y`.
        y: likewise.
        vx: the velocity of its centre of mass, like `vy`.
        vy: likewise.
        angle: of its own frame.
        spin: its angular velocity.
    """

    x: float
    y: float
    vx: float
    vy: float
    angle: float
    spin: float


def motion_of(body: Any) -> Motion:
    """The motion that a body has."""
    (x, y), (vx, vy) = body.position, body.linearVelocity
    return Motion(x, y, vx, vy, body.angle, body.angularVelocity)


def follow(joint: Any, parent: Motion, angle: float, speed: float, step: float) -> Motion:
    """The motion of the second body of a joint, from that of the first and the joint's angle and speed.

    Box2D makes the velocities of a step of `step` seconds agree with the joint before it moves the bodies with them: they
    are those of bodies that are turned back by as much.
    """
    spin, own = parent.spin + speed, parent.angle + joint.GetReferenceAngle() + angle
    (ax, ay), (bx, by) = joint.GetLocalAnchorA(), joint.GetLocalAnchorB()
    (px, py), (cx, cy) = joint.bodyA.localCenter, joint.bodyB.localCenter
    to_anchor, from_origin = _turned(ax, ay, parent.angle), _turned(bx, by, own)
    arm = _turned(ax - px, ay - py, parent.angle - step * parent.spin)
    own_arm = _turned(cx - bx, cy - by, own - step * spin)
    return Motion(
        parent.x + to_anchor[0] - from_origin[0],
        parent.y + to_anchor[1] - from_origin[1],
        parent.vx - parent.spin * arm[1] - spin * own_arm[1],
        parent.vy + parent.spin * arm[0] + spin * own_arm[0],
        own,
        spin,
    )


class Outlines:
    """The outlines of bodies, one polygon each.

    Attributes:
        owner: which body each corner belongs to, shape `(n,)`.
        following: the next corner around it, shape `(n,)`.
    """

    def __init__(self, bodies: Sequence[Any]):
        polygons = [body.fixtures[0].shape.vertices for body in bodies]
        self._local = np.concatenate([np.array(polygon) for polygon in polygons])
        self.owner = np.repeat(np.arange(len(polygons)), [len(polygon) for polygon in polygons])
        starts = np.concatenate([[0], np.cumsum([len(polygon) for polygon in polygons])])
        self.following = np.arange(len(self.owner)) + 1
        self.following[starts[1:] - 1] = starts[:-1]

    def corners(self, motions: Sequence[Motion]) -> NDArray[np.float64]:
        """The corners of bodies that move so, shape `(n, 2)`."""
        x, y, _, _, angle, _ = np.array(motions)[self.owner].T
        cos, sin, across, up = np.cos(angle), np.sin(angle), *self._local.T
        return np.stack([x + cos * across - sin * up, y + sin * across + cos * up], axis=1)


def place(bodies: Sequence[Any], motions: Sequence[Motion], grounds: Sequence[Any]) -> None:
    """Put bodies where they are to be, over grounds whose shape has changed: without contacts, forces or a timer of sleep.

    Bodies that are taken out of the world in one order, and put back in the reverse order, get back their places in Box2D's
    search tree, so that its order of contacts does not depend on what went before.
    """
    every = [*grounds, *bodies]
    for body in every:
        body.active = False
    for body, motion in zip(bodies, motions, strict=True):
        body.awake = False  # forgets forces, and how long it has been at rest
        body.awake = True
        body.transform = ((motion.x, motion.y), motion.angle)
        body.linearVelocity = (motion.vx, motion.vy)
        body.angularVelocity = motion.spin
    for body in reversed(every):
        body.active = True
    x, y, _, _, angle, _ = motions[0]
    bodies[0].transform = ((x, y), angle)  # finds the pairs that may touch; the next step alone would not


def _turned(x: float, y: float, angle: float) -> tuple[float, float]:
    cos, sin = math.cos(angle), math.sin(angle)
    return cos * x - sin * y, sin * x + cos * y
