import copy
import pickle
import threading

import pytest
import torch

from symmdp import groups
from symmdp.nn import EquivariantLinear
from symmdp.nn._workspace import Workspace

LARGE = Workspace.LEAST


def test_memory_is_used_again() -> None:
    workspace, like = Workspace(), torch.zeros(1)
    first = workspace.take("a", LARGE, like)
    assert workspace.take("a", LARGE, like).data_ptr() == first.data_ptr()
    assert workspace.take("b", LARGE, like).data_ptr() != first.data_ptr()
    more = workspace.take("a", 2 * LARGE, like)
    assert more.numel() == 2 * LARGE
    assert workspace.take("a", LARGE, like).data_ptr() == more.data_ptr()


@pytest.mark.parametrize("size", [LARGE - 1, Workspace.MOST + 1])
def test_small_and_huge_memory_is_not_held(size: int) -> None:
    workspace, like = Workspace(), torch.zeros(1)
    first = workspace.take("a", size, like)
    assert workspace.take("a", size, like).data_ptr() != first.data_ptr()


def test_dtypes_threads_and_copies_have_their_own() -> None:
    workspace = Workspace()
    first = workspace.take("a", LARGE, torch.zeros(1))
    assert workspace.take("a", LARGE, torch.zeros(1, dtype=torch.float64)).dtype is torch.float64
    first = workspace.take("a", LARGE, torch.zeros(1))
    found = []
    thread = threading.Thread(target=lambda: found.append(workspace.take("a", LARGE, torch.zeros(1))))
    thread.start()
    thread.join()
    for twin in (copy.deepcopy(workspace), pickle.loads(pickle.dumps(workspace))):
        found.append(twin.take("a", LARGE, torch.zeros(1)))
    assert len({first.data_ptr(), *(tensor.data_ptr() for tensor in found)}) == 4


def test_a_layer_applied_twice_before_its_gradients() -> None:
    """The second call, and one in inference mode, write where the first did: no result depends on it."""
    c4 = groups.cyclic(4)
    rep = 128 * c4.regular
    layer = EquivariantLinear(rep, rep, mode="isotypic", generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x = torch.randn(64, 512, dtype=torch.float64, generator=torch.Generator().manual_seed(1), requires_grad=True)
    with torch.inference_mode():
        wanted = torch.nn.functional.linear(x, layer.weight, layer.bias)
        torch.testing.assert_close(layer(x), wanted)
    y = layer(layer(x).sin())
    assert layer.bias is not None
    dense = torch.nn.functional.linear(x, layer.weight, layer.bias).sin()
    z = torch.nn.functional.linear(dense, layer.weight, layer.bias)
    torch.testing.assert_close(y, z)
    variables = [x, *layer.parameters()]
    for a, b in zip(torch.autograd.grad(y.cos().sum(), variables), torch.autograd.grad(z.cos().sum(), variables), strict=True):
        torch.testing.assert_close(a, b)
