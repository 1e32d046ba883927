from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from symmdp.cli._console import console
from symmdp.cli._environment import EnvironmentId, EnvironmentOptions, environment_named
from symmdp.cli._images import letter, move_of_image
from symmdp.cli._symmetry import SymmetryFile, check_fits, symmetry_for
from symmdp.cli._words import in_words
from symmdp.errors import OptionError, UnknownEnvironmentError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from rich.table import Table

    from symmdp.catalogue import CatalogueEntry
    from symmdp.mdp import Symmetry

_MOST_ROWS = 60  # coordinates in a table
_MOST_COLUMNS = 8  # elements of the group


@dataclass(frozen=True)
class Show:
    """Show a symmetry: the group, both representations, a state and its images.

    Of each generator it says where every coordinate goes. Where there is none, what looks like one is shown.
    """

    environment: EnvironmentId
    """Gymnasium id; `symmdp list` names those that are known."""
    option: EnvironmentOptions = ()
    """Options that the environment is made with, such as continuous=True."""
    symmetry: SymmetryFile = None
    """Show the symmetry that this TOML file declares."""
    figure: Annotated[Path | None, tyro.conf.arg(metavar="PNG", help_behavior_hint="(optional)")] = None
    """Draw a state and its images to this file (classic control)."""

    def run(self) -> int:
        """Print it."""
        environment = environment_named(self.environment, self.option)
        symmetry, entry = self._found(environment)
        if self.figure is not None and symmetry is not None:
            self._draw(environment, symmetry, self.figure)  # first, so that what cannot be drawn is one line
        out = console()
        if entry is not None:
            error = "" if math.isnan(entry.error) else f", largest error {f'{entry.error:.1e}' if entry.error else '0'}"
            out.print(f"{entry.name}: {entry.status}{error} ({entry.engine})", markup=False)
            out.print(f"{entry.notes}\n", markup=False)
            if entry.preprocessing:
                out.print(f"Observations: {entry.preprocessing}.\n", markup=False)
        if symmetry is None:
            return 0
        if entry is not None and entry.symmetry is None:
            out.print("What looks like a symmetry, and is none:", markup=False)
        group = symmetry.group
        elements = f"{group.order} elements" if group.is_listed else f"{len(group.generators)} generators"
        out.print(f"{symmetry.name}: the group {group.name}, {elements}\n", markup=False)
        for g, line in zip(group.generators, in_words(symmetry).split("\n"), strict=True):
            out.print(f"{symmetry.element_name(g)}: {line}", markup=False)
        of_states = _acts_on_states(environment, symmetry)
        out.print(f"\n[bold]Where each {'state and action' if of_states else 'coordinate'} goes[/bold]")
        out.print(_representations(symmetry, of_states))
        if of_states:
            if len(group.numbered) > len(group.generators) + 1:
                out.print("\n[bold]States and their images[/bold]")
                out.print(_images_of_states(symmetry))
        elif len(symmetry.observation_shape) == 1:
            out.print("\n[bold]A state and its images[/bold]")
            out.print(_orbit(environment, symmetry))
        else:
            out.print("\n[bold]Where an image goes[/bold]")
            out.print(_letters(symmetry))
        if self.figure is not None:
            out.print(f"written to {self.figure}", markup=False)
        return 0

    def _draw(self, environment: str, symmetry: Symmetry, path: Path) -> None:
        from symmdp.experiments import draw_orbit

        if path.suffix.lower() != ".png":
            raise OptionError(f"--figure names a .png file; got {str(path)!r}.")
        if not path.parent.is_dir():
            raise OptionError(f"--figure names a file in a folder; there is no folder {str(path.parent)!r}.")
        draw_orbit(environment, symmetry, path)

    def _found(self, environment: str) -> tuple[Symmetry | None, CatalogueEntry | None]:
        from symmdp.catalogue import entry_of

        if self.symmetry is not None:
            symmetry = symmetry_for(environment, self.symmetry)
            check_fits(environment, symmetry)
            return symmetry, None
        try:
            entry = entry_of(environment)
        except UnknownEnvironmentError as error:
            raise UnknownEnvironmentError(f"{error} A TOML file declares one: --symmetry FILE.") from None
        return entry.symmetry or entry.candidate, entry


def _table(columns: list[str]) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=True)
    return table


