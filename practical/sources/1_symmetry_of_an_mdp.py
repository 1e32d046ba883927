# %% [markdown]
# # 1. Symmetry of an MDP

# %%
import torch

from symmdp.practical import check

# %% [markdown]
# <details><summary>Hint</summary>
#
# A mirror changes the sign of every coordinate.
# </details>


# %% tags=["exercise"]
def get_cartpole_state_group_representations() -> list[torch.Tensor]:
    """The matrices L_g, the identity first."""
    return ...


def get_cartpole_action_group_representations() -> list[torch.Tensor]:
    """The matrices K_g, in the same order."""
    return ...


# %% tags=["solution"]
def get_cartpole_state_group_representations() -> list[torch.Tensor]:
    """The matrices L_g, the identity first."""
    return [torch.eye(4), -torch.eye(4)]


def get_cartpole_action_group_representations() -> list[torch.Tensor]:
    """The matrices K_g, in the same order."""
    return [torch.eye(2), torch.tensor([[0.0, 1.0], [1.0, 0.0]])]


# %%
check("cartpole-representations", get_cartpole_state_group_representations, get_cartpole_action_group_representations)
