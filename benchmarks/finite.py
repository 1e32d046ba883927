"""Finite MDPs: the coarsest homomorphism, found without knowing any symmetry, against solving the MDP itself.

Both are solved by the same solver on one thread, in turns within a round; the time of finding the homomorphism counts. What is
solved by way of the image must have the values of what is solved directly.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator

import gymnasium as gym
import numpy as np
import scipy.sparse

from _record import record
from symmdp.catalogue.environments import grid_world_mdp
from symmdp.mdp import FiniteMDP, FiniteSolution, coarsest_homomorphism, policy_iteration, value_iteration

DISCOUNT = 0.99
AGREE = 1e-10


def frozen_lake(size: int, holes: float = 0.1) -> FiniteMDP:
    """A slippery lake with the symmetry of the square: the goal in the middle, and holes at random and at their images."""
    draws = np.random.default_rng(size).random((size, size))
    square = [turned for k in range(4) for turned in (np.rot90(draws, k), np.rot90(draws.T, k))]
    cells = np.where(np.min(square, axis=0) < holes / 8, "H", "F")
    cells[0, 0], cells[size // 2, size // 2] = "S", "G"
    lake = gym.make("FrozenLake-v1", desc=["".join(row) for row in cells])
    return FiniteMDP.from_gymnasium(lake, discount=DISCOUNT)


def torus_of_agents(agents: int, size: int, slip: float = 0.1) -> FiniteMDP:
    """Agents on a torus of `size × size` cells, each of which stays or moves by one, and with some probability stays anyway.

    The episode ends, with reward 1, when all are in one cell; it costs 0.01 a step until then. Symmetric under translations,
    turns and mirrors of the torus, and under permutations of the agents.
    """
    cell = np.arange(size**2)
    row, column = np.divmod(cell, size)
    moved = [cell, *((row + i) % size * size + (column + j) % size for i, j in ((0, 1), (1, 0), (0, -1), (-1, 0)))]
    stays = scipy.sparse.csr_array(scipy.sparse.eye_array(size**2))
    single = [slip * stays + (1 - slip) * stays[to] for to in moved]  # row `s` of `stays[to]` is the unit vector of `to[s]`
    joint = [scipy.sparse.csr_array(np.ones((1, 1)))]
    for _ in range(agents):
        joint = [scipy.sparse.csr_array(scipy.sparse.kron(one, other)) for one in joint for other in single]
    places = np.indices((size**2,) * agents).reshape(agents, -1)
    together = (places == places[0]).all(axis=0)
    meets = np.stack([matrix @ together.astype(float) for matrix in joint], axis=1)
    return FiniteMDP(joint, meets - 0.01, terminal=together, discount=DISCOUNT)


def cases() -> Iterator[tuple[str, int, FiniteMDP]]:
    for size in (11, 31, 61, 101):
        yield "frozen lake", size, frozen_lake(size)
    for size in (7, 31, 61, 101):
        yield "Grid World", size, grid_world_mdp(size, discount=DISCOUNT)
    for size in (3, 5, 7, 9):
        yield "2 agents on a torus", size, torus_of_agents(2, size)
    yield "3 agents on a torus", 3, torus_of_agents(3, 3)


def timed(call: Callable[[], FiniteSolution]) -> tuple[float, FiniteSolution]:
    began = time.perf_counter()
    result = call()
    return time.perf_counter() - began, result


SOLVERS: dict[str, Callable[[FiniteMDP], FiniteSolution]] = {
    "value iteration": value_iteration,
    "policy iteration": policy_iteration,
}
MEDIANS = ("direct (ms)", "finding (ms)", "solving the image (ms)", "ratio", "ratio without finding", "states of the image")
LARGEST = {"value iteration": 10**6, "policy iteration": 11_000}  # states; more would take minutes on a torus


def measure(mdp: FiniteMDP, solver: str) -> dict[str, float]:
    """One round: seconds of each part, and how far the values are apart.

    Raises:
        SystemExit: the values do not agree.
    """
    direct, solution = timed(lambda: SOLVERS[solver](mdp))
    began = time.perf_counter()
    found = coarsest_homomorphism(mdp)
    finding = time.perf_counter() - began
    solving, small = timed(lambda: SOLVERS[solver](found.image))
    difference = float(np.abs(found.lift_values(small.values) - solution.values).max())
    if not difference <= AGREE:
        raise SystemExit(f"the values differ by {difference:.2e}, more than {AGREE:g}")
    return {
        "direct (ms)": 1e3 * direct,
        "finding (ms)": 1e3 * finding,
        "solving the image (ms)": 1e3 * solving,
        "ratio": (finding + solving) / direct,
        "ratio without finding": solving / direct,
        "difference of values": difference,
        "states of the image": found.image.states,
        "actions of the image": found.image.actions,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    rows = []
    for what, size, mdp in cases():
        for solver in SOLVERS:
            if mdp.states > LARGEST[solver]:
                continue
            for i in range(rounds):
                found = {key: float(f"{value:.4g}") for key, value in measure(mdp, solver).items()}
                about = {"mdp": what, "size": size, "states": mdp.states, "actions": mdp.actions, "solver": solver, "round": i}
                rows.append({**about, **found})
            median = {key: statistics.median(row[key] for row in rows[-rounds:]) for key in MEDIANS}
            print(
                f"{what} {size}, {solver}: {mdp.states} → {median['states of the image']:.0f} states, direct "
                f"{median['direct (ms)']:.0f} ms, finding {median['finding (ms)']:.0f} ms, solving "
                f"{median['solving the image (ms)']:.1f} ms, ratio {median['ratio']:.3g} "
                f"({median['ratio without finding']:.3g} without finding)",
                flush=True,
            )
    print(f"raw results: {record('finite', rows)}")


if __name__ == "__main__":
    main()
