"""An environment that is given by a table of transitions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import SyncVectorEnv, VectorEnv
from numpy.typing import NDArray

from symmdp.errors import SimulatorError, SymmdpError
from symmdp.mdp.finite._table import TransitionTable, has_table
from symmdp.mdp.simulators._find import TRANSPARENT, offered_simulator, told

_EPISODE = 8  # steps from one state that is set


@dataclass(frozen=True, eq=False)
class TabularEnvironment:
    """An environment with Discrete spaces and a table `P[s][a] = [(probability, next, reward, terminated), …]`.

    Attributes:
        env: without its wrappers.
        table: of its transitions.
        starts: the distribution of initial states, shape `(S,)`; None where the environment does not tell it.
    """

    env: gym.Env
    table: TransitionTable
    starts: NDArray[np.float64] | None

    @property
    def observation_space(self) -> gym.spaces.Discrete:
        return self.env.observation_space  # pyright: ignore[reportReturnType]  # as tabular_environment found it

    @property
    def action_space(self) -> gym.spaces.Discrete:
        return self.env.action_space  # pyright: ignore[reportReturnType]

    def check_steps(self, count: int, generator: np.random.Generator) -> None:
        """Whether the steps of the environment are entries of its table: about `count` of random actions.

        They start anywhere where the environment keeps its state in `s`, as Gymnasium's do, and else where episodes start.

        Raises:
            SimulatorError: one is not.
        """
        table, env = self.table, self.env
        outcomes: dict[int, list[tuple[int, float, bool]]] = {}
        for pair, *outcome in zip(table.pair, table.following, table.reward, table.terminated, strict=True):
            outcomes.setdefault(int(pair), []).append((int(outcome[0]), float(outcome[1]), bool(outcome[2])))
        live = np.setdiff1d(table.pair // table.actions, table.following[table.terminated])
        taken = 0
        while taken < count:
            s = _index(self._ask("reset", seed=int(generator.integers(2**31)))[0], self.observation_space)
            if isinstance(getattr(env, "s", None), int | np.integer) and len(live):
                s = int(generator.choice(live))
                env.s = s + int(self.observation_space.start)  # pyright: ignore[reportAttributeAccessIssue]
            for a in generator.integers(table.actions, size=_EPISODE):
                observation, reward, terminated, truncated, _ = self._ask("step", int(self.action_space.start + a))
                taken += 1
                t = _index(observation, self.observation_space)
                listed = outcomes.get(s * table.actions + int(a), [])
                if not any(o[0] == t and np.isclose(o[1], reward) and o[2] == bool(terminated) for o in listed):
                    raise SimulatorError(
                        f"{type(env).__name__} does not follow its table P: from state {s}, action {a} led to state {t} with "
                        f"reward {reward:g} ({'' if terminated else 'not '}terminated), which P[{s}][{a}] does not list. The "
                        "table is not all that the environment depends on; pass simulator=, or leave the option out that "
                        "makes it so."
                    )
                s = t
                if terminated or truncated:
                    break

    def _ask(self, method: str, *arguments: Any, **options: Any) -> Any:
        try:
            return getattr(self.env, method)(*arguments, **options)
        except SymmdpError:
            raise
        except Exception as error:
            raise SimulatorError(f"{type(self.env).__name__} raised {told(error)}, in {method}.") from error


def tabular_environment(env: gym.Env | VectorEnv) -> TabularEnvironment | None:
    """The table behind an environment (of a SyncVectorEnv, behind its first); None where there is none.

    None as well where a wrapper may change what the agent sees, or the environment offers a simulator of its own.

    Raises:
        SimulatorError: the table has another form, or does not fit the spaces.
    """
    if isinstance(env, SyncVectorEnv):
        env = env.envs[0]
    inner: Any = env
    while isinstance(inner, gym.Wrapper) and type(inner) in TRANSPARENT:
        inner = inner.env
    if not isinstance(inner, gym.Env) or isinstance(inner, gym.Wrapper) or offered_simulator(inner) is not None:
        return None
    spaces = (inner.observation_space, inner.action_space)
    if not all(isinstance(space, gym.spaces.Discrete) for space in spaces) or not has_table(inner):
        return None
    table = TransitionTable.read(inner.P)  # pyright: ignore[reportAttributeAccessIssue]
    sizes = tuple(int(space.n) for space in spaces)  # pyright: ignore[reportAttributeAccessIssue]
    if (table.states, table.actions) != sizes:
        raise SimulatorError(
            f"The table P of {type(inner).__name__} has {table.states} states and {table.actions} actions, but its spaces have "
            f"{sizes[0]} and {sizes[1]}."
        )
    starts = getattr(inner, "initial_state_distrib", getattr(inner, "isd", None))
    starts = None if starts is None else np.asarray(starts, dtype=np.float64)
    if starts is not None and (starts.shape != sizes[:1] or not np.isclose(starts.sum(), 1) or (starts < 0).any()):
        raise SimulatorError(
            f"The distribution of initial states of {type(inner).__name__} must be {table.states} probabilities that sum to 1; "
            f"got {starts}."
        )
    return TabularEnvironment(inner, table, starts)


def _index(observation: Any, space: gym.spaces.Discrete) -> int:
    return int(observation) - int(space.start)
