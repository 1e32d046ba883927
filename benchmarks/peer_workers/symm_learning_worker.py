import torch
from escnn import group
from symm_learning.nn import eLinear

from timing import BATCH, arguments, report

order, width, rounds = arguments()
torch.set_num_threads(2)
cyclic = group.cyclic_group(order)
rep = group.directsum([cyclic.regular_representation] * (width // order))
layer, plain = eLinear(rep, rep), torch.nn.Linear(width, width)
x = torch.randn(BATCH, width, requires_grad=True)
outer = torch.randn(BATCH, width)


def step(module):
    return lambda: torch.autograd.grad(module(x), [x, *module.parameters()], outer)


report(lambda: eLinear(rep, rep), step(layer), step(plain), rounds)
