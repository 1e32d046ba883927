"""From a declaration to a symmetry."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symmdp import groups
from symmdp.catalogue.specification._checks import check_keys, checked_text
from symmdp.catalogue.specification._fields import declared_anatomy
from symmdp.catalogue.specification._isometry import ISOMETRIES
from symmdp.catalogue.specification._side import Side
from symmdp.errors import GroupError, SpecificationError
from symmdp.groups import Group
from symmdp.mdp import Symmetry

_FAMILIES: dict[str, Callable[[int], Group]] = {
    "C": groups.cyclic,
    "D": groups.dihedral,
    "S": groups.symmetric,
    "A": groups.alternating,
}
_KEYS = ("name", "environment", "group", "parts", "axes", "observation", "action", "generators", "elements")
_NAMED: dict[str, Callable[[], Group]] = {"K4": groups.klein_four, "Q8": groups.quaternion}


def declared_symmetry(contents: Mapping[str, Any]) -> Symmetry:
    """The symmetry that nested mappings declare, those of the file of `load_symmetry` as `tomllib` reads it.

    Args:
        contents: with the keys `observation`, `action`, `generators` and, optionally, `name`, `group`, `parts`, `axes`,
            `elements` and `environment`.

    Raises:
        SpecificationError: the declaration is incomplete, has an unknown key or a value of the wrong kind, or a generator is
            not of the order that it must have; the message says where.
        GroupError: the generators generate an infinite group, or one of another order than `group`.
        RepresentationError: they do not satisfy the relations of `group`.
    """
    if not isinstance(contents, Mapping):
        raise SpecificationError(f"a declaration is a mapping with observation, action and generators; got {contents!r}.")
    check_keys(contents, _KEYS, "the file")
    anatomy = declared_anatomy(contents.get("parts", {}), contents.get("axes", {}))
    observation = Side(contents, "observation", anatomy)
    action = Side(contents, "action", anatomy)
    generators = contents.get("generators")
    if not isinstance(generators, Sequence) or isinstance(generators, str) or not generators:
        raise SpecificationError("the file needs at least one [[generators]] table, which says what an element does.")
    parts = tuple(field.part for side in (observation, action) for field in side.fields)
    names, moves = [], []
    for number, generator in enumerate(generators):
        where = f"generator {number}"
        if not isinstance(generator, Mapping):
            raise SpecificationError(f"{where} must be a table [[generators]]; got {generator!r}.")
        check_keys(generator, ("name", "order", *ISOMETRIES, "frame", "swap", "observation", "action"), where)
        spatial = [key for key in (*ISOMETRIES, "frame", "swap") if key in generator]
        if spatial and not parts:
            raise SpecificationError(f"{where} has {spatial[0]}, which moves fields; neither observation nor action has any.")
        names.append(checked_text(generator.get("name", where), f"the name of {where}"))
        moves.append((observation.matrix(generator, names[-1], parts), action.matrix(generator, names[-1], parts)))
        if all(np.array_equal(matrix, np.eye(len(matrix))) for matrix in moves[-1]):
            raise SpecificationError(f"{names[-1]!r} moves nothing; say where coordinates go, or leave it out.")
        _check_order(generator, moves[-1], names[-1])
    group = _group(contents, moves)
    common = {"name": checked_text(contents["name"], "name")} if "name" in contents else {}
    return Symmetry(
        group,
        observation.representation(group, [matrix for matrix, _ in moves]),
        action.representation(group, [matrix for _, matrix in moves]),
        observation_center=observation.center,
        action_center=action.center,
        observation_names=observation.names,
        action_names=action.names,
        element_names=contents.get("elements", _element_names(group, names)),
        **common,
    )


def _group(contents: Mapping[str, Any], moves: list[tuple[NDArray, NDArray]]) -> Group:
    declared = contents.get("group")
    if declared is None:
        generated = groups.generated_by(*(_joint(*pair) for pair in moves))
        return groups.cyclic(generated.order) if len(moves) == 1 else generated
    text = checked_text(declared, "group")
    family = re.fullmatch(r"([CDSA])(\d{1,4})", text)
    if text in _NAMED:
        group = _NAMED[text]()
    elif family is not None:
        group = _FAMILIES[family[1]](int(family[2]))
    else:
        raise SpecificationError(f"group is one of C2, C3, …, D3, …, S3, …, A4, …, K4, Q8; or left out; got {text!r}.")
    if len(moves) != len(group.generators):
        raise SpecificationError(f"{text} has {len(group.generators)} generators; the file has {len(moves)} [[generators]].")
    return group


def _joint(observation: NDArray, action: NDArray) -> NDArray:
    """Both as one block-diagonal matrix: the group must be large enough for either."""
    n, m = len(observation), len(action)
    joint = np.zeros((n + m, n + m), dtype=np.result_type(observation, action))
    joint[:n, :n], joint[n:, n:] = observation, action
    return joint


def _check_order(generator: Mapping[str, Any], matrices: tuple[NDArray, NDArray], name: str) -> None:
    order = generator.get("order")
    if order is None:
        return
    if not isinstance(order, int) or isinstance(order, bool) or order < 1:
        raise SpecificationError(f"the order of {name!r} is an integer of at least 1; got {order!r}.")
    try:
        found = groups.generated_by(_joint(*matrices)).order
    except GroupError as error:
        raise SpecificationError(f"{name!r} has no finite order: {error}") from None
    if found != order:
        kind = "no involution" if order == 2 else f"not of order {order}"
        raise SpecificationError(f"{name!r} is {kind}: it gives the identity after {found} times, not after {order}.")


def _element_names(group: Group, names: list[str]) -> tuple[str, ...]:
    found = {0: "identity", **dict(zip(group.generators, names, strict=True))}
    return tuple(found.get(g, f"element {g}") for g in group.numbered)
