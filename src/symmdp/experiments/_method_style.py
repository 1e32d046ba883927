"""How each method is drawn, the same in every figure: a colour on white, one on black, and a dash pattern.

The hues are those of Okabe and Ito, which are told apart under every common colour blindness, made darker on white and lighter
on black so that each has a contrast of 3 to 1. Seven are too many for colour alone, so lines are dashed and labelled too.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class MethodStyle:
    """How the lines of a method are drawn.

    Attributes:
        light: the colour on white.
        dark: the colour on black.
        dash: lengths of dashes and gaps, in pixels; empty for a solid line.
    """

    light: str
    dark: str
    dash: tuple[float, ...] = ()


_KNOWN = {
    "equivariant": MethodStyle("#0072B2", "#4AA8F0"),
    "plain": MethodStyle("#D55E00", "#F0763A"),
    "random-basis": MethodStyle("#A87B00", "#F2C84B", (9, 4)),
    "nullspace-basis": MethodStyle("#00614A", "#17A67C", (2, 3)),
    "augmentation": MethodStyle("#2E8FCC", "#B5E4FF", (9, 3, 2, 3)),
    "mirror-loss": MethodStyle("#B8569A", "#E08CC4", (5, 3)),
    "canonicalization": MethodStyle("#3A3A3A", "#D0D4DA", (12, 3, 2, 3, 2, 3)),
}
_OTHERS = (
    MethodStyle("#6A4FB3", "#B7A3F5", (4, 2)),
    MethodStyle("#7A5230", "#D6AE8B", (7, 3, 1, 3)),
    MethodStyle("#5E7300", "#C3D94E", (3, 3)),
)


def style_of(method: str, position: int = 0) -> MethodStyle:
    """The style of a method.

    Args:
        method: its name.
        position: among the methods shown, for one that has no style of its own.
    """
    return _KNOWN.get(method) or _OTHERS[position % len(_OTHERS)]
