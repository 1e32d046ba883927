"""Grading what students made of the notebooks: in a process of their own, within limits."""

from symmdp.practical.grading._grade import Grade, Mark, grade
from symmdp.practical.grading._limits import Limits
from symmdp.practical.grading._sheet import write_sheet

__all__ = ["Grade", "Limits", "Mark", "grade", "write_sheet"]
