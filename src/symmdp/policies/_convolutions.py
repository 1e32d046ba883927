from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from symmdp.errors import OptionError, ShapeError
from symmdp.nn import hidden_representation
from symmdp.representations import ImageRepresentation, Representation, pixel_action

Pool = Literal["mean", "max"]

_WIDEST = 65_536


@dataclass(frozen=True)
class Convolutions:
    """What a policy of images has before its hidden layers: convolutions, and how their output becomes a vector.

    As they are, those of van der Pol et al. for Pong, whose images are 80 × 80.

    Raises:
        OptionError: a value is out of range, or there is not one for each convolution.

    Source: van der Pol et al. 2020, section 5 and appendix B.
    """

    channels: tuple[int, ...] = (16, 32)
    """Of each convolution, rounded up to multiples of the group's order."""
    kernel_size: tuple[int, ...] = (8, 5)
    """Rows and columns of each kernel."""
    stride: tuple[int, ...] = (4, 2)
    """Pixels from one window to the next."""
    padding: tuple[int, ...] = ()
    """Pixels with value 0 that are added on all sides; none where it is empty."""
    pool: Pool | None = None
    """"mean" or "max" over all pixels in place of taking them all as one vector."""
    shared: bool = True
    """Whether actor and critic share convolutions and hidden layers, or have their own."""

    def __post_init__(self) -> None:
        if not self.channels:
            raise OptionError("channels lists those of at least one convolution, such as (16, 32); got none.")
        for name, least in (("channels", 1), ("kernel_size", 1), ("stride", 1), ("padding", 0)):
            value = getattr(self, name)
            if not isinstance(value, tuple) or not all(_is_integer(entry, least) for entry in value):
                raise OptionError(f"{name} holds integers from {least} to {_WIDEST:,}; got {value!r}.")
            if len(value) != len(self.channels) and not (name == "padding" and not value):
                raise OptionError(
                    f"{name} has an entry for each of the {len(self.channels)} convolutions that channels lists; got {value!r}."
                )
        if self.pool is not None and self.pool not in get_args(Pool):
            raise OptionError(f"pool is None, {' or '.join(map(repr, get_args(Pool)))}; got {self.pool!r}.")

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Convolutions:
        """The convolutions that `dataclasses.asdict` turned into JSON.

        Raises:
            OptionError: an unknown name, or a value out of range.
        """
        names = [field.name for field in fields(cls)]
        unknown = [name for name in values if name not in names]
        if unknown:
            raise OptionError(f"Convolutions have no {unknown[0]!r}; they have {', '.join(names)}.")
        arguments: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
        return cls(**arguments)

    @property
    def paddings(self) -> tuple[int, ...]:
        """Of each convolution."""
        return self.padding or (0,) * len(self.channels)

    def maps(self, images: ImageRepresentation) -> tuple[list[tuple[Representation, Representation]], Representation]:
        """What each kernel maps from and to, and the representation on the vector that follows; no network is built.

        Raises:
            ShapeError: the images do not fit the convolutions.
        """
        before, plane, size = images.channels, images.plane, images.shape[1:]
        found = []
        for width, kernel, stride, padding in zip(self.channels, self.kernel_size, self.stride, self.paddings, strict=True):
            after = hidden_representation(images.group, width)
            found.append((before * pixel_action(plane, kernel, kernel), after))
            size = tuple((n + 2 * padding - kernel) // stride + 1 for n in size)
            before = after
        if min(size) < 1:
            raise ShapeError(f"Images of {images.shape[1]} × {images.shape[2]} pixels are too small for {self}.")
        return found, before if self.pool is not None else before * pixel_action(plane, *size)


def _is_integer(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= _WIDEST
