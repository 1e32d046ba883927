from __future__ import annotations

from symmdp.practical._answers import by_name, choice, fail

_OPTIONS = ("invariant", "equivariant", "neither")
_RIGHT = {
    "square": ("invariant", "(−x)² = x²: the sign makes no difference to the result"),
    "cube": ("equivariant", "(−x)³ = −x³, so K is a change of sign too"),
    "relu": ("neither", "relu(−1) = relu(−2) = 0, but relu(1) ≠ relu(2): no K can find f(−x) from f(x) alone"),
    "sum": ("invariant", "the order of the terms makes no difference to a sum"),
    "softmax": (
        "equivariant",
        "each output depends on its own input and on a sum, so the outputs are permuted as the inputs are",
    ),
    "first": ("neither", "which entry comes first after the permutation is not known from the entry that came first before"),
}


def invariance_or_equivariance(behaviour: object) -> str:
    """Which of six functions are invariant, equivariant or neither."""
    found = by_name(behaviour, "behaviour", list(_RIGHT))
    for name, (right, why) in _RIGHT.items():
        answer = choice(found[name], f"behaviour[{name!r}]", _OPTIONS)
        if answer == right:
            continue
        if right == "invariant" and answer == "equivariant":
            fail(
                f"{name}: true, with K = 1, but there is a more exact word for that. Invariance is equivariance with trivial K."
            )
        fail(f"{name} is not {answer}: {why}." if answer != "neither" else f"{name} is one of the two: {why}.")
    return "Invariance is the special case of equivariance where K leaves all alone."
