from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from symmdp.mdp.verification._report import aligned

_MOST = 40  # rows that are printed


@dataclass(frozen=True)
class ParameterDifference:
    """A parameter of a model that does not have the value of its mirror image.

    Attributes:
        element_name: the element of the group.
        kind: `body`, `joint`, `geom`, `actuator` or `option`.
        name: what has the parameter.
        parameter: what it is called in MuJoCo; positions and directions are in world coordinates, at the reference pose.
        value: one or more numbers; or a name.
        image: what the element takes it to.
        expected: the value that the image must have.
        found: the value that it has.
    """

    element_name: str
    kind: str
    name: str
    parameter: str
    value: tuple[float, ...] | str
    image: str
    expected: tuple[float, ...] | str
    found: tuple[float, ...] | str


@dataclass(frozen=True)
class Explanation:
    """Why a model does not have a symmetry: the parameters that differ. Prints as a table.

    Attributes:
        environment: its id, or the name of its class.
        symmetry: the name of the symmetry.
        images: `(element, kind, name, image)` for all that an element moves.
        differences: the parameters that differ.
        notes: what else breaks the symmetry.
    """

    environment: str
    symmetry: str
    images: tuple[tuple[str, str, str, str], ...]
    differences: tuple[ParameterDifference, ...]
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Everything, in plain values that JSON can hold."""
        return asdict(self)

    def __str__(self) -> str:
        if not self.differences:
            lines = [f"The model of {self.environment} has no parameter that differs from its image."]
        else:
            rows = [("element", "kind", "name", "parameter", "value", "image", "expected", "found")]
            rows += [
                (d.element_name, d.kind, d.name, d.parameter, _text(d.value), d.image, _text(d.expected), _text(d.found))
                for d in self.differences[:_MOST]
            ]
            lines = [f"Parameters of the model that differ from their images ({len(self.differences)}):", "", *aligned(rows)]
            if len(self.differences) > _MOST:
                lines.append(f"… and {len(self.differences) - _MOST} more")
        return "\n".join([*lines, *self.notes])


def _text(value: tuple[float, ...] | str) -> str:
    return value if isinstance(value, str) else " ".join(f"{number:.6g}" for number in value)
