from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from symmdp.training._losses import Batch, policy_gradient_loss, ppo_loss
from symmdp.training._options import TrainingOptions
from symmdp.training._stack import PolicyStack, clip_rows_
from symmdp.training._streams import restore_states, states_of, stream
from symmdp.training.methods._method import Supplement


class Learner:
    """Improves the policies of a stack from batches, each seed by its own loss, gradient norm and minibatches.

    Args:
        stack: the policies, changed in place.
        options: of the run.
        seeds: of the run; each shuffles its transitions from a stream of its own.
        supplement: what a method adds to each gradient step; nothing when not given.
    """

    def __init__(
        self, stack: PolicyStack, options: TrainingOptions, seeds: Sequence[int], supplement: Supplement | None = None
    ):
        self._stack, self._options = stack, options
        self._supplement = supplement or Supplement()
        self._streams = [stream(seed, "minibatch") for seed in seeds]
        # Adam works entry by entry, so the rows of the one matrix stay independent.
        self._optimizer = torch.optim.Adam([stack.flat], lr=options.learning_rate, eps=1e-5, fused=True)

    def update(self, batch: Batch, progress: float) -> dict[str, Tensor]:
        """One update of all policies.

        Args:
            batch: transitions of every seed.
            progress: the share of the run that is done, for the learning-rate schedule.

        Returns:
            Diagnostics of the last gradient step, each of shape `(seeds,)`.
        """
        options, module = self._options, self._stack.module
        if options.anneal:
            self._optimizer.param_groups[0]["lr"] = options.learning_rate * (1 - progress)
        loss_of = ppo_loss if options.algorithm == "ppo" else policy_gradient_loss
        diagnostics: dict[str, Tensor] = {}
        for part in self._minibatches(batch):
            loss, diagnostics = loss_of(module, self._supplement.batch(part), options)
            for name, term in self._supplement.loss(module, part).items():
                loss, diagnostics[name] = loss + term, term
            gradient = self._stack.gradient(loss.sum())
            diagnostics["gradient_norm"] = clip_rows_(gradient, options.max_gradient_norm)
            self._stack.flat.grad = gradient
            self._optimizer.step()
            self._stack.refresh()
        return {name: value.detach() for name, value in diagnostics.items()}

    def _minibatches(self, batch: Batch) -> Iterator[Batch]:
        if self._options.algorithm == "reinforce":
            yield batch
            return
        seeds, transitions = batch.weight.shape
        flat_action = batch.action.reshape(seeds, transitions, -1)
        # One table, so that a shuffle is one gather.
        scalars = torch.stack([batch.log_probability, batch.advantage, batch.target, batch.weight], dim=-1)
        table = torch.cat([batch.observation, flat_action, scalars], dim=-1).flatten(0, 1)
        size, observed = self._options.minibatch, batch.observation.shape[-1]
        offset = torch.arange(seeds).unsqueeze(1) * transitions
        for _ in range(self._options.epochs):
            order = torch.from_numpy(np.stack([source.permutation(transitions) for source in self._streams])) + offset
            for rows in order.split(size, dim=1):
                part = table.index_select(0, rows.reshape(-1)).view(seeds, rows.shape[1], -1)
                action = part[..., observed:-4]
                yield Batch(
                    observation=part[..., :observed].contiguous(),
                    action=action.squeeze(-1) if batch.action.ndim == 2 else action,
                    log_probability=part[..., -4],
                    advantage=part[..., -3],
                    target=part[..., -2],
                    weight=part[..., -1],
                )

    def saved(self) -> dict[str, Any]:
        """The optimiser's state and the shuffling streams."""
        state = self._optimizer.state_dict()["state"]
        return {"adam": state.get(0, {}), "streams": states_of(self._streams), "supplement": self._supplement.saved()}

    def restore(self, saved: dict[str, Any]) -> None:
        """Continue from what `saved` gave."""
        contents = self._optimizer.state_dict()
        contents["state"] = {0: saved["adam"]} if saved["adam"] else {}
        self._optimizer.load_state_dict(contents)
        restore_states(self._streams, saved["streams"])
        self._supplement.restore(saved.get("supplement", {}))
