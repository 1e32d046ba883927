import gymnasium as gym
import numpy as np
import pytest

from symmdp.errors import SymmetryError
from symmdp.mdp import FiniteMDP, automorphism_defect, is_automorphism

GRID = np.arange(25).reshape(5, 5)
MAP = ["SFFFS", "FHFHF", "FFGFF", "FHFHF", "SFFFS"]
# Each state goes to the cell where the turned (transposed) map shows it.
TURN, TRANSPOSE = np.argsort(np.rot90(GRID).ravel()), GRID.T.ravel()


@pytest.mark.parametrize("slippery", [True, False])
def test_a_square_map_has_the_symmetries_of_the_square(slippery):
    mdp = FiniteMDP.from_gymnasium(gym.make("FrozenLake-v1", desc=MAP, is_slippery=slippery))
    assert is_automorphism(mdp, TURN, [1, 2, 3, 0])
    assert is_automorphism(mdp, TRANSPOSE, [3, 2, 1, 0])
    assert not is_automorphism(mdp, TURN, [3, 0, 1, 2])  # turned the other way
    assert not is_automorphism(mdp, TRANSPOSE, [0, 1, 2, 3])


def test_a_defect_names_the_first_state_action_and_part():
    mdp = FiniteMDP(np.full((2, 2, 2), 0.5), [[0, 1], [0, 2]])
    defect = automorphism_defect(mdp, [1, 0], [0, 1])
    assert defect is not None
    assert (defect.state, defect.action, defect.part, defect.error) == (0, 1, "reward", 1.0)
    with pytest.raises(SymmetryError, match="once"):
        is_automorphism(mdp, [0, 0], [0, 1])
