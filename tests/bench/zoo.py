"""Measure every model of Braindecode with random weights: ``nox -s zoo`` writes ``docs/zoo.json``.

Each model has a process of its own, without a network, with a limit of time and of memory. What is known
of one is kept in ``docs/_build/zoo``, so that a run that was stopped goes on. No weight is downloaded.
"""

import argparse
import json
import multiprocessing
import os
import sys
import time
from importlib.metadata import version

from _helpers.pages import DOCS, ROOT, sibling, write_if_changed
from bench import silence, zoo_measure

ZOO, KEPT = DOCS / "zoo.json", DOCS / "_build" / "zoo"
#: Seconds and bytes for one model, and models at once.
SECONDS, MEMORY, AT_ONCE = 900, 12 * 2**30, 2
#: These take minutes and are measured last.
LAST = ("CodeBrain", "MetaNeuromotorHand", "ZUNA", "DANCE")


def _file(name):
    return KEPT / f"{name}-{version('braindecode')}.json"


def _refuse(event, args):
    if event in ("socket.connect", "socket.getaddrinfo"):
        raise OSError("the network is blocked")


def _alone(name):
    """In a child: without a network, with little memory, behind everybody else."""
    import resource

    sys.addaudithook(_refuse)
    os.nice(10)
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    write_if_changed(_file(name), json.dumps(zoo_measure.measure_model(name)))


def run(names):
    """Measure models, a process for each, and keep what is known of each in a file.

    Parameters
    ----------
    names : sequence of str
        Keys of :data:`braindecode.models.util.models_dict`, in their order.
    """
    fork = multiprocessing.get_context("fork")  # one import of torch for all
    waiting, busy = list(names), {}
    while waiting or busy:
        while waiting and len(busy) < AT_ONCE:
            name = waiting.pop(0)
            process = fork.Process(target=_alone, args=(name,), daemon=True)
            process.start()
            busy[name] = process, time.monotonic() + SECONDS
        time.sleep(0.1)
        for name, (process, end) in list(busy.items()):
            late = process.is_alive() and time.monotonic() > end
            if process.is_alive() and not late:
                continue
            process.kill()
            process.join()
            del busy[name]
            if late or process.exitcode:
                why = f"takes more than {SECONDS} s" if late else "ends its process"
                write_if_changed(_file(name), json.dumps({"builds": why}))
            print(
                f"{name:<24}{json.loads(_file(name).read_text('utf-8'))['builds']}",
                flush=True,
            )


def main(argv=None):
    """Measure the models of Braindecode and write docs/zoo.json."""
    parser = argparse.ArgumentParser(prog="nox -s zoo --", description=main.__doc__)
    parser.add_argument("select", nargs="*", help="names of models; all if none is given")
    parser.add_argument("--adapt", action="store_true", help="what silence costs instead")
    parser.add_argument("--again", action="store_true", help="measure anew what is known")
    args = parser.parse_args(argv)
    if args.adapt:
        return silence.main(args.select)
    zoo = sibling("_model.zoo")
    every = sorted(zoo.models_dict)
    if unknown := set(args.select) - set(every):
        parser.error(f"unknown models {sorted(unknown)}: known are {every}")
    asked = sorted(
        args.select or every, key=lambda name: (name in LAST, name in zoo.SLOW, name)
    )
    run([name for name in asked if args.again or not _file(name).is_file()])
    files = {name: _file(name) for name in every}
    known = {n: json.loads(f.read_text("utf-8")) for n, f in files.items() if f.is_file()}
    content = {"braindecode": version("braindecode"), "models": known}
    content["not_measured"] = sorted(set(every) - set(known))
    write_if_changed(ZOO, json.dumps(content, indent=1, sort_keys=True) + "\n")
    print(f"{len(known)} of {len(every)} models in {ZOO.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
