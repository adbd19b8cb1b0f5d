"""`./patrol bench [name] [--json]`: ours beside its floor, in one run; a figure by itself says nothing.

Owns the list of benchmarks and how they are printed. Each is a module with `measure(say) -> dict`, whose "lines" are
what a person reads; no test asserts what it measures.
"""

import importlib
import json
import sys

BENCHES = (
    "push",
    "pull",
    "fill",
    "merge",
    "storm",
    "curve",
    "bad",
    "items",
    "tiles",
    "locate",
    "redraw",
    "timeline",
    "cases",
    "app",
)


def main(*, name: str | None, as_json: bool) -> int:
    """Run one benchmark, or all; 2 for a name that there is none of."""
    if name is not None and name not in BENCHES:
        sys.stderr.write(f"✗ 没有这项 · no such benchmark: {name}; there are: {', '.join(BENCHES)}\n")
        return 2
    names = [name] if name else BENCHES
    found = {each: importlib.import_module(f"tests.bench.{each}").measure(_progress) for each in names}
    if as_json:
        sys.stdout.write(json.dumps(found, ensure_ascii=False, indent=1) + "\n")
        return 0
    for each, told in found.items():
        sys.stdout.write("\n".join([each, *(f"  {line}" for line in told["lines"])]) + "\n")
    return 0


def _progress(line: str) -> None:
    sys.stderr.write(f"  {line}\n")
    sys.stderr.flush()
