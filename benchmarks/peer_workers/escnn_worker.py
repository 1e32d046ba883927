import torch
from escnn import group, gspaces, nn

from timing import BATCH, arguments, report

order, width, rounds = arguments()
torch.set_num_threads(2)
cyclic = group.cyclic_group(order)
features = nn.FieldType(gspaces.no_base_space(cyclic), [cyclic.regular_representation] * (width // order))
layer, plain = nn.Linear(features, features), torch.nn.Linear(width, width)
x = torch.randn(BATCH, width, requires_grad=True)
outer = torch.randn(BATCH, width)


def equivariant():
    y = layer(nn.GeometricTensor(x, features)).tensor
    return torch.autograd.grad(y, [x, *layer.parameters()], outer)


def ordinary():
    return torch.autograd.grad(plain(x), [x, *plain.parameters()], outer)


report(lambda: nn.Linear(features, features), equivariant, ordinary, rounds)
