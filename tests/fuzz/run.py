"""Mutate small studies, open each, and count what happened; ``nox -s fuzz`` keeps the counts.

``-- --count 500 --seed 1`` tries more trees or others, ``-- NAME ...`` only some mutations, on every
base they apply to.
"""

import argparse
import collections
import contextlib
import os
import sys
import tempfile
import time
import zlib
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from tqdm import tqdm

import _study
import fuzz.folders
import fuzz.recordings  # noqa: F401
from _helpers.pages import DOCS
from _helpers.record import machine, versions, write_json
from fuzz import bases, oracle
from fuzz.tables import MUTATIONS

OUT = DOCS / "fuzz.json"
WORKERS = 2
GOOD = ("right", "refused clearly")


def known_bases():
    """Bases of this machine: a real study only where the environment names one."""
    return [*bases.SYNTHETIC, *(["real"] if os.environ.get(bases.REAL) else [])]


def applies(name, base):
    """Does a mutation apply to a base?"""
    return base in MUTATIONS[name][1]


def plan(count, seed, names=()):
    """Cases to try: each a base and one or two mutations; the same for the same arguments.

    Every base is opened clean, every mutation is tried once on a base that is drawn, and pairs
    make up the rest, at least a quarter; a small ``count`` draws some of the mutations. With ``names`` only those are tried, on every base they apply to.
    """
    known = known_bases()
    if names:
        return [(b, (n,)) for n in names for b in known if applies(n, b)]
    rng = np.random.default_rng([seed, 15])
    singles = [(base, ("clean",)) for base in known]
    for name in MUTATIONS:
        fitting = [b for b in known if applies(name, b)]
        if fitting and name != "clean":
            singles.append((fitting[rng.integers(len(fitting))], (name,)))
    n_pairs = max(count - len(singles), count // 4)
    kept = sorted(
        rng.permutation(len(singles) - len(known))[: max(0, count - n_pairs - len(known))]
    )
    singles = [*singles[: len(known)], *(singles[len(known) + i] for i in kept)]
    pairs = []
    while len(pairs) < n_pairs:
        base = known[rng.integers(len(known))]
        fitting = [n for n in MUTATIONS if applies(n, base) and n != "clean"]
        pairs.append((base, tuple(fitting[i] for i in rng.permutation(len(fitting))[:2])))
    return [*singles, *pairs]


def prepare(folder):
    """In each worker, once: a cache of its own."""
    cache = Path(folder, f"cache-{os.getpid()}")
    cache.mkdir()
    os.environ["EEGDASH_CACHE_DIR"] = str(cache)
    os.environ["TMPDIR"] = folder
    tempfile.tempdir = folder


WRITTEN = {}


def base_of(name, folder):
    """A base, written once per process."""
    if name not in WRITTEN:
        with contextlib.redirect_stdout(None):
            WRITTEN[name] = bases.write_base(name, Path(folder), _study.open_study)
    return WRITTEN[name]


def work(case, seed, folder):
    """Try one case, in a worker."""
    name, names = case
    base = base_of(name, folder)
    mutations = [MUTATIONS[n][0] for n in names]
    save = (len(names) == 1 and names[0] in SAVED) or zlib.crc32(
        " ".join(names).encode()
    ) % 4 == 0
    oracle.GUARDS.clear()
    judged = oracle.try_case(base, mutations, seed, save=save)
    return None if judged is None else (*judged, list(oracle.GUARDS))


#: Always saved person by person as well; of the others, one in four.
SAVED = ("clean", "participants_tsv_marked", "people_ids_bare", "copy_in_sourcedata")


def run(cases, seed, *, progress=True):
    """Try all cases in two processes; yields case, outcomes, faults and guards as they come."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        for name in sorted({base for base, _ in cases}):  # before two workers want to
            base_of(name, folder)
        how = {"mp_context": get_context("fork"), "initializer": prepare}
        pool = ProcessPoolExecutor(WORKERS, initargs=(folder,), **how)
        with pool:
            waiting = {pool.submit(work, case, seed, folder): case for case in cases}
            done = as_completed(waiting)
            for future in tqdm(done, total=len(cases), disable=not progress, unit="tree"):
                try:
                    result = future.result()
                except BrokenProcessPool:
                    result = ["traceback"], [("traceback", "the process died")], []
                if result is not None:
                    yield waiting[future], *result


def summary(results, seed, seconds):
    """What ``docs/fuzz.json`` holds: counts per base and outcome, every fault, and what refused."""
    counts = collections.defaultdict(collections.Counter)
    faults, guards = [], collections.Counter()
    for (base, names), outcomes, seen, refused_by in results:
        guards.update(refused_by)
        counts[base].update(outcomes)
        counts[base]["trees"] += 1
        for kind, what in seen:
            faults.append({"base": base, "mutations": names, "fault": kind, "what": what})
    order = [base for base in [*bases.SYNTHETIC, "real"] if base in counts]
    keys = ("trees", *oracle.OUTCOMES)
    return {
        "seed": seed,
        "trees": len(results),
        "mutations": len({n for (_, names), *_ in results for n in names}),
        "seconds": round(seconds, 1),
        "machine": machine(),
        "versions": versions(),
        "counts": {base: {key: counts[base][key] for key in keys} for base in order},
        "guards": dict(sorted(guards.items())),
        "faults": sorted(faults, key=lambda f: (f["fault"], f["base"], f["mutations"])),
    }


def table(found):
    """Counts as text; a tree with two kinds of fault counts in both columns."""
    keys = ("trees", *oracle.OUTCOMES)
    lines = ["base".ljust(10) + "".join(key.rjust(len(key) + 2) for key in keys)]
    totals = {key: sum(own[key] for own in found["counts"].values()) for key in keys}
    for base, own in [*found["counts"].items(), ("all", totals)]:
        cells = (str(own[key]).rjust(len(key) + 2) for key in keys)
        lines.append(base.ljust(10) + "".join(cells))
    return "\n".join(lines)


def main(argv=None):
    """Run the suite; returns 1 if anything went wrong."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "names", nargs="*", help="mutations to try; a part of a name is enough"
    )
    parser.add_argument("--count", type=int, default=900, help="trees in all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--pair", action="store_true", help="apply the names given together"
    )
    parser.add_argument("--base", help="only this base")
    parser.add_argument("--out", type=Path, help=f"JSON, else {OUT.name} if all is tried")
    given = parser.parse_args(argv)
    names = [n for n in MUTATIONS if n in given.names]
    for part in given.names:
        names += [n for n in MUTATIONS if part in n and part not in MUTATIONS]
    if given.names and not names:
        parser.error(f"no mutation is called {given.names}")
    cases = plan(given.count, given.seed, names)
    if given.pair:
        cases = [(base, tuple(given.names)) for base in known_bases()]
        cases = [(b, n) for b, n in cases if all(applies(name, b) for name in n)]
    cases = [case for case in cases if given.base in (None, case[0])]
    started = time.perf_counter()
    results = []
    for case, outcomes, faults, guards in run(
        cases, given.seed, progress=sys.stderr.isatty()
    ):
        results.append((case, outcomes, faults, guards))
        again = f"{' '.join(case[1])}{' --pair' * (len(case[1]) - 1)} --base {case[0]}"
        for kind, what in faults:
            tqdm.write(f"{kind:17} {again}: {what[:300]}")
        if not sys.stderr.isatty() and len(results) % 50 == 0:
            print(f"{len(results)} of {len(cases)} trees")
        sys.stdout.flush()
    found = summary(results, given.seed, time.perf_counter() - started)
    print(table(found))
    print(f"{found['trees']} trees in {found['seconds']:.0f} s, seed {given.seed}")
    whole = not given.names and given.base is None
    if given.out or whole:
        write_json(given.out or OUT, found)
    return int(any(set(outcomes) - set(GOOD) for _, outcomes, *_ in results))


if __name__ == "__main__":
    sys.exit(main())
