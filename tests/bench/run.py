"""Measure what the pages claim, and run pages on other draws of people.

``nox -s bench`` prints tables and writes JSON under ``docs/`` that the site renders. Nothing here
asserts a time: a ratio of two things measured side by side is the only result.
"""

import argparse
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor

import pandas as pd

from _helpers.contracts import CONTRACTS
from _helpers.pages import DOCS, tutorials
from _helpers.record import EVIDENCE, NULL_EVIDENCE, machine, versions, write_json
from _helpers.run_example import run_example
from bench.finetune import bench_finetune

BENCHMARKS = DOCS / "benchmarks.json"


def add(path, part, content):
    """Write one part of a file of results; the others stay."""
    kept = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    write_json(path, dict(sorted({**kept, part: content}.items())))


def evidence(page, end=""):
    """Run a page as it is on its contract's draws of people; a `Record` for each seed."""
    drawn = CONTRACTS[page].evidence
    (script,) = tutorials([page])

    def one(seed):
        run = run_example(script, study=f"{drawn.study}-{seed}{end}", timeout=1200)
        print(f"{page}, seed {seed}: done", flush=True)
        return run.record(seed=seed)

    # Each run is a process on one thread; what they print does not depend on speed.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(one, drawn.seeds))


def keep(what, result):
    """Print what was measured, and write it with what it was measured on."""
    for name, value in result.items():
        table = isinstance(value, list)
        print(name, pd.DataFrame(value).to_string() if table else value, "", sep="\n")
    add(BENCHMARKS, what, {**result, "machine": machine(), "versions": versions()})


def main(argv=None):
    """Measure and write ``docs/benchmarks.json`` or ``docs/evidence.json``."""
    parser = argparse.ArgumentParser(prog="nox -s bench --", description=main.__doc__)
    parts = ["finetune", "evidence"]
    parser.add_argument("what", nargs="?", default=parts[0], choices=parts)
    pages = [name for name, promise in CONTRACTS.items() if promise.evidence]
    parser.add_argument("--page", choices=pages, help="evidence: only this page")
    args = parser.parse_args(argv)
    if args.what != "evidence":
        keep(args.what, bench_finetune())
        return 0
    for page in [args.page] if args.page else pages:
        null = CONTRACTS[page].evidence.null
        for path, end in [(EVIDENCE, ""), *([(NULL_EVIDENCE, null)] if null else [])]:
            add(path, page, [run.model_dump(mode="json") for run in evidence(page, end)])
    return 0


if __name__ == "__main__":
    sys.exit(main())
