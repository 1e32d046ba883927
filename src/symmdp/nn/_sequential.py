from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, overload

from torch import Tensor, nn

from symmdp.errors import ActivationError, OptionError, RepresentationError
from symmdp.nn._activation import Pointwise
from symmdp.representations import Representation

# What to use in place of a torch module that knows no representation; the first class that fits.
_INSTEAD: tuple[tuple[type[nn.Module], str], ...] = (
    (nn.Linear, "EquivariantLinear(rep_in, rep_out)"),
    (nn.Conv2d, "EquivariantConv2d(rep_in, rep_out, kernel_size, plane)"),
    (nn.AvgPool2d, "EquivariantAvgPool2d(rep, kernel_size, plane)"),
    (nn.MaxPool2d, "EquivariantMaxPool2d(rep, kernel_size, plane)"),
    (nn.Flatten, "EquivariantFlatten(rep, plane, size)"),
    (nn.LayerNorm, "EquivariantLayerNorm(rep)"),
    (nn.RMSNorm, "EquivariantRMSNorm(rep)"),
    (nn.modules.batchnorm._BatchNorm, "EquivariantLayerNorm(rep)"),
    (nn.GRU, "EquivariantGRU(rep_in, rep_hidden)"),
    (nn.GRUCell, "EquivariantGRUCell(rep_in, rep_hidden)"),
    (nn.MultiheadAttention, "SetAttention(rep_token, heads)"),
    (nn.modules.dropout._DropoutNd, "no dropout: dropping single coordinates breaks the symmetry"),
    (nn.Sequential, "EquivariantSequential(...)"),
)


class EquivariantSequential(nn.Sequential):
    """Modules one after another, whose representations are checked to fit: `rep_out` of each is `rep_in` of the next.

    Functions and torch modules without representations (`torch.tanh`, `nn.ReLU()`) become `Pointwise` on the
    representation at their place, if that allows them. `append` and `extend` check too; other changes in place do not.

    Args:
        modules: equivariant modules, with `rep_in` and `rep_out`, and pointwise functions between them; or one
            `OrderedDict` of them with their names, as in `nn.Sequential`.

    Shape:
        that of the modules.

    Raises:
        RepresentationError: two neighbours do not fit (the message says which), or a module has no representations.
        ActivationError: a function is not allowed on the representation at its place.
        OptionError: no module is given.
    """

    @overload
    def __init__(self, *modules: nn.Module | Callable[[Tensor], Tensor]) -> None: ...
    @overload
    def __init__(self, modules: OrderedDict[str, nn.Module], /) -> None: ...
    def __init__(self, *modules: Any):
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            names, modules = list(modules[0]), tuple(modules[0].values())
        else:
            names = [str(place) for place in range(len(modules))]
        joined = _join(modules)
        super().__init__(OrderedDict(zip(names, joined, strict=True)))
        self.rep_in: Representation = joined[0].rep_in  # pyright: ignore[reportAttributeAccessIssue]
        self.rep_out: Representation = joined[-1].rep_out  # pyright: ignore[reportAttributeAccessIssue]
        self.takes_images = next((takes for takes in (images_of(m)[0] for m in joined) if takes is not None), None)
        self.gives_images = next((gives for gives in (images_of(m)[1] for m in reversed(joined)) if gives is not None), None)
        self.plane: Representation | None = next((m.plane for m in joined if getattr(m, "plane", None) is not None), None)  # pyright: ignore

    def __getitem__(self, place: slice | int) -> Any:
        """A module, or for a slice an `EquivariantSequential` of its modules (which it shares)."""
        if isinstance(place, slice):
            return EquivariantSequential(OrderedDict(list(self._modules.items())[place]))  # pyright: ignore
        return super().__getitem__(place)

    def append(self, module: nn.Module | Callable[[Tensor], Tensor]) -> EquivariantSequential:
        """Add a module at the end, checked like the others; returns the sequence itself."""
        joined = _join((*self, module))
        super().append(joined[-1])
        self.rep_out = joined[-1].rep_out  # pyright: ignore[reportAttributeAccessIssue]
        gives = images_of(joined[-1])[1]
        self.gives_images = self.gives_images if gives is None else gives
        return self


def representations_of(module: object) -> tuple[Representation, Representation] | None:
    """`(rep_in, rep_out)` of a module, or None when it has none."""
    rep_in, rep_out = getattr(module, "rep_in", None), getattr(module, "rep_out", None)
    return (rep_in, rep_out) if isinstance(rep_in, Representation) and isinstance(rep_out, Representation) else None


def images_of(module: object) -> tuple[bool | None, bool | None]:
    """Whether a module takes images, with channels on axis -3, and whether it gives them; None for any and for not known."""
    if isinstance(module, Pointwise) or not type(module).__module__.startswith("symmdp."):
        return getattr(module, "takes_images", None), getattr(module, "gives_images", None)
    return getattr(module, "takes_images", False), getattr(module, "gives_images", False)


def _join(modules: tuple[Any, ...]) -> list[nn.Module]:
    if not modules:
        raise OptionError("An EquivariantSequential has at least one module, for its representations; got none.")
    joined: list[nn.Module] = []
    rep: Representation | None = None
    plane: Representation | None = None
    images: bool | None = None
    for place, given in enumerate(modules):
        module = given if representations_of(given) is not None else _pointwise(place, given, rep)
        rep_in, rep_out = representations_of(module) or (None, None)
        if rep is not None and rep_in != rep:
            raise RepresentationError(
                f"Modules {place - 1} ({_name(joined[-1])}) and {place} ({_name(module)}) do not fit: the first gives "
                f"{rep!r}, the second takes {rep_in!r}. Put EquivariantLinear between them, or change one's representation."
            )
        takes, gives = images_of(module)
        if images is not None and takes is not None and images != takes:
            raise RepresentationError(
                f"Module {place} ({_name(module)}) takes {'images' if takes else 'vectors'}, and those before it give "
                f"{'images' if images else 'vectors'}. Put it into OnChannels to have it act at each pixel, or put "
                "EquivariantFlatten or SpatialPool before it, to make images vectors."
            )
        images = gives if gives is not None or not isinstance(module, Pointwise) else images
        own = getattr(module, "plane", None)
        if plane is not None and own is not None and own != plane:
            raise RepresentationError(
                f"Module {place} ({_name(module)}) moves pixels by {own!r}, and one before it by {plane!r}. Give "
                "all modules the same plane."
            )
        plane = own if plane is None else plane
        joined.append(module)
        rep = rep_out
    return joined


def _pointwise(place: int, given: object, rep: Representation | None) -> Pointwise:
    where = f"Module {place} ({_name(given)})"
    for kind, instead in _INSTEAD:
        if isinstance(given, kind):
            raise RepresentationError(f"{where} has no representations, and would break equivariance. Use {instead}.")
    if not callable(given) or isinstance(given, type):
        raise RepresentationError(f"{where} is neither a module nor a function of a tensor.")
    if rep is None:
        raise RepresentationError(
            f"{where} has no representations, and comes first, where none is known. Use symmdp.nn.Pointwise(rep, function)."
        )
    function: Callable[..., Any] = given
    try:
        return Pointwise(rep, function)
    except ActivationError as error:
        raise ActivationError(f"{where}: {error}") from None
    except (RuntimeError, TypeError, ValueError, IndexError) as error:
        raise RepresentationError(
            f"{where} has no representations, and is no pointwise function of vectors ({error}). Use an equivariant module of "
            "symmdp.nn, or give yours the attributes rep_in and rep_out."
        ) from error


def _name(module: object) -> str:
    return getattr(module, "__name__", type(module).__name__)
