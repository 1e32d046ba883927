import numpy as np
import pytest
import torch

from symmdp import groups
from symmdp.catalogue import entry_of, symmetry_of
from symmdp.errors import GroupMismatchError, OptionError, ShapeError, SpaceMismatchError
from symmdp.mdp import Symmetry, record_transitions
from symmdp.representations import Representation
from symmdp.testing import check_symmetry, equivariance_error


def test_a_symmetric_environment_gives_its_report() -> None:
    report = check_symmetry("CartPole-v1", symmetry_of("CartPole-v1"), samples=100)
    assert report.passed


def test_a_wrong_symmetry_raises_with_the_report() -> None:
    c2 = groups.cyclic(2)
    wrong = Symmetry(
        c2, Representation(c2, [np.eye(4), np.diag([-1, -1, -1, 1])]), Representation(c2, [np.eye(2), [[0, 1], [1, 0]]])
    )
    with pytest.raises(AssertionError, match="NOT symmetric"):
        check_symmetry("CartPole-v1", wrong, samples=100)
    with pytest.raises(AssertionError, match="observation"):
        check_symmetry("CartPole-v1", wrong, samples=100, ignore=["termination", "initial states"])


def test_logged_transitions_are_checked_in_place_of_a_simulator() -> None:
    log, symmetry = record_transitions("CartPole-v1", 1000), symmetry_of("CartPole-v1")
    assert check_symmetry("CartPole-v1", symmetry, transitions=log).engine == "logged transitions"
    wrong = Symmetry(symmetry.group, symmetry.observation, 2 * symmetry.group.trivial)
    with pytest.raises(AssertionError, match="Statistical, of 1000 logged transitions"):
        check_symmetry("CartPole-v1", wrong, transitions=log)


def test_a_log_of_another_environment_than_the_one_that_is_named_is_refused() -> None:
    log, symmetry = record_transitions("CartPole-v1", 200), symmetry_of("CartPole-v1")
    for name in ("Pendulum-v1", "CartPole-v0", "none-of-these-v9"):
        with pytest.raises(SpaceMismatchError, match=f"transitions are those of CartPole-v1, and not of {name}"):
            check_symmetry(name, symmetry, transitions=log)


def test_parts_are_ignored_by_name() -> None:
    candidate = entry_of("MountainCar-v0").candidate
    assert candidate is not None
    every = ("observation", "reward", "termination", "initial states", "bounds")
    assert not check_symmetry("MountainCar-v0", candidate, samples=100, ignore=every).passed
    with pytest.raises(OptionError, match="'reward'"):
        check_symmetry("MountainCar-v0", candidate, ignore=["rewards"])
    with pytest.raises(OptionError, match="'reward'"):
        check_symmetry("MountainCar-v0", candidate, ignore="reward")


def test_what_cannot_be_equivariant_is_refused() -> None:
    regular = groups.cyclic(2).regular
    with pytest.raises(GroupMismatchError, match="give one group"):
        equivariance_error(torch.nn.Linear(2, 3), regular, groups.cyclic(3).regular)
    with pytest.raises(OptionError, match="at least 1; got 0"):
        equivariance_error(torch.nn.Linear(2, 2), regular, regular, samples=0)
    with pytest.raises(ShapeError, match="gave a tuple"):
        equivariance_error(lambda x: (x, x), regular, regular)  # pyright: ignore[reportArgumentType]
