from __future__ import annotations

import numpy as np

from symmdp.practical._answers import array, fail, function, integer


def orbit_sizes(size_generic: object, size_origin: object) -> str:
    """How many states the orbits of a generic state and of the origin have."""
    generic = integer(size_generic, "orbit_size_of_s")
    origin = integer(size_origin, "orbit_size_of_origin")
    if generic != 2:
        fail(f"orbit_size_of_s is {generic}; the orbit is {{L_g s}} for all g, here s and −s.")
    if origin == 2:
        fail("orbit_size_of_origin is 2, but 1·0 and −1·0 are the same state: an orbit is a set.")
    if origin != 1:
        fail(f"orbit_size_of_origin is {origin}; the orbit of 0 is {{0, −0}}.")
    return "So the quotient has about half as many states to learn about."


def canonical_state(canonical: object) -> str:
    """A function that chooses one state of each orbit."""
    asked = function(canonical, "canonical")
    generator = np.random.default_rng(2)
    states = [*generator.normal(size=(20, 4))]
    states += [np.array(s) for s in ([0.0, 1.0, -2.0, 0.5], [0.0, 0.0, -0.1, 1.0], [0.0, 0.0, 0.0, -1.0], np.zeros(4))]
    for state in states:
        kept = state.copy()
        one = array(asked(state), "your canonical state", (4,))
        other = array(asked(-state), "your canonical state", (4,))
        if not np.array_equal(state, kept):
            fail("canonical changes the state that it was given; make a new one.")
        if not any(np.allclose(one, image) for image in (state, -state)):
            if np.allclose(one, np.abs(state)):
                fail(f"|s| is no state of the orbit: {state.round(2)} has the images ±s only. All signs change together.")
            fail(f"Your canonical state of {state.round(2)} is {one.round(2)}, which is neither s nor −s.")
        if not np.allclose(one, other):
            if state[0] == 0:
                fail(f"s and −s get different canonical states where x = 0, as for s = {state}. Let ẋ decide then.")
            fail(f"s and −s get different canonical states, as for s = {state.round(2)}: both are one orbit.")
    return "It is constant on orbits and chooses one of their states: a policy defined there is defined everywhere."
