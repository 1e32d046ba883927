"""Equivariant linear layers of peers beside ours: construction, and forward + backward time over a plain layer.

Optional, and slow to set up: each peer gets a virtual environment of its own, with the versions written below. escnn and
symm-learning build lie_learn and py3nj, which need a Fortran compiler (Debian: apt-get install gfortran). A peer that does
not install is reported, and the others go on. Every layer is measured in turn with a plain layer of the same width in the same
process (for jax, a plain layer of the same library, both compiled); ratios are medians over rounds.
"""

import argparse
import json
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

from _record import record

WORKERS = Path(__file__).parent / "peer_workers"
CONSTRAINTS = Path(__file__).parents[1] / "constraints.txt"
CASES = [("C4", 64), ("C8", 64), ("C4", 256), ("C8", 256), ("C8", 512)]
_INSTALL_SECONDS, _CASE_SECONDS = 1200, 300


@dataclass(frozen=True)
class Peer:
    """A library, the requirements of its environment (installed in steps), and the script that measures it."""

    name: str
    steps: tuple[tuple[str, ...], ...]
    packages: tuple[str, ...]

    @property
    def worker(self) -> Path:
        return WORKERS / f"{self.name.replace('-', '_')}_worker.py"


_TORCH = ("-c", str(CONSTRAINTS), "torch")
PEERS = (
    Peer(
        "emlp",
        (
            ("numpy==1.26.4", "scipy==1.12.0", "jax==0.4.25", "jaxlib==0.4.25", "chex==0.1.86", "optax==0.2.2", "six"),
            ("objax==1.8.0", "emlp==1.0.3"),
        ),
        ("emlp", "jax", "numpy"),
    ),
    Peer(
        "escnn",
        (_TORCH, ("numpy==1.26.4", "setuptools<80", "wheel", "cython<3.1", "scipy<1.14"), ("escnn==1.0.11",)),
        ("escnn", "torch", "numpy"),
    ),
    Peer(
        "symm-learning",
        (
            _TORCH,
            ("numpy==1.26.4", "setuptools<80", "wheel", "cython<3.1", "scipy<1.14"),
            ("escnn==1.0.11",),
            ("symm-learning==0.8.1", "numpy==1.26.4"),
        ),
        ("symm-learning", "escnn", "torch", "numpy"),
    ),
)


def install(peer: Peer, folder: Path) -> tuple[Path, str | None]:
    """The Python of the peer's environment, and why it could not be installed (the last line), if so."""
    home = folder / peer.name
    python, done = home / "bin" / "python", home / ".installed"
    if done.exists() and done.read_text(encoding="utf-8") == repr(peer.steps):
        return python, None
    venv.create(home, clear=True, with_pip=True)
    for step in peer.steps:
        command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *step]
        try:
            run = subprocess.run(command, capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return python, f"installing {' '.join(step)} took more than {_INSTALL_SECONDS} s"
        if run.returncode:
            return python, last_line(run.stderr)
    done.write_text(repr(peer.steps), encoding="utf-8")
    return python, None


def last_line(text: str) -> str:
    """The last line of an error that says something."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("WARNING")]
    return lines[-1] if lines else "no reason was given"


def measure(python: Path, worker: Path, group: str, width: int, rounds: int) -> dict[str, object]:
    """What a worker prints for one case; or `problem`, why it printed nothing."""
    command = [str(python), str(worker), group, str(width), str(rounds)]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=_CASE_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return {"problem": f"more than {_CASE_SECONDS} s"}
    if run.returncode:
        return {"problem": last_line(run.stderr)}
    return json.loads(run.stdout.splitlines()[-1])


def versions(python: Path, packages: tuple[str, ...]) -> str:
    """The versions in an environment."""
    code = f"from importlib.metadata import version; print(', '.join(f'{{p}} {{version(p)}}' for p in {packages!r}))"
    return subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=False).stdout.strip()


def compare(folder: Path, rounds: int, peers: tuple[Peer, ...] = PEERS) -> list[dict[str, object]]:
    """A row for each library and case."""
    rows: list[dict[str, object]] = []
    for peer in (Peer("symmdp", (), ("symmdp", "torch", "numpy")), *peers):
        python, problem = install(peer, folder) if peer.steps else (Path(sys.executable), None)
        about = "" if problem else versions(python, peer.packages)
        for group, width in CASES:
            found = {"problem": problem} if problem else measure(python, peer.worker, group, width, rounds)
            row: dict[str, object] = {"library": peer.name, "group": group, "width": width, "batch": 256}
            row |= {
                key: found.get(key, "") for key in ("construction_ms", "microseconds", "plain_microseconds", "ratio", "problem")
            }
            rows.append({**row, "versions": about})
            shown = (
                f"{found['ratio']:6.2f} ×  built in {found['construction_ms']:8.1f} ms"
                if "ratio" in found
                else found["problem"]
            )
            print(f"{peer.name:14s} {group} width {width:4d}  {shown}", flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Path.home() / ".cache" / "symmdp-peers"
    parser.add_argument(
        "--environments", type=Path, default=default, help=f"where virtual environments go (default: {default})"
    )
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    options.environments.mkdir(parents=True, exist_ok=True)
    print(f"raw results: {record('peers', compare(options.environments, options.rounds))}")


if __name__ == "__main__":
    main()
