import torch

from symmdp import groups
from symmdp.nn import EquivariantLinear
from timing import BATCH, arguments, report

order, width, rounds = arguments()
torch.set_num_threads(2)
rep = width // order * groups.cyclic(order).regular
layer, plain = EquivariantLinear(rep, rep), torch.nn.Linear(width, width)
x = torch.randn(BATCH, width, requires_grad=True)
outer = torch.randn(BATCH, width)


def step(module):
    return lambda: torch.autograd.grad(module(x), [x, *module.parameters()], outer)


report(lambda: EquivariantLinear(rep, rep), step(layer), step(plain), rounds)
