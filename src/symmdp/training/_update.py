from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from symmdp.training._losses import Batch, policy_gradient_loss, ppo_loss
from symmdp.training._options import TrainingOptions
from symmdp.training._row import Row
from symmdp.training._row_adam import RowAdam
from symmdp.training._stack import PolicyStack, clip_rows_
from symmdp.training._streams import restore_states, states_of, stream
from symmdp.training.methods._method import Supplement


class Learner:
    """Improves the policies of a stack from batches, each seed by its own loss, gradient norm and minibatches.

    Args:
        stack: the policies, changed in place.
        options: of the run.
        rows: of the stack; each shuffles its transitions from a stream of its own, and has its own learning rate.
        supplement: what a method adds to each gradient step; nothing when not given.
    """

    def __init__(self, stack: PolicyStack, options: TrainingOptions, rows: Sequence[Row], supplement: Supplement | None = None):
        self._stack, self._options = stack, options
        self._supplement = supplement or Supplement()
        self._rates = [row.learning_rate for row in rows]
        self._streams = [stream(row.seed, "minibatch") for row in rows]
        self._optimizer = RowAdam(stack.flat)
        self._failed = torch.zeros(len(rows), dtype=torch.bool)
        self.failures: dict[int, str] = {}
        """Why a row stands still, by its number: what was not finite in it."""

    def update(self, batch: Batch, progress: float) -> dict[str, Tensor]:
        """One update of all policies, but for those that have failed.

        A row whose loss or gradient is not finite fails: it keeps the parameters that it has, for good.

        Args:
            batch: transitions of every seed.
            progress: the share of the run that is done, for the learning-rate schedule.

        Returns:
            Diagnostics of the last gradient step, each of shape `(rows,)`.
        """
        options, module = self._options, self._stack.module
        rates = [rate * (1 - progress) for rate in self._rates] if options.anneal else self._rates
        loss_of = ppo_loss if options.algorithm == "ppo" else policy_gradient_loss
        diagnostics: dict[str, Tensor] = {}
        for part in self._minibatches(batch):
            loss, diagnostics = loss_of(module, self._supplement.batch(part), options)
            for name, term in self._supplement.loss(module, part).items():
                loss, diagnostics[name] = loss + term, term
            gradient = self._stack.gradient(loss.sum())
            norms = clip_rows_(gradient, options.max_gradient_norm, out=self._optimizer.gradient)
            diagnostics["gradient_norm"] = norms
            self._freeze(loss.detach(), norms)
            self._optimizer.step(rates)
            self._stack.refresh()
        return {name: value.detach() for name, value in diagnostics.items()}

    def _freeze(self, loss: Tensor, norms: Tensor) -> None:
        """Let the rows stand still whose loss or gradient is not finite, now and later."""
        if not self.failures and torch.isfinite(loss + norms).all():
            return
        for row in (~torch.isfinite(loss + norms)).nonzero().flatten().tolist():
            what = "gradient" if torch.isfinite(loss[row]) else "loss"
            self.failures.setdefault(row, f"the {what} is not finite")
            self._failed[row] = True
        self._optimizer.gradient[self._failed] = 0
        self._optimizer.forget(self._failed)

    def _minibatches(self, batch: Batch) -> Iterator[Batch]:
        if self._options.algorithm != "ppo":
            yield batch
            return
        seeds, transitions = batch.weight.shape
        flat_action = batch.action.reshape(seeds, transitions, -1)
        # One table, so that a shuffle is one gather; and another one of observations, which may be images of bytes.
        scalars = torch.stack([batch.log_probability, batch.advantage, batch.target, batch.weight], dim=-1)
        table, observations = torch.cat([flat_action, scalars], dim=-1).flatten(0, 1), batch.observation.flatten(0, 1)
        size = self._options.minibatch
        offset = torch.arange(seeds).unsqueeze(1) * transitions
        for _ in range(self._options.epochs):
            order = torch.from_numpy(np.stack([source.permutation(transitions) for source in self._streams])) + offset
            for rows in order.split(size, dim=1):
                chosen = rows.reshape(-1)
                part = table.index_select(0, chosen).view(seeds, rows.shape[1], -1)
                action = part[..., :-4]
                yield Batch(
                    observation=observations.index_select(0, chosen).unflatten(0, (seeds, -1)),
                    action=action.squeeze(-1) if batch.action.ndim == 2 else action,
                    log_probability=part[..., -4],
                    advantage=part[..., -3],
                    target=part[..., -2],
                    weight=part[..., -1],
                )

    def saved(self) -> dict[str, Any]:
        """The optimiser's state, the shuffling streams, which rows have failed, and what the method needs."""
        return {
            "adam": self._optimizer.saved(),
            "streams": states_of(self._streams),
            "failures": dict(self.failures),
            "supplement": self._supplement.saved(),
        }

    def restore(self, saved: dict[str, Any]) -> None:
        """Continue from what `saved` gave."""
        self._optimizer.restore(saved["adam"])
        restore_states(self._streams, saved["streams"])
        self.failures = dict(saved["failures"])
        self._failed[list(self.failures)] = True
        self._supplement.restore(saved["supplement"])
