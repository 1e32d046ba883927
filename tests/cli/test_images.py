import numpy as np
import pytest

from symmdp import groups
from symmdp.cli import main
from symmdp.cli._images import letter, move_of_image
from symmdp.cli._words import in_words
from symmdp.mdp import Symmetry
from symmdp.representations import image, plane, trivial

F = np.array([list(".####"), list(".#..."), list(".###."), list(".#..."), list(".#...")]) == "#"
MOVES = {
    "": F,
    "the image turns by 90°": np.rot90(F),
    "the image turns by 180°": np.rot90(F, 2),
    "the image turns by −90°": np.rot90(F, -1),
    "the image is mirrored left–right": np.fliplr(F),
    "the image is mirrored up–down": np.flipud(F),
    "the image is mirrored in its falling diagonal": F.T,
    "the image is mirrored in its rising diagonal": np.rot90(F.T, 2),
}


def test_the_words_say_what_happens_to_the_letter():
    d4 = groups.dihedral(4)
    rep = image(2 * d4.trivial, plane(d4), 3, 3)
    assert {move_of_image(rep, g) for g in d4} == set(MOVES)
    for g in d4:
        drawn = np.array([line.split() for line in letter(rep, g).splitlines()]) == "█"
        assert np.array_equal(drawn, MOVES[move_of_image(rep, g)])


def test_channels_that_move_are_named():
    c2 = groups.cyclic(2)
    mirrored = Symmetry(c2, image(c2.regular + trivial(c2), plane(c2), 2, 3), c2.regular)
    assert in_words(mirrored) == "the image turns by 180°, channel 0 ↔ channel 1; action 0 ↔ action 1"


def test_show_draws_where_an_image_goes(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "170")
    assert main(["show", "symmdp/GridWorld-v0"]) == 0
    text = capsys.readouterr().out
    for part in (
        "D4, 8 elements",
        "1 × 21 × 21",
        "the image turns by 90°; up → left → down → right → up",
        "three-quarter turn",
    ):
        assert part in text
    assert text.count("█") == 8 * F.sum()
    assert "pixel" not in text
