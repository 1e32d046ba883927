"""MuJoCo itself: an extra, imported here alone."""

from __future__ import annotations

from typing import Any

import mujoco as compiled

mujoco: Any = compiled  # the compiled module declares no types
