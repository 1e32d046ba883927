"""What the catalogue says of toy text."""

from itertools import permutations

import gymnasium as gym
import numpy as np
import pytest
import scipy.sparse

from symmdp.catalogue import entry_of, symmetry_of
from symmdp.cli import main
from symmdp.errors import NoSymmetryError, OptionError, UnknownEnvironmentError
from symmdp.mdp import FiniteMDP, coarsest_homomorphism, verify

LAKE = ["HFSFH", "FFFFF", "SFGFS", "FFFFF", "HFSFH"]


def relabellings_that_may_be_symmetries(mdp: FiniteMDP) -> list[tuple[int, ...]]:
    """Permutations of the actions under which each block of the MDP has a block of the relabelled one beside it, as large.

    An automorphism `(σ, π)` takes each state of the MDP to a bisimilar one of the MDP whose action `a` is `π a`.
    """
    found = []
    for order in permutations(range(mdp.actions)):
        own = [mdp.transitions[a :: mdp.actions] for a in range(mdp.actions)]
        both = [scipy.sparse.block_diag([own[a], own[order[a]]], format="csr") for a in range(mdp.actions)]
        rewards = np.concatenate([mdp.rewards, mdp.rewards[:, order]])
        union = FiniteMDP(both, rewards, terminal=np.tile(mdp.terminal, 2))
        blocks = coarsest_homomorphism(union, relabel=False).states
        one, other = (np.bincount(side, minlength=blocks.max() + 1) for side in np.split(blocks, 2))
        if np.array_equal(one, other):
            found.append(order)
    return found


@pytest.mark.parametrize(
    ("name", "merged"),
    [
        ("FrozenLake-v1", 5),
        ("FrozenLake8x8-v1", 11),
        ("CliffWalking-v1", 1),
        ("CliffWalkingSlippery-v1", 1),
        pytest.param("Taxi-v3", 4, marks=pytest.mark.slow),
    ],
)
def test_no_relabelling_of_actions_is_a_symmetry(name: str, merged: int) -> None:
    """And with actions as they are, no two states are alike, but for terminal ones, which other states tell apart."""
    mdp = FiniteMDP.from_gymnasium(gym.make(name))
    assert mdp.terminal.sum() == merged
    assert relabellings_that_may_be_symmetries(mdp) == [tuple(range(mdp.actions))]
    assert coarsest_homomorphism(mdp, relabel=False).image.states == mdp.states - merged + 1


@pytest.mark.parametrize("slippery", [True, False])
def test_a_search_for_relabellings_finds_those_that_there_are(slippery: bool) -> None:
    mdp = FiniteMDP.from_gymnasium(gym.make("FrozenLake-v1", desc=LAKE, is_slippery=slippery))
    symmetry = symmetry_of("FrozenLake-v1", desc=LAKE)
    images = {tuple(symmetry.transform_action(g, np.arange(4)).tolist()) for g in symmetry.group}
    assert len(images) == 8
    assert set(relabellings_that_may_be_symmetries(mdp)) == images


def test_maps_of_the_users_own() -> None:
    for options, order, breaks in (
        ({"desc": ["SFG", "FFF", "GFS"]}, 4, ()),
        ({"desc": ["SFFH", "FGGF", "SFFH"], "is_slippery": False}, 2, ()),
        ({"desc": ["HFFFH", "FFFFF", "FFGFF", "FFFFF", "HSFFH"]}, 8, ("initial states",)),
        ({"desc": ("FSF", "FGF", "FFF")}, 2, ()),
    ):
        entry = entry_of("FrozenLake-v1", **options)
        assert entry.symmetry is not None
        assert (entry.status, entry.symmetry.group.order, entry.breaks) == ("exact", order, breaks)
        report = verify(entry.name, entry.symmetry, samples=50)
        assert {part.part for part in report.failures} == set(breaks)
    assert entry_of("FrozenLake-v1", desc=["FSF", "FGF", "FFF"]).alternatives[0].group.order == 8
    with pytest.raises(NoSymmetryError, match="no turn and no mirror keeps the map"):
        symmetry_of("FrozenLake-v1", desc=["SFF", "FFH", "FFG"])
    with pytest.raises(OptionError, match="list of rows"):
        symmetry_of("FrozenLake-v1", desc=["SFF", "FF"])
    for desc in (3, True, b"SFG", [b"S\xff"]):
        with pytest.raises(OptionError, match="is a list of rows of one length"):
            symmetry_of("FrozenLake-v1", desc=desc)
    with pytest.raises(UnknownEnvironmentError, match="no entry for FrozenLake-v1"):
        entry_of("FrozenLake-v1", success_rate=0.5)


def test_the_command_line_verifies_toy_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "FrozenLake-v1"]) == 1
    text = capsys.readouterr().out
    assert "after cell (3, 1) with up, whose image is cell (1, 3) with left: cell (1, 3) expected with probability 0" in text
    assert "The catalogue lists no symmetry of FrozenLake-v1" in text
    option = f"desc={LAKE!r}"
    assert main(["verify", "FrozenLake-v1", "--option", option, "is_slippery=False"]) == 0
    assert "symmetric under D4 (largest error 0.0e+00)" in capsys.readouterr().out
    assert main(["verify", "FrozenLake-v1", "--option", option.replace("'", '"'), "--json"]) == 0
    assert '"method": "exact' in capsys.readouterr().out
    assert main(["verify", "FrozenLake-v1", "--option", 'desc=["SFF","FFH","FFG"]']) == 2
    assert "no turn and no mirror keeps the map" in capsys.readouterr().err


def test_the_command_line_shows_states(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "FrozenLake-v1", "--option", f"desc={LAKE!r}"]) == 0
    text = capsys.readouterr().out
    for part in ("Where each state and action goes", "States and their images", "half turn", "→ up → left"):
        assert part in text
    assert main(["show", "CliffWalking-v1"]) == 0
    text = capsys.readouterr().out
    assert "States and their images" not in text  # the table of the one generator says it already
    assert "cell (3, 0)" in text
