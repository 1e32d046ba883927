from __future__ import annotations

import math
from dataclasses import astuple, dataclass, replace
from importlib.metadata import version

import gymnasium as gym
import numpy as np
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from symmdp.errors import OptionError, SpaceMismatchError
from symmdp.mdp._symmetry import Symmetry
from symmdp.mdp.simulators._atari import AtariPositions, game_of, quickly_stepped
from symmdp.mdp.simulators._find import check_simulator
from symmdp.mdp.simulators._simulator import Simulator
from symmdp.mdp.verification._guard import Guarded
from symmdp.mdp.verification._log import LoggedTransitions
from symmdp.mdp.verification._logged import FEWEST, logged_parts
from symmdp.mdp.verification._open import name_of, simulator_or_table, spaces_of, with_environment
from symmdp.mdp.verification._random import RANDOM_METHOD, random_parts
from symmdp.mdp.verification._record import record_transitions
from symmdp.mdp.verification._report import VerificationReport
from symmdp.mdp.verification._simulated import simulated_parts
from symmdp.mdp.verification._table import TabularEnvironment
from symmdp.mdp.verification._tabular import tabular_report

_GAME_STEPS = 4  # for each sample: nothing is sampled but play
_GAME_RESETS = 40  # besides: episodes are long


def verify(
    env: str | gym.Env | VectorEnv,
    symmetry: Symmetry,
    *,
    samples: int = 2000,
    tolerance: float = 1e-6,
    seed: int = 0,
    confidence: float = 0.95,
    simulator: Simulator | None = None,
    transitions: LoggedTransitions | None = None,
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
    An environment with Discrete spaces and a table `P[s][a] = [(probability, next, reward, terminated), …]`, as Gymnasium's
    toy text has, is compared exactly instead: the joint law of next state, reward and termination, in each state and with
    each action, and the distribution of initial states. Then errors are distances in total variation, and `samples` are
    steps that must be entries of the table.

    Where no state can be set, logged transitions are tested statistically, and the report says so. Each transition is paired
    with the image of another whose state is near; the slopes of both take off what the mismatch explains; and signs of the
    differences that remain are flipped at random (p < 0.001 for each part fails). Means below a tenth of the scatter of pairs
    count as none. A policy that was not symmetric leaves the test valid, but pairs fewer transitions. Take thousands.

    Pong and Breakout of ALE are such environments: logged are positions in the pictures of `4 · samples` steps of random play,
    and the symmetry, of images of the field, is tested by what it does to positions. Initial states are those of 40 resets.

    Args:
        env: an environment id or an environment (of a vectorised one its first is checked), whose state and random
            generator the check moves; time limits play no role.
        symmetry: to be checked.
        samples: how many states; twice as many resets, or fewer where these are slow.
        tolerance: the largest scaled error that is no violation.
        seed: of states, actions and resets.
        confidence: of the one-sided upper bounds on the share of states that violate the tolerance.
        simulator: used instead of the one that `env` has, which then only gives the report its name.
        transitions: logged ones, in place of a simulator, such as `record_transitions` makes; then nothing is stepped, and
            `samples` plays no role. An id that is made nowhere else may name a log that holds the spaces.

    Raises:
        UnknownEnvironmentError: Gymnasium has no such environment.
        SpaceMismatchError: the symmetry does not fit the spaces.
        SimulatorError: the state cannot be set, a step is random where the simulator does not say so, or the environment
            raises an exception, be it when it is closed.
        DivergenceError: an observation or reward is not finite. Of this and the error above, the attribute `report` holds what
            was found until then: `None`, or a report on the transitions before it and on all parts that need none.
        ShapeError, SymmetryError: logged actions or observations do not fit the symmetry.
        OptionError: fewer than 10 samples (25 of Pong and Breakout), or 100 logged transitions; a log together with a
            simulator; a tolerance that is not positive, a confidence not between 0 and 1, or a negative seed.
        MissingExtraError: the environment needs a package that is not installed.
    """
    options = _Options(samples, tolerance, seed, confidence)
    if not isinstance(symmetry, Symmetry):
        raise OptionError(f"The second argument is a symmdp Symmetry; got {type(symmetry).__name__}.")
    if transitions is not None:
        return _verify_log(env, symmetry, transitions, options, simulator)
    if simulator is not None:
        return _report(check_simulator(simulator, "simulator= is"), name_of(env), symmetry, options)
    if (game := game_of(env)) is not None:
        quick = quickly_stepped(env) if isinstance(env, str) else env
        return with_environment(
            quick, lambda _, made: _game_report(AtariPositions(made, game), name_of(env), symmetry, options)
        )
    return with_environment(env, lambda name, made: _report(simulator_or_table(made), name, symmetry, options))


@dataclass(frozen=True)
class _Options:
    """Those of `verify`, checked."""

    samples: int
    tolerance: float
    seed: int
    confidence: float

    def __post_init__(self) -> None:
        if not isinstance(self.samples, int | np.integer) or self.samples < 10:
            raise OptionError(f"samples must be an integer of at least 10; got {self.samples!r}. The default is 2000.")
        if not (isinstance(self.tolerance, int | float) and math.isfinite(self.tolerance) and self.tolerance > 0):
            raise OptionError(f"tolerance must be a positive number; got {self.tolerance!r}. The default is 1e-6.")
        if not isinstance(self.seed, int | np.integer) or self.seed < 0:
            raise OptionError(f"seed must be an integer of at least 0; got {self.seed!r}.")
        if not (isinstance(self.confidence, float) and 0 < self.confidence < 1):
            raise OptionError(f"confidence must lie between 0 and 1; got {self.confidence!r}. The default is 0.95.")


def _report(found: Simulator | TabularEnvironment, name: str, symmetry: Symmetry, options: _Options) -> VerificationReport:
    """The report of `verify` where states can be set, or where there is a table."""
    symmetry.check_spaces(found.observation_space, found.action_space)
    samples, tolerance, seed, confidence = astuple(options)
    if isinstance(found, TabularEnvironment):
        return tabular_report(found, name, symmetry, samples, tolerance, seed, confidence)
    guarded, generator = Guarded(found, name), np.random.default_rng(seed)
    is_random = bool(getattr(found, "is_random", False))
    if is_random:
        parts, stopped = random_parts(guarded, symmetry.on_vectors, samples, tolerance, generator)
    else:
        parts, stopped = simulated_parts(guarded, symmetry.on_vectors, samples, tolerance, confidence, generator)
    report = VerificationReport(
        environment=name,
        symmetry=symmetry.name,
        group=symmetry.group.name,
        engine=getattr(found, "engine", f"gymnasium {gym.__version__}"),
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


def _verify_log(
    env: str | gym.Env | VectorEnv,
    symmetry: Symmetry,
    log: LoggedTransitions,
    options: _Options,
    simulator: Simulator | None,
) -> VerificationReport:
    """The report of `verify` with `transitions=`; an environment is made only where the log does not hold the spaces."""
    if not isinstance(log, LoggedTransitions):
        raise OptionError(f"transitions is a symmdp.mdp.LoggedTransitions; got {type(log).__name__}.")
    if simulator is not None:
        raise OptionError("Give simulator=, which is stepped, or transitions=, which are compared as they are; not both.")
    if isinstance(env, str) and log.environment not in (None, env):
        raise SpaceMismatchError(
            f"The transitions are those of {log.environment}, and not of {env}. Log the transitions of this very environment."
        )
    if isinstance(env, str) and log.observation_space is not None and log.action_space is not None:
        return _log_report(env, (log.observation_space, log.action_space), symmetry, log, options)
    return with_environment(env, lambda name, made: _log_report(name, spaces_of(made), symmetry, log, options))


def _log_report(
    name: str,
    spaces: tuple[gym.Space, gym.Space],
    symmetry: Symmetry,
    log: LoggedTransitions,
    options: _Options,
    resets: NDArray[np.float64] | None = None,
) -> VerificationReport:
    symmetry.check_spaces(*spaces)
    log.check_spaces(*spaces)
    generator = np.random.default_rng(options.seed)
    parts, method = logged_parts(log, symmetry.on_vectors, *spaces, options.tolerance, generator, resets)
    return VerificationReport(
        environment=name,
        symmetry=symmetry.name,
        group=symmetry.group.name,
        engine="logged transitions",
        samples=len(log),
        tolerance=options.tolerance,
        seed=options.seed,
        confidence=options.confidence,
        parts=tuple(parts),
        method=method,
    )


def _game_report(shown: AtariPositions, name: str, symmetry: Symmetry, options: _Options) -> VerificationReport:
    """The report on positions in the pictures of a game, from random play of four times `samples` steps."""
    steps = _GAME_STEPS * options.samples
    if steps < FEWEST:
        raise OptionError(
            f"{name} is tested statistically, on {_GAME_STEPS} steps of random play for each sample; samples must be at least "
            f"{-(-FEWEST // _GAME_STEPS)} here, and should be thousands; got {options.samples}. The default is 2000."
        )
    positions = shown.game.symmetry(symmetry)
    log = record_transitions(shown, steps, seed=options.seed)
    resets = np.stack([shown.reset()[0] for _ in range(_GAME_RESETS)])
    spaces = shown.observation_space, shown.action_space
    report = _log_report(name, spaces, positions, log, options, resets)
    read = f"Positions in the pictures of random play of {shown.game.name}, in place of the pictures themselves."
    return replace(report, engine=f"ale_py {version('ale_py')}", method=f"{read} {report.method}")
