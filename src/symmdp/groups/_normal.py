from symmdp.errors import GroupError
from symmdp.groups._group import Group, Subgroup
from symmdp.groups._homomorphism import Homomorphism


def normal_subgroups(group: Group) -> tuple[Subgroup, ...]:
    """All normal subgroups, by order: the closures of unions of conjugacy classes."""
    classes = [frozenset(group.closure_of(c)) for c in group.conjugacy_classes]
    found = set(classes)
    frontier = found
    while frontier:  # the join of two normal subgroups is one
        frontier = {group.closure_of(a | b) for a in frontier for b in classes} - found
        found |= frontier
    return tuple(group.subgroup(*group.generators_of(members)) for members in sorted(found, key=lambda m: (len(m), sorted(m))))


def quotient(subgroup: Subgroup) -> Homomorphism:
    """The projection `G → G/N` onto the cosets of a normal subgroup; its target is the quotient group.

    Raises:
        GroupError: the subgroup is not normal.
    """
    group = subgroup.parent
    if not subgroup.is_normal:
        raise GroupError(f"{subgroup.group.name} is not normal, so its cosets form no group; see normal_subgroups.")
    coset = {g: k for k, members in enumerate(subgroup.left_cosets) for g in members}
    leaders = [members[0] for members in subgroup.left_cosets]
    table = [[coset[group.multiply(g, h)] for h in leaders] for g in leaders]
    generators = dict.fromkeys(coset[s] for s in group.generators if coset[s] != 0)
    target = Group(table, generators, f"{group.name} / {subgroup.group.name}")
    return Homomorphism(group, target, tuple(coset[g] for g in group))
