"""A headless Chromium that is spoken to through a pipe (the DevTools protocol), and a comparison to report on."""

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

METHODS = (
    "equivariant",
    "plain",
    "random-basis",
    "nullspace-basis",
    "augmentation",
    "mirror-loss",
    "canonicalization",
)
PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==")
# The protocol's descriptors are 3 and 4, so the pipes' are moved there, out of each other's way.
LAUNCH = """
import fcntl, os, sys
pipes = [fcntl.fcntl(int(text), fcntl.F_DUPFD, 10) for text in sys.argv[1:3]]
for number, pipe in enumerate(pipes, start=3):
    os.dup2(pipe, number)
    os.close(pipe)
os.execv(sys.argv[3], sys.argv[3:])
"""


class Browser:
    """One page of a headless Chromium.

    Attributes:
        requests: addresses that the page asked for since it was opened.
        problems: what the console, the log and uncaught exceptions said.
    """

    def __init__(self, program: str, profile: Path):
        commands, ours = os.pipe()
        answers, theirs = os.pipe()
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-pipe"]
        launcher = [sys.executable, "-c", LAUNCH, str(commands), str(theirs), program]
        self._process = subprocess.Popen(
            [*launcher, *flags, f"--user-data-dir={profile}", "about:blank"],
            pass_fds=(commands, theirs),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(commands)
        os.close(theirs)
        self._out, self._in = ours, answers
        self._buffer, self._number, self._session = b"", 0, None
        self.requests: list[str] = []
        self.problems: list[str] = []
        self._events: list[str] = []
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        text = json.dumps(message).encode() + b"\0"
        while text:
            text = text[os.write(self._out, text) :]
        while True:
            found = self._receive()
            if found.get("id") == self._number:
                assert "error" not in found, found
                return found["result"]

    def open(self, path: Path, *, width: int, height: int, dark: bool = False, media: str = "") -> None:
        """Open a file in a window of this size, and wait until it is loaded."""
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", media=media, features=[scheme])
        self.requests.clear()
        self.problems.clear()
        self._events.clear()
        self.send("Page.navigate", url=path.as_uri())
        while "Page.loadEventFired" not in self._events:
            self._receive()

    def evaluate(self, expression: str) -> Any:
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def screenshot(self, path: Path) -> None:
        """The whole page as PNG."""
        path.write_bytes(base64.b64decode(self.send("Page.captureScreenshot", captureBeyondViewport=True)["data"]))

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=20)
        os.close(self._out)
        os.close(self._in)

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            more = os.read(self._in, 1 << 16)
            assert more, f"Chromium ended with status {self._process.wait()}"
            self._buffer += more
        text, _, self._buffer = self._buffer.partition(b"\0")
        found = json.loads(text)
        method, parameters = found.get("method", ""), found.get("params", {})
        self._events.append(method)
        if method == "Network.requestWillBeSent":
            address = parameters["request"]["url"]
            if not address.startswith("data:"):  # what the page itself holds
                self.requests.append(address)
        elif method == "Log.entryAdded":
            self.problems.append(parameters["entry"]["text"])
        elif method == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning", "assert"):
            self.problems.append(str(parameters["args"]))
        elif method == "Runtime.exceptionThrown":
            self.problems.append(str(parameters["exceptionDetails"]))
        return found


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium; `make browser` does so as root)")
    found = Browser(program, tmp_path_factory.mktemp("chromium"))
    yield found
    found.close()


@pytest.fixture
def write_comparison(write_run: Callable[..., Path]) -> Callable[..., Path]:
    """A comparison whose methods learn one after the other; with `evaluated`, its runs hold evaluations."""

    def write(
        directory: Path,
        methods: Sequence[str] = METHODS[:2],
        *,
        seeds: Sequence[int] = tuple(range(6)),
        evaluated: bool = False,
        threshold: float | None = 475.0,
        total_steps: int = 30_000,
    ) -> Path:
        for k, method in enumerate(methods):
            solved_at = 8_000 + 3_500 * k
            run = write_run(
                directory / method, method, seeds=seeds, solved_at=solved_at, total_steps=total_steps, threshold=threshold
            )
            write_extras(run, method, seeds, solved_at, total_steps, evaluated)
        config = {"environment_id": "CartPole-v1", "methods": list(methods), "algorithm": "ppo", "group": "C2"}
        config |= {"seeds": list(seeds), "options": {"total_steps": total_steps}}
        (directory / "config.json").write_text(json.dumps(config))
        (directory / "mirror_image.png").write_bytes(PNG)
        return directory

    return write


def write_extras(run: Path, method: str, seeds: Sequence[int], solved_at: float, total_steps: int, evaluated: bool) -> None:
    """Provenance, updates and evaluations beside what `write_run` writes."""
    config = json.loads((run / "config.json").read_text())
    config["options"] |= {"learning_rate": 0.003, "anneal": True}
    config |= {
        "versions": {"python": "3.11.7", "symmdp": "0.1.0", "torch": "2.13.0+cpu"},
        "git_revision": "0123456789abcdef0123456789abcdef01234567-dirty",
        "command": "symmdp compare CartPole-v1 --seeds 6 --directory runs/<b>",
    }
    (run / "config.json").write_text(json.dumps(config))
    updates = [f"{step},{seed},20,9,0,0,0,0,0" for step in range(1_000, total_steps + 1, 1_000) for seed in seeds]
    (run / "metrics.csv").write_text("\n".join(["step,seed,return,episodes,a,b,c,d,e", *updates]) + "\n")
    if evaluated:
        rng = np.random.default_rng(len(method))
        rows = ["step,seed,learning_rate,episodes,return_mean,return_std,return_min,return_max,length_mean"]
        for step in range(0, total_steps + 1, 1_000):
            for seed in seeds:
                middle = 0.75 * solved_at * (1 + 0.05 * (seed % 7))
                mean = min(500.0, 20 + 490 / (1 + np.exp(-(step - middle) / (0.1 * solved_at))) + rng.normal(0, 12))
                rows.append(f"{step},{seed},0.003,10,{mean:.2f},1,1,500,{mean:.2f}")
        (run / "evaluations.csv").write_text("\n".join(rows) + "\n")
