from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import tyro

from symmdp.cli import _parse
from symmdp.cli._compare import Compare
from symmdp.cli._list import List
from symmdp.cli._practical import Practical
from symmdp.cli._report import Report
from symmdp.cli._show import Show
from symmdp.cli._train import Train
from symmdp.cli._verify import Verify

Command = (
    Annotated[List, tyro.conf.subcommand("list")]
    | Annotated[Show, tyro.conf.subcommand("show")]
    | Annotated[Verify, tyro.conf.subcommand("verify")]
    | Annotated[Train, tyro.conf.subcommand("train")]
    | Annotated[Compare, tyro.conf.subcommand("compare")]
    | Annotated[Report, tyro.conf.subcommand("report")]
    | Annotated[Practical, tyro.conf.subcommand("practical"), tyro.conf.OmitArgPrefixes]
)


def parse(arguments: Sequence[str]) -> List | Show | Verify | Train | Compare | Report | Practical | int:
    """The command that the arguments name; an exit status where there is none to run."""
    return _parse.parse(Command, ("list", "show", "verify", "train", "compare", "report", "practical"), arguments)