def _acts_on_states(environment: str, symmetry: Symmetry) -> bool:
    """Whether it permutes the states of a Discrete space, rather than the coordinates of a vector."""
    import gymnasium as gym

    from symmdp.errors import MissingExtraError
    from symmdp.mdp import make_environment

    if symmetry.observation.kind != "permutation":
        return False
    try:
        made = make_environment(environment)
    except MissingExtraError:
        return False
    with made:
        return isinstance(made.observation_space, gym.spaces.Discrete)


def _representations(symmetry: Symmetry, of_states: bool) -> Table:
    """Where each coordinate goes under each generator."""
    from symmdp.representations import ImageRepresentation, Representation

    names = [symmetry.element_name(g) for g in symmetry.group.generators]
    table = _table(["", "" if of_states else "coordinate", *names])
    sides = [("state" if of_states else "observation", symmetry.observation, symmetry.observation_name)]
    if isinstance(symmetry.action, Representation):
        sides.append(("action", symmetry.action, symmetry.action_name))
    for what, rep, name in sides:
        if isinstance(rep, ImageRepresentation):
            moves = [move_of_image(rep, g) or "the image stays" for g in symmetry.group.generators]
            table.add_row(what, " × ".join(map(str, rep.shape)), *moves)
            continue
        for i in range(min(rep.dim, _MOST_ROWS)):
            images = [_image(rep(g)[:, i], name) for g in symmetry.group.generators]
            table.add_row(what if i == 0 else "", name(i), *images)
        if rep.dim > _MOST_ROWS:
            table.add_row("", f"and {rep.dim - _MOST_ROWS} more")
    if not isinstance(symmetry.action, Representation):
        table.add_row("action", "moved by a function of the state")
    return table


def _image(column: NDArray, name: Callable[[int], str]) -> str:
    """The image of a basis vector, `→ −b` or `→ 0.5 a + 0.87 b`."""
    terms = []
    for j, value in enumerate(column):
        if abs(value) > 1e-9:
            size = "" if abs(abs(value) - 1) < 1e-9 else f"{abs(value):.3g} "
            sign = "−" if value < 0 else "+" if terms else ""
            terms.append(f"{sign}{' ' if terms else ''}{size}{name(j)}")
    return "→ " + " ".join(terms)


def _letters(symmetry: Symmetry) -> Table:
    """The letter F, moved by the first elements."""
    from symmdp.representations import ImageRepresentation

    rep, numbers = symmetry.observation, symmetry.group.numbered[:_MOST_COLUMNS]
    if not isinstance(rep, ImageRepresentation):
        raise AssertionError("the observations are images")
    table = _table([symmetry.element_name(g) for g in numbers])
    table.add_row(*(letter(rep, g) for g in numbers))
    return table


def _images_of_states(symmetry: Symmetry) -> Table:
    """Where the first elements take the states of a Discrete space."""
    import numpy as np

    numbers = symmetry.group.numbered[:_MOST_COLUMNS]
    table = _table([symmetry.element_name(g) for g in numbers])
    states = np.arange(symmetry.observation.dim)
    images = [symmetry.transform_observation(g, states, discrete=True) for g in numbers]
    for s in states[:_MOST_ROWS]:
        table.add_row(*(symmetry.observation_name(int(image[s])) for image in images))
    if len(states) > _MOST_ROWS:
        table.add_row(f"and {len(states) - _MOST_ROWS} more")
    return table


def _orbit(environment_id: str, symmetry: Symmetry) -> Table:
    """A state and its images under the first elements; 1, 2, 3, … from the centre where no better one is known."""
    import numpy as np

    from symmdp.experiments import can_draw, example_observation

    numbers = symmetry.group.numbered[:_MOST_COLUMNS]
    table = _table(["coordinate", *(symmetry.element_name(g) for g in numbers)])
    state = np.arange(1.0, symmetry.observation.dim + 1)
    if symmetry.observation_center is not None:
        state = state + symmetry.observation_center
    if can_draw(environment_id) and len(example := example_observation(environment_id)) == len(state):
        state = example
    images = [symmetry.transform_observation(g, state) for g in numbers]
    for i in range(min(len(state), _MOST_ROWS)):
        table.add_row(symmetry.observation_name(i), *(f"{image[i]:.4g}".replace("-", "−") for image in images))
    return table
