from __future__ import annotations

import os


def use_one_thread() -> None:
    """Let torch compute in one thread, unless OMP_NUM_THREADS says otherwise.

    The networks are small, and threads that wait for each other cost much where other processes want the cores: with two
    threads on two busy cores, training took 20 times as long as with one. Results also do not depend on the number of cores.
    """
    if "OMP_NUM_THREADS" not in os.environ:
        import torch

        torch.set_num_threads(1)
