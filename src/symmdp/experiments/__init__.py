"""Compare methods over seeds, from what their run directories hold: statistics, a table, figures."""

from symmdp.experiments._asymmetry import asymmetry
from symmdp.experiments._compare import Comparison, compare, evaluate
from symmdp.experiments._drawing import can_draw, example_observation
from symmdp.experiments._evaluations import Evaluations
from symmdp.experiments._headline import headline
from symmdp.experiments._learning_curves import draw_learning_curves, learning_curves_figure
from symmdp.experiments._method_tuning import TuningGrid
from symmdp.experiments._mirror_image import draw_mirror_image, mirror_image_figure
from symmdp.experiments._orbit_figure import draw_orbit, orbit_figure
from symmdp.experiments._results import MethodResult, write_results
from symmdp.experiments._run import Episodes, Run
from symmdp.experiments._seed_evaluations import SeedEvaluations
from symmdp.experiments._setup import Setup
from symmdp.experiments._statistics import final_return, interquartile_mean, learning_curves, quartiles, steps_to_solve
from symmdp.experiments._table import result_table
from symmdp.experiments._tuning import TUNING_SEEDS, Tuning, load_tuning, tune

__all__ = [
    "TUNING_SEEDS",
    "Comparison",
    "Episodes",
    "Evaluations",
    "MethodResult",
    "Run",
    "SeedEvaluations",
    "Setup",
    "Tuning",
    "TuningGrid",
    "asymmetry",
    "can_draw",
    "compare",
    "draw_learning_curves",
    "draw_mirror_image",
    "draw_orbit",
    "evaluate",
    "example_observation",
    "final_return",
    "headline",
    "interquartile_mean",
    "learning_curves",
    "learning_curves_figure",
    "load_tuning",
    "mirror_image_figure",
    "orbit_figure",
    "quartiles",
    "result_table",
    "steps_to_solve",
    "tune",
    "write_results",
]
