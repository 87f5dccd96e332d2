"""Try every download of the built site as a reader will: unpack it in an empty folder, run it."""

import argparse
import os
import sys
import tempfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from _helpers.contracts import ContractError, parse
from _helpers.pages import HTML, ROOT, ExampleError, siblings, tutorials
from _helpers.sandbox import run_alone

NOTEBOOK = str(ROOT / "_helpers" / "run_notebook.py")


def _words(name):
    return [name] if name.endswith(".py") else [NOTEBOOK, name]


def _line(name, folder):
    """Run a script or notebook in ``folder``; its contract's line and seconds."""
    stdout, seconds, _ = run_alone(_words(name), folder, timeout=600)
    try:
        parse(stdout)
    except ContractError as err:
        raise ExampleError(f"{name} broke its contract: {err}") from err
    return stdout.rstrip().splitlines()[-1], seconds


def _published(name):
    """A file behind a download link of the site, which has to offer exactly one."""
    found = {path.read_bytes(): path for path in HTML.glob(f"_downloads/*/{name}")}
    if len(found) != 1:
        raise ExampleError(
            f"{len(found)} different files {name} in {HTML}/_downloads: run nox -s docs"
        )
    return next(iter(found.values()))


def try_page(script):
    """Zip, notebook alone and script alone of a page: what, line and seconds of each."""
    tried = []
    with tempfile.TemporaryDirectory(prefix="download-") as name:
        folder, alone, lone = (Path(name) / part for part in ("zip", "notebook", "script"))
        with zipfile.ZipFile(_published(f"{script.stem}.zip")) as archive:
            archive.extractall(folder)
        wanted = {script.name, f"{script.stem}.ipynb", "requirements.txt", "README.md"}
        wanted |= {path.name for path in siblings(script)}
        if (names := {path.name for path in folder.iterdir()}) != wanted:
            raise ExampleError(
                f"{script.stem}.zip holds {sorted(names)}, not {sorted(wanted)}"
            )
        for kind in (".py", ".ipynb"):
            tried.append((f"zip, {kind}", *_line(script.stem + kind, folder)))
        for where, kind in ((alone, ".ipynb"), (lone, ".py")):
            where.mkdir()
            (where / f"{script.stem}{kind}").write_bytes(
                _published(f"{script.stem}{kind}").read_bytes()
            )
        tried.append(("notebook alone", *_line(f"{script.stem}.ipynb", alone)))
        try:
            run_alone([script.name], lone, timeout=20)
        except ExampleError as err:
            if "Take the zip of its page" not in str(err):
                raise
        else:
            raise ExampleError(f"{script.name} ran without its siblings")
    return tried


def try_gallery(kind, scripts):
    """One of the two zips of the whole gallery, in one folder; returns as `try_page`."""
    with tempfile.TemporaryDirectory(prefix="download-") as name:
        with zipfile.ZipFile(_published(f"auto_examples_{kind}.zip")) as archive:
            archive.extractall(name)
        suffix = ".py" if kind == "python" else ".ipynb"
        return [
            (f"gallery, {suffix}", *_line(script.stem + suffix, Path(name)))
            for script in scripts
        ]


def main(argv=None):
    """Unpack and run every download of the built site, offline, and compare what they print."""
    parser = argparse.ArgumentParser(prog="nox -s download --", description=main.__doc__)
    parser.add_argument(
        "select", nargs="*", help="part of a tutorial's name (default: all)"
    )
    scripts = tutorials(parser.parse_args(argv).select)
    failed, lines = [], {}
    with ThreadPoolExecutor(max_workers=min(os.cpu_count() or 1, 4)) as pool:
        jobs = [pool.submit(try_gallery, kind, scripts) for kind in ("jupyter", "python")]
        # The longest first, so that nobody waits for the last one.
        jobs += [pool.submit(try_page, script) for script in reversed(scripts)]
        for job in jobs:
            try:
                tried = job.result()
            except ExampleError as err:
                failed.append(str(err))
                continue
            for what, line, seconds in tried:
                name = parse(line).tutorial
                lines.setdefault(name, {}).setdefault(line, []).append(what)
                print(f"{name}  {what:<16}{seconds:>7.1f} s", flush=True)
    for name, said in sorted(lines.items()):
        if len(said) != 1:
            failed.append(f"{name} printed different lines: {said}")
    print(
        f"\n{sum(map(len, lines.values()))} lines, one per tutorial" if not failed else "",
        *failed,
        sep="\n",
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
