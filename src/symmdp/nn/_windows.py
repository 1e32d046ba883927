from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from symmdp.errors import OptionError, ShapeError
from symmdp.representations import Representation, pixel_action

Pair = int | tuple[int, int]

_AXES = ("height", "width")


@dataclass(frozen=True)
class Windows:
    """Where a kernel is placed on an image: window `o` of an axis begins at pixel `s o - p` and covers `e = d (k - 1) + 1`.

    An axis of `n` pixels has `⌊(n + 2p - e) / s⌋ + 1` windows. Reversing it, `i ↦ n - 1 - i`, maps windows onto windows
    exactly when they lie symmetrically about its centre, which is when the division leaves no remainder: the first window
    begins `p` pixels before the image, and the last must end `p` pixels after it. This holds for even kernels too.

    Attributes:
        plane: how the group moves the pixels.
        kernel: `k`, rows and columns, as all that follows.
        stride: `s`.
        padding: `p`, on both sides of an axis.
        dilation: `d`.
        reverses: whether some element reverses the axis.
        exchanges: an element that exchanges the axes, or None.
    """

    plane: Representation
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    reverses: tuple[bool, bool]
    exchanges: int | None

    @classmethod
    def of(
        cls, plane: Representation, kernel_size: Pair, stride: Pair = 1, padding: Pair | str = 0, dilation: Pair = 1
    ) -> Windows:
        """The windows with options as `torch.nn.Conv2d` takes them; `padding="same"` keeps the size, with stride 1.

        Raises:
            RepresentationError: `plane` is no signed permutation of two coordinates.
            OptionError: a number is too small, `"same"` would pad one side more than the other, or an element exchanges
                the axes and an option differs between them.
        """
        pixel_action(plane, 1, 1)  # raises unless it is a symmetry of the plane
        kernel, strides, dilations = pair("kernel_size", kernel_size), pair("stride", stride), pair("dilation", dilation)
        pads = _same(kernel, strides, dilations, padding) if isinstance(padding, str) else pair("padding", padding, least=0)
        reverses, exchanges = _moves(plane)
        if exchanges is not None:
            options = {"kernel_size": kernel, "stride": strides, "padding": pads, "dilation": dilations}
            for name, (rows, columns) in options.items():
                if rows != columns:
                    raise OptionError(
                        f"Element {exchanges} of {plane.group.name} exchanges rows and columns, so {name} must agree on both; "
                        f"got ({rows}, {columns}). Give one number, or take a subgroup that keeps the axes."
                    )
        return cls(plane, kernel, strides, pads, dilations, reverses, exchanges)

    @property
    def extent(self) -> tuple[int, int]:
        """`e = d (k - 1) + 1`, the pixels from the first to the last that a window touches."""
        return tuple(d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True))  # pyright: ignore

    def output_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """The number of windows along each axis of an image of `(height, width)` pixels.

        Raises:
            ShapeError: the image is smaller than a window, is not square where an element exchanges the axes, or an axis
                that an element reverses has its windows off the centre.
        """
        self.check(*size)
        sizes = zip(size, self.extent, self.stride, self.padding, strict=True)
        return tuple((n + 2 * p - e) // s + 1 for n, e, s, p in sizes)  # pyright: ignore[reportReturnType]

    def check(self, height: int, width: int) -> None:
        """Raise ShapeError unless windows are mapped onto windows on an image of this size; see `output_size`."""
        if self.exchanges is not None and height != width:
            raise ShapeError(
                f"Element {self.exchanges} of {self.plane.group.name} exchanges rows and columns, so images are square; got "
                f"{height} × {width}. Crop or pad them, or take a subgroup that keeps the axes."
            )
        for axis, n in enumerate((height, width)):
            k, s, p, d = self.kernel[axis], self.stride[axis], self.padding[axis], self.dilation[axis]
            free = n + 2 * p - d * (k - 1) - 1
            if free < 0 or (self.reverses[axis] and s > 1 and free % s != 0):
                raise ShapeError(self._reason(axis, n))

    def fits(self, axis: int, n: int) -> bool:
        """Whether an axis of `n` pixels may be."""
        free = n + 2 * self.padding[axis] - self.extent[axis]
        return n >= 1 and free >= 0 and not (self.reverses[axis] and free % self.stride[axis])

    def _reason(self, axis: int, n: int) -> str:
        name, e, s, p = _AXES[axis], self.extent[axis], self.stride[axis], self.padding[axis]
        least = next(m for m in range(1, e + s + 1) if self.fits(axis, m))
        if n + 2 * p < e:
            return f"A window covers {e} pixels, more than the {name} {n} with padding {p}. The least {name} is {least}."
        smaller = next((m for m in range(n - 1, 0, -1) if self.fits(axis, m)), None)
        larger = next(m for m in range(n + 1, n + s + 1) if self.fits(axis, m))
        around = f"{name}s that fit are {smaller} and {larger}" if smaller else f"the next {name} that fits is {larger}"
        paddings = [q for q in range(p + s + 1) if n + 2 * q >= e and (n + 2 * q - e) % s == 0]
        near = sorted(paddings, key=lambda q: abs(q - p))
        padding = f"padding {near[0]} fits {n}" if near else f"no padding fits {n}"
        return (
            f"{self.plane.group.name} reverses the {name}, so windows must lie symmetrically about its centre: "
            f"{name} + 2·padding - dilation·(kernel - 1) - 1 must be a multiple of the stride {s}; a {name} of {n} with "
            f"padding {p} leaves {(n + 2 * p - e) % s}. Near it, {around}; {padding}."
        )

    def describe(self) -> str:
        """The options that differ from torch's defaults."""
        parts = [f"kernel_size={self.kernel}", f"stride={self.stride}"]
        parts += [f"padding={self.padding}"] if any(self.padding) else []
        parts += [f"dilation={self.dilation}"] if self.dilation != (1, 1) else []
        return ", ".join(parts)


def pair(name: str, value: Pair | Sequence[int], least: int = 1) -> tuple[int, int]:
    """An option of both axes, `(rows, columns)`; one number stands for both.

    Raises:
        OptionError: it is no integer of at least `least`, nor two.
    """
    both = (value, value) if isinstance(value, int | np.integer) else value
    if (
        not isinstance(both, tuple | list)
        or len(both) != 2
        or any(not isinstance(v, int | np.integer) or isinstance(v, bool) or v < least for v in both)
    ):
        raise OptionError(f"{name} is an integer of at least {least}, or a pair (rows, columns) of them; got {value!r}.")
    return int(both[0]), int(both[1])


def _same(kernel: tuple[int, int], stride: tuple[int, int], dilation: tuple[int, int], padding: str) -> tuple[int, int]:
    if padding != "same":
        raise OptionError(f'padding is a number, a pair or "same"; got {padding!r}.')
    if stride != (1, 1):
        raise OptionError(f'padding="same" keeps the size, which stride {stride} does not. Give the padding in numbers.')
    around = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    if any(a % 2 for a in around):
        raise OptionError(
            f'padding="same" pads both sides alike, which kernel {kernel} with dilation {dilation} does not allow: it covers '
            "an even number of pixels. Take an odd kernel, or give the padding in numbers."
        )
    return around[0] // 2, around[1] // 2


def _moves(plane: Representation) -> tuple[tuple[bool, bool], int | None]:
    """Which axes of the grid some element reverses, and an element that exchanges them; of generators, which suffice."""
    matrices = plane.matrices
    # From (x, y), y up, to (row, column), rows down.
    on_grid = np.array([[0, -1], [1, 0]]) @ matrices @ np.array([[0, 1], [-1, 0]])
    rows, columns = (bool((on_grid[:, axis] < 0).any()) for axis in (0, 1))
    turned = np.flatnonzero(on_grid[:, 0, 0] == 0)
    if len(turned):
        return (rows or columns, rows or columns), int(turned[0])
    return (rows, columns), None
