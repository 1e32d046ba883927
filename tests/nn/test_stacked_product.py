import pytest
import torch

from symmdp.nn._stacked_product import _StackedProduct, stacked_product

SHAPES = [(64, 3, 45), (64, 11, 11), (8, 45, 45), (128, 3, 23), (64, 64, 1), (64, 45, 1), (8, 4, 64), (4, 6, 2)]


def tensors(stack: int, shape: tuple[int, int, int], dtype: torch.dtype) -> list[torch.Tensor]:
    batch, size, out = shape
    generator = torch.Generator().manual_seed(0)
    sizes = ((stack, batch, size), (stack, out, size), (stack, out))
    return [torch.randn(*s, generator=generator, dtype=dtype).requires_grad_() for s in sizes]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("stack", [1, 3])
def test_values_and_gradients(shape: tuple[int, int, int], bias: bool, stack: int) -> None:
    x, weight, b = tensors(stack, shape, torch.float64)
    found = stacked_product(x, weight, b if bias else None)
    wanted = torch.einsum("sbi,soi->sbo", x, weight) + (b.unsqueeze(1) if bias else 0)
    torch.testing.assert_close(found, wanted)
    leaves = [x, weight, b] if bias else [x, weight]
    for a, w in zip(
        torch.autograd.grad(found.sin().sum(), leaves), torch.autograd.grad(wanted.sin().sum(), leaves), strict=True
    ):
        torch.testing.assert_close(a, w)


@pytest.mark.parametrize("shape", [(4, 3, 5), (4, 4, 4)])
def test_second_derivatives(shape: tuple[int, int, int]) -> None:
    torch.autograd.gradgradcheck(lambda *t: stacked_product(*t).tanh(), tensors(2, shape, torch.float64))


@pytest.mark.parametrize("shape", SHAPES)
def test_a_member_does_not_depend_on_the_others_to_the_bit(shape: tuple[int, int, int]) -> None:
    together = tensors(7, shape, torch.float32)
    product = stacked_product(*together)
    gradients = torch.autograd.grad(product.sin().sum(), together)
    for i in range(7):
        alone = [t[i : i + 1].detach().clone().requires_grad_() for t in together]
        of_one = stacked_product(*alone)
        assert torch.equal(of_one[0], product[i])
        for a, b in zip(torch.autograd.grad(of_one.sin().sum(), alone), gradients, strict=True):
            assert torch.equal(a[0], b[i])


def test_transforms_take_the_plain_operations() -> None:
    x, weight, b = (t.detach() for t in tensors(3, (4, 3, 5), torch.float64))
    over = torch.func.vmap(stacked_product)(*(torch.stack([t, 2 * t]) for t in (x, weight, b)))
    torch.testing.assert_close(over[1], stacked_product(2 * x, 2 * weight, 2 * b))
    gradient = torch.func.grad(lambda w: stacked_product(x, w, b).sin().sum())(weight)
    leaf = weight.clone().requires_grad_()
    (wanted,) = torch.autograd.grad(_StackedProduct.apply(x, leaf, b).sin().sum(), leaf)
    torch.testing.assert_close(gradient, wanted)
