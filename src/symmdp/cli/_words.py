from __future__ import annotations

from collections.abc import Callable

from symmdp.cli._images import move_of_image
from symmdp.mdp import Symmetry
from symmdp.representations import ImageRepresentation, Representation

_MOST = 6  # moves that are spelled out
_MOST_NAMES = 12  # in them


def in_words(symmetry: Symmetry) -> str:
    """What the generators of the group do to observations and actions, a line for each: `x → −x; left ↔ right`."""
    lines = []
    for g in symmetry.group.generators:
        observation = _moves(symmetry.observation, g, symmetry.observation_name, symmetry.observation_center is not None)
        if isinstance(symmetry.action, Representation):
            action = _moves(symmetry.action, g, symmetry.action_name, symmetry.action_center is not None)
        else:
            action = "actions by a function of the state"
        lines.append("; ".join(part for part in (observation, action) if part) or "nothing moves")
    return "\n".join(lines)


def _moves(rep: Representation, g: int, name: Callable[[int], str], centred: bool) -> str:
    """The coordinates that `ρ(g)` moves: `a → −a` for a sign, `a ↔ b` for a swap, `a → b → c → a` for a cycle."""
    about = " about a centre" if centred else ""
    if isinstance(rep, ImageRepresentation):
        channels = _moves(rep.channels, g, "channel {}".format, False)
        return ", ".join(part for part in (move_of_image(rep, g), channels) if part) + about
    if rep.source is None or rep.sign is None:
        return f"a linear map of {rep.dim} coordinates{about}"
    # (ρ(g) x)[i] = sign[i] x[source[i]], so what is at source[i] goes to i.
    source, sign = rep.source[g], rep.sign[g]
    target = {int(s): (i, int(sign[i])) for i, s in enumerate(source)}
    moves, seen = [], set[int]()
    shown, names_shown = 0, 0
    for start in range(rep.dim):
        if start in seen or target[start] == (start, 1):
            continue
        cycle, at = [(start, 1)], start
        while True:
            seen.add(at)
            at, s = target[at]
            cycle.append((at, cycle[-1][1] * s))
            if at == start:
                break
        names = [("−" if s < 0 else "") + name(i) for i, s in cycle]
        swap = len(cycle) == 3 and cycle[-1][1] > 0
        moves.append(" ↔ ".join(names[:2]) if swap else " → ".join(names))
        names_shown += len(names) - 1
        if len(moves) <= _MOST and (names_shown <= _MOST_NAMES or not shown):
            shown = len(moves)
    more = f", and {len(moves) - shown} more" if len(moves) > shown else ""
    return ", ".join(moves[:shown]) + more + (about if moves else "")
