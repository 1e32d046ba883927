from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from symmdp.errors import OptionError
from symmdp.mdp import Symmetry
from symmdp.policies import ActorCritic
from symmdp.training._environments import stacked_environments
from symmdp.training._evaluation import Evaluation, Evaluator
from symmdp.training._observation_statistics import ObservationStatistics
from symmdp.training._options import TrainingOptions
from symmdp.training._rollout import Episode, Sampler
from symmdp.training._row import rows_of
from symmdp.training._stack import PolicyStack
from symmdp.training._streams import stream
from symmdp.training._update import Learner
from symmdp.training.methods._equivariant import Equivariant
from symmdp.training.methods._method import Method, Spaces


class Training:
    """Policies of several seeds and learning rates in training; `update` moves all of them on by one rollout.

    Rows do not touch each other: each ends as it would alone (with bases of its own, where the rates of a seed share a product,
    but for rounding).

    Args:
        environment_id: a Gymnasium id.
        symmetry: of the environment; with `symmetry.restrict_to_trivial()` equivariant policies are plain ones.
        options: hyper-parameters; `options.hidden` are the equivariant policy's widths.
        seeds: one policy each.
        learning_rates: train the seeds with each of these, a stack of `rates · seeds`; that of the options when not given.
        method: how policies are built and trained.

    Attributes:
        options: the hyper-parameters, with the widths of the method.

    Raises:
        UnknownEnvironmentError: Gymnasium has no such environment.
        SpaceMismatchError: its spaces do not fit the symmetry.
        OptionError: no seeds, or one twice, or a negative one; likewise rates; observations to be normalised are images.
    """

    def __init__(
        self,
        environment_id: str,
        symmetry: Symmetry,
        options: TrainingOptions,
        seeds: Sequence[int],
        learning_rates: Sequence[float] = (),
        method: Method = Equivariant(),  # noqa: B008 (a frozen value)
    ):
        self.rows = rows_of(seeds, learning_rates or (options.learning_rate,))
        seeds = [row.seed for row in self.rows]
        environments = stacked_environments(environment_id, seeds, options.environments)
        spaces = Spaces(environments.single_observation_space, environments.single_action_space)
        self.options = options = method.sized(symmetry, options, spaces)
        of_seed: dict[int, ActorCritic] = {}  # a seed begins alike with every rate
        for seed in dict.fromkeys(seeds):
            initial = torch.Generator().manual_seed(int(stream(seed, "initialisation").integers(2**62)))
            of_seed[seed] = method.policy(symmetry, spaces, options, initial, stream(seed, "basis"))
        self.stack = PolicyStack([of_seed[seed] for seed in seeds])
        self.sampler = Sampler(environments, self.stack, options, seeds)
        self.learner = Learner(self.stack, options, self.rows, method.supplement(symmetry, spaces, options, seeds))
        self.evaluator = Evaluator(environment_id, self.stack, options, self.rows)
        self.statistics: ObservationStatistics | None = None
        if options.normalize_observations:
            if len(symmetry.observation_shape) != 1:
                raise OptionError(
                    f"normalize_observations is for vectors; {environment_id} shows images, of shape "
                    f"{symmetry.observation_shape}, which need none (bytes are divided by 255). Leave it out."
                )
            self.statistics = ObservationStatistics(self.stack)
        self.updates = 0

    def update(self) -> tuple[list[Episode], dict[str, torch.Tensor]]:
        """A rollout and an update of every policy: the episodes that ended, and diagnostics of shape `(rows,)`."""
        batch, episodes = self.sampler.rollout()
        diagnostics = self.learner.update(batch, self.updates / self.options.updates)
        if self.statistics is not None:
            self.statistics.count(batch.observation)
        self.updates += 1
        return episodes, diagnostics

    def evaluate(self) -> list[Evaluation]:
        """Episodes with the policies as they are, of every row that has not failed; training is not touched."""
        going = [row for row in range(len(self.rows)) if row not in self.learner.failures]
        return self.evaluator.evaluate(self.sampler.steps, going)

    def saved(self) -> dict[str, Any]:
        """Everything that the future depends on, as tensors and plain values."""
        return {
            "policies": self.stack.flat.clone(),
            "statistics": None if self.statistics is None else self.statistics.saved(),
            "sampler": self.sampler.saved(),
            "learner": self.learner.saved(),
            "updates": self.updates,
        }

    def restore(self, saved: dict[str, Any]) -> None:
        """Continue from what `saved` gave, to the bit."""
        self.stack.flat.copy_(saved["policies"])
        self.stack.refresh()
        if self.statistics is not None:
            self.statistics.restore(saved["statistics"])
        self.sampler.restore(saved["sampler"])
        self.learner.restore(saved["learner"])
        self.updates = saved["updates"]
