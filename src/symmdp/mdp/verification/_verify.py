from __future__ import annotations

import difflib
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import gymnasium as gym
import numpy as np
from gymnasium.vector import VectorEnv

from symmdp.errors import MissingExtraError, OptionError, SimulatorError, UnknownEnvironmentError, VerificationError
from symmdp.mdp._symmetry import Symmetry
from symmdp.mdp.simulators._find import simulator_of
from symmdp.mdp.simulators._simulator import Simulator
from symmdp.mdp.simulators._vector import simulator_of_vector
from symmdp.mdp.verification._bounds import compare_bounds
from symmdp.mdp.verification._dynamics import compare_transitions
from symmdp.mdp.verification._guard import Guarded
from symmdp.mdp.verification._initial_states import compare_initial_states
from symmdp.mdp.verification._report import PartResult, VerificationReport
from symmdp.mdp.verification._sampling import Action, sample_actions, sample_states
from symmdp.mdp.verification._transitions import transitions

_EXTRA = "For MuJoCo environments, try: pip install 'symmdp[mujoco]'"


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

    Args:
        env: an environment id or an environment (of a vectorised one its first is checked), whose state and random
            generator the check moves; time limits play no role.
        symmetry: to be checked.
        samples: how many states; twice as many resets.
        tolerance: the largest scaled error that is no violation.
        seed: of states, actions and resets.
        confidence: of the one-sided upper bounds on the share of states that violate the tolerance.
        simulator: used instead of the one that `env` has, which then only gives the report its name.

    Raises:
        UnknownEnvironmentError: Gymnasium has no such environment.
        SpaceMismatchError: the symmetry does not fit the spaces.
        SimulatorError: the state cannot be set, a step is not deterministic, or the environment raises an exception.
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
        parts, stopped = _parts(guarded, symmetry, samples, tolerance, confidence, np.random.default_rng(seed))
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
    )
    if stopped is None:
        return report
    stopped.report = report
    raise stopped


def _parts(
    simulator: Simulator,
    symmetry: Symmetry,
    samples: int,
    tolerance: float,
    confidence: float,
    generator: np.random.Generator,
) -> tuple[list[PartResult], VerificationError | None]:
    """The results, and what stopped the check before it was complete."""
    originals, resets, stopped = None, None, None
    actions: list[Action] = []
    try:
        states = sample_states(simulator, samples, generator)
        actions = sample_actions(simulator.action_space, samples, generator)
        originals, stopped = transitions(simulator, states, actions)
    except VerificationError as error:
        stopped = error
    try:
        resets = _resets(simulator, 2 * samples, generator)  # one half is compared with the image of the other
    except VerificationError as error:
        stopped = stopped or error
    elements = symmetry.group.generators if symmetry.has_action_representation else tuple(symmetry.group)[1:]
    parts = []
    for g in elements or (0,):
        if originals is not None:
            try:
                parts += compare_transitions(simulator, symmetry, g, originals, actions, tolerance, confidence)
            except VerificationError as error:
                stopped = stopped or error
        if resets is not None:
            parts.append(compare_initial_states(symmetry, g, resets, tolerance, generator))
        parts.append(compare_bounds(symmetry, g, simulator.observation_space, simulator.action_space))
    return parts, stopped


def _resets(simulator: Simulator, count: int, generator: np.random.Generator) -> np.ndarray:
    observations = []
    for seed in generator.integers(2**31, size=count):
        simulator.reset(int(seed))
        observations.append(simulator.observe())
    return np.array(observations, dtype=np.float64)


@contextmanager
def opened(env: str | gym.Env | VectorEnv, simulator: Simulator | None) -> Iterator[tuple[str, Simulator]]:
    """An environment by its id, or one that exists, with its name and its simulator; one that is made here is closed."""
    if isinstance(env, str):
        if simulator is not None:
            yield env, simulator
            return
        made = _make(env)
        try:
            yield env, simulator_of(made)
        finally:
            made.close()
    elif isinstance(env, gym.Env):
        name = env.spec.id if env.spec is not None else type(env.unwrapped).__name__
        yield name, simulator_of(env) if simulator is None else simulator
    elif isinstance(env, VectorEnv):
        name = env.spec.id if env.spec is not None else type(env.unwrapped).__name__
        yield name, simulator_of_vector(env) if simulator is None else simulator
    else:
        raise SimulatorError(f"Expected an environment id, a gymnasium.Env or a VectorEnv; got {type(env).__name__}.")


def _make(environment_id: str) -> gym.Env:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a newer version of the environment exists; the user asked for this one
            return gym.make(environment_id)
    except gym.error.DependencyNotInstalled as error:
        raise MissingExtraError(f"{environment_id} needs a package that is not installed ({error}). {_EXTRA}") from None
    except (gym.error.UnregisteredEnv, gym.error.Error, ModuleNotFoundError) as error:
        if isinstance(error, ModuleNotFoundError) and environment_id in gym.registry:
            raise MissingExtraError(f"{environment_id} needs {error.name}, which is not installed. {_EXTRA}") from None
        near = difflib.get_close_matches(environment_id, gym.registry, n=3, cutoff=0.5)
        hint = f" Did you mean {' or '.join(near)}?" if near else " gymnasium.pprint_registry() lists those there are."
        raise UnknownEnvironmentError(
            f"Gymnasium has no environment {environment_id!r} ({str(error).rstrip('.')}).{hint}"
        ) from None


def _check_options(samples: int, tolerance: float, seed: int, confidence: float) -> None:
    if not isinstance(samples, int | np.integer) or samples < 10:
        raise OptionError(f"samples must be an integer of at least 10; got {samples!r}. The default is 2000.")
    if not (isinstance(tolerance, int | float) and math.isfinite(tolerance) and tolerance > 0):
        raise OptionError(f"tolerance must be a positive number; got {tolerance!r}. The default is 1e-6.")
    if not isinstance(seed, int | np.integer) or seed < 0:
        raise OptionError(f"seed must be an integer of at least 0; got {seed!r}.")
    if not (isinstance(confidence, float) and 0 < confidence < 1):
        raise OptionError(f"confidence must lie between 0 and 1; got {confidence!r}. The default is 0.95.")
