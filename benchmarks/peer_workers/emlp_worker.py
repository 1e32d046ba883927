import logging

import emlp.nn.objax as equivariant
import jax
import numpy as np
import objax
from emlp.groups import Z
from emlp.reps import V

from timing import BATCH, arguments, report

logging.getLogger().setLevel(logging.ERROR)
order, width, rounds = arguments()
rep = width // order * V(Z(order))
x, outer = (jax.numpy.asarray(np.random.default_rng(0).normal(size=(BATCH, width)), dtype="float32") for _ in range(2))


def step(layer):
    """Forward and backward, compiled, with the gradient in the input as well."""
    gradients = objax.GradValues(lambda x, outer: (layer(x) * outer).sum(), layer.vars(), input_argnums=(0,))
    compiled = objax.Jit(gradients, layer.vars())
    return lambda: jax.block_until_ready(compiled(x, outer)[0])


report(
    lambda: equivariant.Linear(rep, width // order * V(Z(order))),
    step(equivariant.Linear(rep, rep)),
    step(objax.nn.Linear(width, width)),
    rounds,
)
