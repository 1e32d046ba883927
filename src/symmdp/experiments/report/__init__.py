"""One self-contained HTML page on what a run, a comparison, or a folder of them holds."""

from symmdp.experiments.report._experiment import Experiment, experiments_in
from symmdp.experiments.report._page import report_page, verdict, write_report

__all__ = ["Experiment", "experiments_in", "report_page", "verdict", "write_report"]
