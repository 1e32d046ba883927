"""One self-contained HTML page on what a run, a comparison, or a folder of them holds."""

from symmdp.experiments.report._experiment import Experiment, Tuning, experiments_in
from symmdp.experiments.report._page import report_page, verdict, write_report

__all__ = ["Experiment", "Tuning", "experiments_in", "report_page", "verdict", "write_report"]
