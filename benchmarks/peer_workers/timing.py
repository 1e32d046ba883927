"""What all workers share: arguments, timing in turn, one line of JSON. Standard library only."""

import json
import statistics
import sys
import time
from collections.abc import Callable

BATCH = 256
Call = Callable[[], object]


def arguments() -> tuple[int, int, int]:
    """The order of the cyclic group, the width, and the number of rounds."""
    group, width, rounds = sys.argv[1:4]
    return int(group.removeprefix("C")), int(width), int(rounds)


def seconds(call: Call, least: float = 0.05) -> float:
    """The mean of as many calls as take `least` seconds, after one that is not counted."""
    call()
    count, began = 0, time.perf_counter()
    while (now := time.perf_counter()) - began < least or count < 3:
        call()
        count += 1
    return (now - began) / count


def report(construct: Call, layer: Call, plain: Call, rounds: int) -> None:
    """Time construction (the median of three, after the first) and both layers in turn; print JSON."""
    construct()
    built = []
    for _ in range(3):
        began = time.perf_counter()
        construct()
        built.append(time.perf_counter() - began)
    timed = [(seconds(layer), seconds(plain)) for _ in range(rounds)]
    found = {
        "construction_ms": round(statistics.median(built) * 1e3, 2),
        "microseconds": round(statistics.median(a for a, _ in timed) * 1e6, 1),
        "plain_microseconds": round(statistics.median(b for _, b in timed) * 1e6, 1),
        "ratio": round(statistics.median(a / b for a, b in timed), 3),
    }
    print(json.dumps(found))
