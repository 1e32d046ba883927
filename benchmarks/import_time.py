"""How much longer `import symmdp` takes than `import torch`: in new processes, in turn; their start and end do not count."""

import argparse
import statistics
import subprocess
import sys

from _record import record


def seconds(module: str) -> float:
    code = f"import time; began = time.perf_counter(); import {module}; print(time.perf_counter() - began)"
    return float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    for module in ("torch", "symmdp"):
        seconds(module)  # files into the page cache
    rows = [{"torch": round(seconds("torch"), 3), "symmdp": round(seconds("symmdp"), 3)} for _ in range(rounds)]
    extra = statistics.median(row["symmdp"] - row["torch"] for row in rows)
    print(f"import symmdp takes {extra:.2f} s longer than import torch (median of {rounds})")
    print(f"raw results: {record('import_time', rows)}")


if __name__ == "__main__":
    main()
