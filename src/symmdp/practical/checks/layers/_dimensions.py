from __future__ import annotations

from symmdp.practical._answers import array, fail, integer


def dimensions(shape_of_W: object, dim_all: object, dim_equivariant: object, dim_bias: object) -> str:
    """Sizes for a linear map from CartPole's states to two outputs."""
    shape = tuple(array(shape_of_W, "shape_of_W", (2,)).astype(int).tolist())
    if shape == (4, 2):
        fail("shape_of_W is (4, 2), the transpose: W multiplies a state of 4 numbers from the left, and gives 2.")
    if shape != (2, 4):
        fail(f"shape_of_W is {shape}; W takes 4 numbers to 2.")
    everything = integer(dim_all, "dimension_of_all")
    if everything == 10:
        fail("dimension_of_all is 10, which counts the bias too; W alone was asked for.")
    if everything != 8:
        fail(f"dimension_of_all is {everything}; count the entries of W, each of which may be chosen freely.")
    equivariant = integer(dim_equivariant, "dimension_of_equivariant")
    if equivariant == 8:
        fail("dimension_of_equivariant is 8: K W = W L would then hold for every W. Write the condition out for the rows of W.")
    if equivariant == 2:
        fail("dimension_of_equivariant is 2, which is the number of elements of G. Write K W = W L out for the rows of W.")
    if equivariant != 4:
        fail(f"dimension_of_equivariant is {equivariant}; K W = W L says that row 2 is minus row 1. What is free then?")
    bias = integer(dim_bias, "dimension_of_equivariant_bias")
    if bias == 2:
        fail("dimension_of_equivariant_bias is 2: any bias. But K b = b is needed, and K swaps the two entries of b.")
    if bias == 0:
        fail("dimension_of_equivariant_bias is 0: none. But b = (1, 1) is not changed by the swap.")
    if bias != 1:
        fail(f"dimension_of_equivariant_bias is {bias}; b has two entries, and K b = b.")
    return "The symmetry halves the weights: row 2 is minus row 1, and both biases are equal."
