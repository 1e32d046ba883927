from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from symmdp.errors import GroupError
from symmdp.groups._group import Group, Subgroup


@dataclass(frozen=True)
class Homomorphism:
    """A homomorphism of groups, `φ(gh) = φ(g) φ(h)`; made by `homomorphism`, which checks it.

    Attributes:
        source: the group that it maps.
        target: the group that it maps into.
        images: `images[g]` is `φ(g)`.
    """

    source: Group
    target: Group
    images: tuple[int, ...]

    def __call__(self, g: int) -> int:
        """`φ(g)`.

        Raises:
            GroupError: `g` is no element of the source.
        """
        return self.images[self.source.check_element(g)]

    @cached_property
    def kernel(self) -> Subgroup:
        """The normal subgroup `{g : φ(g) = e}` of the source."""
        return self.source.subgroup(*self.source.generators_of([g for g in self.source if self.images[g] == 0]))

    @cached_property
    def image(self) -> Subgroup:
        """The subgroup `φ(G)` of the target."""
        return self.target.subgroup(*[self.images[s] for s in self.source.generators])

    @property
    def is_injective(self) -> bool:
        """Whether no two elements have one image."""
        return len(set(self.images)) == self.source.order

    @property
    def is_surjective(self) -> bool:
        """Whether every element of the target is an image."""
        return len(set(self.images)) == self.target.order


def homomorphism(source: Group, target: Group, images: Mapping[int, int] | Sequence[int]) -> Homomorphism:
    """The homomorphism with given images of the generators.

    Args:
        source: the group that is mapped.
        target: the group that it is mapped into.
        images: the image of each of `source.generators`, in their order, or a mapping from generator to image.

    Raises:
        GroupError: a generator has no image, an image is no element of the target, or the images break a relation of the
            source (the message names the relation).
    """
    if not isinstance(images, Mapping):
        if len(images) != len(source.generators):
            raise GroupError(
                f"{source.name} has {len(source.generators)} generators {source.generators}; got {len(images)} images."
            )
        images = dict(zip(source.generators, images, strict=True))
    missing = [s for s in source.generators if s not in images]
    if missing:
        raise GroupError(f"No image is given for generator {missing[0]} of {source.name}.")
    of_generators = {s: target.check_element(images[s]) for s in source.generators}
    found = []
    for g in source:
        image = 0
        for s in source.words[g]:
            image = target.multiply(image, of_generators[s])
        found.append(image)
    relation = broken_relation(source, lambda g, s: found[source.multiply(g, s)] == target.multiply(found[g], of_generators[s]))
    if relation:
        raise GroupError(
            f"There is no homomorphism from {source.name} to {target.name} with these images {dict(of_generators)}: "
            f"{source.name} has the relation {relation}, which they do not satisfy."
        )
    return Homomorphism(source, target, tuple(found))


def broken_relation(group: Group, holds: Callable[[int, int], bool]) -> str | None:
    """A shortest relation `word(g)·s = word(gs)` of the group, `s` a generator, for which `holds(g, s)` is false.

    Images of generators extend to a homomorphism exactly when all these hold, by induction on the length of words.
    """
    for g in sorted(group, key=lambda g: len(group.words[g])):
        for s in group.generators:
            if not holds(g, s):
                return f"{_spell((*group.words[g], s))} = {_spell(group.words[group.multiply(g, s)])}"
    return None


def _spell(word: tuple[int, ...]) -> str:
    return "·".join(map(str, word)) or "e"
