"""Everything this project does, as sessions: ``nox -l`` lists them."""

import hashlib
import os
import re
import sys
import webbrowser
from pathlib import Path

import nox

ROOT = Path(__file__).parent
HTML = ROOT / "docs" / "_build" / "html"
ENV = ROOT / ".nox" / "env"
PYTHON = ENV / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
REQUIREMENTS = [
    ROOT / "requirements.txt",
    ROOT / "docs" / "requirements.txt",
    ROOT / "tests" / "requirements.txt",
]

#: pytest on all cores: each takes half of the tests, in order, so that tests of one file share what
#: they set up; who is done first takes from the other. One thread each: two cores, two processes.
CORES = ("-n", "logical", "--dist", "worksteal")
ONE_THREAD = {"OMP_NUM_THREADS": "1"}
#: ``torch==2.13.0`` becomes ``torch~=2.13``: any 2.x from there on.
PIN = re.compile(r"==(\d+\.\d+)[\w.]*")

nox.options.sessions = ["lint", "tests", "examples", "docs"]
nox.needs_version = ">=2025.2.9"


@nox.session(reuse_venv=True, venv_backend="virtualenv", default=False)
def env(session):
    """Install everything once; the other sessions share it."""
    wanted = hashlib.sha256(
        b"".join(
            p.read_bytes() for p in [*REQUIREMENTS, ROOT / "_helpers" / "cpu_torch.py"]
        )
    )
    stamp = ENV / "installed.sha256"
    if stamp.is_file() and stamp.read_text() == wanted.hexdigest():
        session.log("nothing to install")
        return
    session.install(*(word for path in REQUIREMENTS for word in ("-r", str(path))))
    session.run("python", str(ROOT / "_helpers" / "cpu_torch.py"))
    stamp.write_text(wanted.hexdigest())


def shared(session, *args, **kwargs):
    """Run the shared environment's Python from the repository root."""
    session.chdir(ROOT)
    session.run(str(PYTHON), *args, external=True, **kwargs)


def built(session):
    """Stop where there is no site yet."""
    if not (HTML / "index.html").is_file():
        session.error("there is no site yet: run nox -s docs first")


def program(session, module):
    """Run a program of ``tests/`` that is no test, on one thread; words after -- go to it."""
    folders = (ROOT, ROOT / "examples", ROOT / "tests")
    env = {**ONE_THREAD, "PYTHONPATH": os.pathsep.join(map(str, folders))}
    shared(session, "-m", module, *session.posargs, env=env)


def of_the_site(session, mark):
    """Run the tests of the built site that have a mark."""
    built(session)
    words = ["-m", mark, *CORES, "tests/test_site.py"]
    shared(session, "-m", "pytest", *words, *session.posargs)


@nox.session(venv_backend="none", requires=["env"])
def lint(session):
    """Check style and formatting with ruff."""
    shared(session, "-m", "ruff", "check", ".")
    shared(session, "-m", "ruff", "format", "--check", ".")


@nox.session(venv_backend="none", requires=["env"])
def tests(session):
    """Run the tests on all cores; words after -- go to pytest."""
    shared(session, "-m", "pytest", *CORES, *session.posargs, env=ONE_THREAD)


@nox.session(venv_backend="none", requires=["env"], default=False)
def fuzz(session):
    """Break small studies in every way and open them (docs/fuzz.json); -- --seed 1, -- NAME."""
    program(session, "fuzz.run")


@nox.session(venv_backend="none", requires=["env"])
def examples(session):
    """Run tutorials alone, offline and twice; -- 73 runs one, --study PATH takes other data."""
    shared(session, "-m", "_helpers.run_example", *session.posargs)


@nox.session(venv_backend="none", requires=["env"])
def docs(session):
    """Run every tutorial and build the site, warnings as errors."""
    shared(
        session, "-m", "sphinx", "-W", "--keep-going", "docs", str(HTML), *session.posargs
    )
    session.log(f"open {HTML / 'index.html'}")


@nox.session(venv_backend="none", requires=["env"], default=False)
def download(session):
    """Unpack every download of the built site in an empty folder and run it there, offline."""
    of_the_site(session, "download")


@nox.session(venv_backend="none", requires=["env"], default=False)
def binder(session):
    """Run every notebook in Binder's environment, and one where the newest torch is and the rest is missing."""
    of_the_site(session, "binder")


@nox.session(venv_backend="none", requires=["env"], default=False)
def browser(session):
    """Look at every page of the built site in Chromium, then ask Lighthouse."""
    built(session)
    words = [
        "-m",
        "browser",
        "-n",
        "logical",
        "tests/test_browser.py",
        "tests/test_answer.py",
    ]
    shared(session, "-m", "pytest", *words, *session.posargs)
    program(session, "bench.lighthouse")


@nox.session(venv_backend="none", requires=["env"], default=False)
def bench(session):
    """Measure speed (docs/benchmarks.json); -- evidence runs pages on other draws of people."""
    program(session, "bench.run")


@nox.session(venv_backend="none", requires=["env"], default=False)
def cohort(session):
    """Measure what a cohort of 256 people costs (docs/benchmarks.json)."""
    program(session, "bench.cohort")


@nox.session(venv_backend="none", requires=["env"], default=False)
def intervals(session):
    """Measure which interval over few people keeps its 95 % (docs/benchmarks.json)."""
    program(session, "bench.intervals")


@nox.session(venv_backend="none", requires=["env"], default=False)
def zoo(session):
    """Measure every model of Braindecode with random weights (docs/zoo.json); -- --adapt: what silence costs."""
    program(session, "bench.zoo")


@nox.session(venv_backend="none", requires=["env"], default=False)
def real(session):
    """Run tutorials on real EEG and keep the results: -- --study PATH_OR_ID (docs/real/)."""
    shared(session, "-m", "_helpers.run_example", "--keep", *session.posargs)


@nox.session(reuse_venv=True, venv_backend="virtualenv", default=False)
def newest(session):
    """Try the newest releases of the same major versions, in an environment of their own."""
    loosened = [PIN.sub(r"~=\1", path.read_text()) for path in REQUIREMENTS]
    wanted = Path(session.create_tmp()) / "newest.txt"
    wanted.write_text("\n".join(loosened))
    session.install("--upgrade", "-r", str(wanted))
    session.run("python", "_helpers/cpu_torch.py")
    session.run("python", "-m", "pip", "freeze")
    session.run("python", "-m", "pytest", *CORES, env=ONE_THREAD)
    session.run("python", "-m", "_helpers.run_example")
    out = ROOT / "docs" / "_build" / "newest"
    session.run("python", "-m", "sphinx", "-W", "--keep-going", "docs", str(out))


@nox.session(venv_backend="none", default=False)
def serve(session):
    """Open the built site on localhost (build it first: nox -s docs)."""
    built(session)
    port = session.posargs[0] if session.posargs else "8000"
    webbrowser.open(f"http://127.0.0.1:{port}")
    session.run(
        sys.executable,
        "-m",
        "http.server",
        port,
        "--bind",
        "127.0.0.1",
        "-d",
        str(HTML),
        external=True,
    )
