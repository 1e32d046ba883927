"""The errors that a user can cause: each message says what was given, what was expected and what to try."""

from typing import Any


class SymmdpError(Exception):
    """Base class of all errors that `symmdp` raises for bad input."""


class GroupError(SymmdpError, ValueError):
    """A group cannot be built: elements that do not close, a bad order, an unknown element."""


class RepresentationError(SymmdpError, ValueError):
    """Matrices are no representation: wrong shape, not finite, not invertible, not a homomorphism."""


class GroupMismatchError(SymmdpError, ValueError):
    """Representations of two different groups were combined."""


class ShapeError(SymmdpError, ValueError):
    """An array or tensor does not have the size that the representation acts on."""


class ActivationError(SymmdpError, ValueError):
    """A nonlinearity would break equivariance under the given representation."""


class PlainModuleError(SymmdpError, TypeError):
    """A module has no equivalent in ordinary `torch.nn` modules that is known."""


class SpaceMismatchError(SymmdpError, ValueError):
    """An observation or action space does not fit the symmetry."""


class SymmetryError(SymmdpError, ValueError):
    """A symmetry is inconsistent, or lacks what an operation needs."""


class SpecificationError(SymmdpError, ValueError):
    """A file that declares a symmetry cannot be read, or declares none."""


class UnknownEnvironmentError(SymmdpError, LookupError):
    """The catalogue, or Gymnasium, has no environment of this name."""


class NoSymmetryError(SymmdpError, LookupError):
    """The environment is known to have no symmetry."""


class VerificationError(SymmdpError):
    """Verification cannot go on; `report` is what it had until then: a `VerificationReport`, `LoggedTransitions`, or None."""

    report: Any = None


class SimulatorError(VerificationError, TypeError):
    """The state of the environment cannot be set or read, or the environment raises an exception."""


class OptionError(SymmdpError, ValueError):
    """An option has a value that it cannot take."""


class RunDirectoryError(SymmdpError, OSError):
    """A run directory exists already, cannot be written, or does not hold a run."""


class CheckpointError(SymmdpError, OSError):
    """A checkpoint cannot be written, is damaged, or belongs to another run."""


class WorkerError(SymmdpError, RuntimeError):
    """A process that trained died."""


class DivergenceError(VerificationError, ArithmeticError):
    """A quantity that must be finite is not."""


class MissingExtraError(SymmdpError, ImportError):
    """An optional dependency is not installed."""


class NotebookError(SymmdpError, ValueError):
    """A notebook of the practical cannot be read, built or executed."""


class WrongAnswerError(SymmdpError, AssertionError):
    """The answer to an exercise of the practical is wrong; the message says in which way."""

    def _render_traceback_(self) -> list[str]:
        """What IPython shows: the message alone."""
        return [f"✗ {self}"]
