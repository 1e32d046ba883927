from __future__ import annotations

import math

import gymnasium as gym
import numpy as np
from gymnasium.vector import VectorEnv

from symmdp.errors import OptionError
from symmdp.mdp._symmetry import Symmetry
from symmdp.mdp.simulators._simulator import Simulator
from symmdp.mdp.verification._guard import Guarded
from symmdp.mdp.verification._open import opened
from symmdp.mdp.verification._random import RANDOM_METHOD, random_parts
from symmdp.mdp.verification._report import VerificationReport
from symmdp.mdp.verification._simulated import simulated_parts


def verify(
    env: str | gym.Env | VectorEnv,
    symmetry: Symmetry,
    *,
    samples: int = 2000,
    tolerance: float = 1e-6,
    seed: int = 0,
    confidence: float = 0.95,
    simulator: Simulator | None = None,
) -> VerificationReport:
    """Set the simulator to `s` and to `L_g s`, step both with `a` and `K_g a`, and report what differs.

    Five parts are compared separately, for each generator of the group (each element but the identity where the action map
    depends on the state): observation (`L_g s` is a state, and `L_g s'` follows from it), reward, termination,
    distribution of initial states, and bounds of the spaces. Half of the states come from rollouts of random actions, half
    are spread over the whole state space. Residuals are measured in units of each coordinate's own spread.

    States past the thresholds of termination are among them. A termination flag that differs is a violation even where the
    state is within rounding of a threshold. A true symmetry fails the test of initial states with probability 0.001 for
    each element; an asymmetry of theirs is found if the distance of distributions is `3.5 / √samples` or more.

    Where steps are random, or the simulator draws what observations hide, independent outcomes from `(s, a)` and from
    `(L_g s, K_g a)` are compared in distribution instead; each of the three parts of a transition then fails a true symmetry
    with probability 0.001. The report says so in `method`, and gives p-values and mean differences.

    Args:
        env: an environment id or an environment (of a vectorised one its first is checked), whose state and random
            generator the check moves; time limits play no role.
        symmetry: to be checked.
        samples: how many states; twice as many resets, or fewer where these are slow.
        tolerance: the largest scaled error that is no violation.
        seed: of states, actions and resets.
        confidence: of the one-sided upper bounds on the share of states that violate the tolerance.
        simulator: used instead of the one that `env` has, which then only gives the report its name.

    Raises:
        UnknownEnvironmentError: Gymnasium has no such environment.
        SpaceMismatchError: the symmetry does not fit the spaces.
        SimulatorError: the state cannot be set, a step is random where the simulator does not say so, or the environment
            raises an exception.
        DivergenceError: an observation or reward is not finite. Of this and the error above, the attribute `report` holds what
            was found until then: `None`, or a report on the transitions before it and on all parts that need none.
        OptionError: fewer than 10 samples, a tolerance that is not positive, a confidence not between 0 and 1, or a
            negative seed.
        MissingExtraError: the environment needs a package that is not installed.
    """
    _check_options(samples, tolerance, seed, confidence)
    if not isinstance(symmetry, Symmetry):
        raise OptionError(f"The second argument is a symmdp Symmetry; got {type(symmetry).__name__}.")
    with opened(env, simulator) as (name, simulator):
        symmetry.check_spaces(simulator.observation_space, simulator.action_space)
        symmetry = symmetry.on_vectors
        guarded = Guarded(simulator, name)
        generator, is_random = np.random.default_rng(seed), bool(getattr(simulator, "is_random", False))
        if is_random:
            parts, stopped = random_parts(guarded, symmetry, samples, tolerance, generator)
        else:
            parts, stopped = simulated_parts(guarded, symmetry, samples, tolerance, confidence, generator)
    report = VerificationReport(
        environment=name,
        symmetry=symmetry.name,
        group=symmetry.group.name,
        engine=getattr(simulator, "engine", f"gymnasium {gym.__version__}"),
        samples=samples,
        tolerance=tolerance,
        seed=seed,
        confidence=confidence,
        parts=tuple(parts),
        method=RANDOM_METHOD if is_random else "",
    )
    if stopped is None:
        return report
    stopped.report = report
    raise stopped


def _check_options(samples: int, tolerance: float, seed: int, confidence: float) -> None:
    if not isinstance(samples, int | np.integer) or samples < 10:
        raise OptionError(f"samples must be an integer of at least 10; got {samples!r}. The default is 2000.")
    if not (isinstance(tolerance, int | float) and math.isfinite(tolerance) and tolerance > 0):
        raise OptionError(f"tolerance must be a positive number; got {tolerance!r}. The default is 1e-6.")
    if not isinstance(seed, int | np.integer) or seed < 0:
        raise OptionError(f"seed must be an integer of at least 0; got {seed!r}.")
    if not (isinstance(confidence, float) and 0 < confidence < 1):
        raise OptionError(f"confidence must lie between 0 and 1; got {confidence!r}. The default is 0.95.")
