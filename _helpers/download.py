"""Try every download of the built site as a reader will: unpack it in an empty folder, run it."""

import argparse
import contextlib
import filecmp
import json
import os
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from _helpers.pages import HTML, ROOT, ExampleError, siblings, tutorials
from _helpers.sandbox import line_of, run_alone

NOTEBOOK = str(ROOT / "_helpers" / "run_notebook.py")


def _line(name, folder):
    """Run a script or notebook in ``folder``; its contract's line and seconds."""
    words = [name] if name.endswith(".py") else [NOTEBOOK, name]
    stdout, seconds, _ = run_alone(words, folder, timeout=600)
    return line_of(name, stdout), seconds


def _published(name):
    """A file behind a download link of the site, which has to offer exactly one."""
    found = {path.read_bytes(): path for path in HTML.glob(f"_downloads/*/{name}")}
    if len(found) != 1:
        many = f"{len(found)} different files {name} in {HTML}/_downloads"
        raise ExampleError(f"{many}: run nox -s docs")
    return next(iter(found.values()))


@contextlib.contextmanager
def _unpacked(name):
    """A new folder with a published zip in it; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="download-") as folder:
        shutil.unpack_archive(_published(name), folder)
        yield Path(folder)


def try_page(script):
    """Zip, notebook alone and script alone of a page: what, line and seconds of each."""
    with _unpacked(f"{script.stem}.zip") as folder:
        wanted = {script.name, f"{script.stem}.ipynb", "requirements.txt", "README.md"}
        wanted |= {path.name for path in siblings(script)}
        if (names := {path.name for path in folder.iterdir()}) != wanted:
            many = f"{script.stem}.zip holds {sorted(names)}"
            raise ExampleError(f"{many}, not {sorted(wanted)}")
        kinds = (".py", ".ipynb")
        tried = [(f"zip, {kind}", *_line(script.stem + kind, folder)) for kind in kinds]
    with tempfile.TemporaryDirectory(prefix="download-") as alone:
        notebook = shutil.copy(_published(f"{script.stem}.ipynb"), alone)
        tried.append(("notebook alone", *_line(Path(notebook).name, Path(alone))))
    with tempfile.TemporaryDirectory(prefix="download-") as lone:
        shutil.copy(_published(script.name), lone)
        try:
            run_alone([script.name], Path(lone), timeout=20)
        except ExampleError as err:
            if "Take the zip of its page" not in str(err):
                raise
        else:
            raise ExampleError(f"{script.name} ran without its siblings")
    return tried


def try_gallery(kind, scripts):
    """A zip of the whole gallery holds, byte for byte, what the pages' zips hold; its first page runs."""
    suffix = ".py" if kind == "python" else ".ipynb"
    name, what = f"auto_examples_{kind}.zip", f"gallery, {suffix}"
    with _unpacked(name) as folder:
        for script in scripts:
            with _unpacked(f"{script.stem}.zip") as page:
                files = [script.stem + suffix, *(path.name for path in siblings(script))]
                _, *bad = filecmp.cmpfiles(folder, page, files, shallow=False)
                if any(bad):
                    raise ExampleError(f"{name}: {bad} are not those of {script.stem}.zip")
        return [(what, *_line(scripts[0].stem + suffix, folder))]


def main(argv=None):
    """Unpack and run every download of the built site, offline, and compare what they print."""
    parser = argparse.ArgumentParser(prog="nox -s download --", description=main.__doc__)
    parser.add_argument("select", nargs="*", help="part of a tutorial's name, or all")
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
                name = json.loads(line)["tutorial"]
                lines.setdefault(name, {}).setdefault(line, []).append(what)
                print(f"{name}  {what:<16}{seconds:>7.1f} s", flush=True)
    for name, said in sorted(lines.items()):
        if len(said) != 1:
            failed.append(f"{name} printed different lines: {said}")
    done = f"\n{sum(map(len, lines.values()))} lines, one per tutorial"
    print("" if failed else done, *failed, sep="\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
