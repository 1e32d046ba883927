from __future__ import annotations

from symmdp.practical._exercise import Exercise
from symmdp.practical.checks.policies._heads import policy_and_value, value_group
from symmdp.practical.checks.policies._loss import reinforce_loss
from symmdp.practical.checks.policies._nonlinearities import commuting, hidden_nonlinearities
from symmdp.practical.checks.policies._returns import median_solved, reward_to_go
from symmdp.practical.checks.policies._score import baseline, mirrored_gradient, policy_gradient, score_function
from symmdp.practical.checks.policies._stacking import hidden_representation, parameter_counts, stacking, two_layers
from symmdp.practical.checks.policies._training import fair_comparison, training_loop

EXERCISES: tuple[Exercise, ...] = (
    Exercise("stacking", 3, 1, "why two equivariant layers make an equivariant network", stacking),
    Exercise("hidden-representation", 3, 2, "how the group acts on hidden units", hidden_representation),
    Exercise("two-layers", 3, 2, "the groups of both layers, and their symmetrized weights", two_layers),
    Exercise("parameter-counts", 3, 2, "how many weights and biases are free", parameter_counts),
    Exercise("commuting", 3, 1, "a test whether a function of units commutes with a matrix", commuting),
    Exercise("hidden-nonlinearities", 3, 1, "which nonlinearities are safe on which representation", hidden_nonlinearities),
    Exercise("value-group", 3, 1, "the representations of the value head", value_group),
    Exercise("policy-and-value", 3, 3, "a deep network with a policy head and a value head", policy_and_value),
    Exercise("score", 3, 1, "the gradient of log π", score_function),
    Exercise("policy-gradient", 3, 1, "the policy gradient in one state, as an expectation", policy_gradient),
    Exercise("baseline", 3, 1, "which baselines leave the gradient unbiased", baseline),
    Exercise("reward-to-go", 3, 2, "the discounted sum of the rewards from a step on", reward_to_go),
    Exercise("reinforce-loss", 3, 2, "the loss of REINFORCE with a learned baseline", reinforce_loss),
    Exercise("mirrored-gradient", 3, 2, "what a step teaches about the mirrored state", mirrored_gradient),
    Exercise("training-loop", 3, 2, "a training loop", training_loop),
    Exercise("fair-comparison", 3, 1, "what a fair comparison is", fair_comparison),
    Exercise("episodes-to-solve", 3, 1, "the median number of episodes until seeds are solved", median_solved),
)
