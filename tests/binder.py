"""Build Binder's environment from the published files, and run every notebook in JupyterLab."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import requests

from _helpers.pages import ExampleError
from _helpers.sandbox import line_of
from run_notebook import forget_outputs

#: Binder brings its own JupyterLab beside the requirements; here it is installed after them.
JUPYTERLAB = "jupyterlab==4.6.6"
#: What a kernel and JupyterLab may take together: Binder allows 2 GB.
LIMIT_MB = 1500


def requirements(text):
    """What to install, and the wheel indexes left out as out of reach from here."""
    keep, skipped = [], []
    for line in text.splitlines():
        if line.startswith("--extra-index-url "):
            url = line.split()[1]
            try:
                requests.get(f"{url}/torch/", timeout=5).raise_for_status()
            except OSError:
                skipped.append(url)
                continue
        keep.append(line)
    return "\n".join(keep) + "\n", skipped


def environ_of(venv):
    """The environment of a reader who works in ``venv``, offline as to weights."""
    ours = ("EEG", "JUPYTER", "PYTHON")
    env = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return env | {
        "PATH": f"{venv / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "HF_HUB_OFFLINE": "1",
    }


def build(site, folder):
    """Make ``venv`` as Binder does, unless it is there; returns the environment of JupyterLab."""
    binder, venv = folder / "binder", folder / "venv"
    env = environ_of(venv)
    # The new home has no cache of pip's.
    cache = [sys.executable, "-m", "pip", "cache", "dir"]
    cache = subprocess.run(cache, capture_output=True, text=True).stdout.strip()
    env |= {"PIP_CACHE_DIR": cache} if cache else {}
    env["MEM_LIMIT"] = str(2 * 1024**3)  # Binder tells a notebook how much memory it has
    # All notebooks of Binder lie in one folder, and so does what they write.
    env["EEGDASH_CACHE_DIR"] = str(folder / "eegdash_cache")
    if folder.is_dir():
        return env
    for part in ("binder", "notebooks"):
        shutil.copytree(site / part, folder / part)
    text, skipped = requirements((binder / "requirements.txt").read_text("utf-8"))
    for url in skipped:
        print(f"left out, not reachable from here: {url}")
    (folder / "installed.txt").write_text(text, "utf-8")
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    pip = [venv / "bin" / "pip", "install", "-q", "--disable-pip-version-check"]
    here = env | {"HOME": str(folder)}
    subprocess.run([*pip, "-r", folder / "installed.txt"], check=True, env=here)
    subprocess.run([binder / "postBuild"], check=True, env=here, cwd=folder)
    subprocess.run([*pip, JUPYTERLAB], check=True, env=here)
    return env


@contextlib.contextmanager
def jupyter_lab(folder, env):
    """JupyterLab on localhost; gives its address and its process."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = [
        "--no-browser", f"--port={port}", "--ip=127.0.0.1", f"--ServerApp.root_dir={folder}",
        "--IdentityProvider.token=", "--ServerApp.password=", "--ServerApp.disable_check_xsrf=True",
        "--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        *(["--allow-root"] if os.geteuid() == 0 else []),
    ]  # fmt: skip
    home = folder / f"home-{port}"
    home.mkdir()
    env = env | {"HOME": str(home)}
    log, lab = home / "lab.log", [folder / "venv" / "bin" / "jupyter", "lab", *options]
    with log.open("w") as out:
        process = subprocess.Popen(lab, env=env, cwd=folder, stdout=out, stderr=out)
    base = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            with contextlib.suppress(OSError):
                requests.get(f"{base}/api", timeout=5).raise_for_status()
                break
            if process.poll() is not None:
                raise ExampleError(f"JupyterLab ended:\n{log.read_text()[-2000:]}")
            time.sleep(0.3)
        yield base, process
    finally:
        process.terminate()
        process.wait(20)


def put_alone(stem, folder):
    """Copy a published notebook into a folder of its own, without what it gave in the build.

    Parameters
    ----------
    stem : str
        Name of the page.
    folder : pathlib.Path
        What `build` made.

    Returns
    -------
    pathlib.Path
        The copy, from ``folder``. It finds nothing beside it; what cells show later, they gave.
    """
    name = f"{stem}.ipynb"
    notebook = json.loads(
        (folder / "notebooks" / "auto_examples" / name).read_text("utf-8")
    )
    forget_outputs(notebook)
    place = Path("alone", stem, name)
    (folder / place).parent.mkdir(parents=True, exist_ok=True)
    (folder / place).write_text(json.dumps(notebook), "utf-8")
    return place


def sessions(base):
    """Kernels that run."""
    return requests.get(f"{base}/api/sessions", timeout=60).json()


def run_all(page, base, notebook, limit=600):
    """Open a notebook, choose *Run All Cells*, wait until it has run, save it."""
    page.goto(f"{base}/lab/tree/{notebook}?reset", timeout=90_000)
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=90_000)
    until = time.monotonic() + limit

    def wait(what, looks):
        """Wait for so many looks at an idle kernel: between two cells it is idle, too."""
        idle = 0
        while idle < looks:
            if time.monotonic() > until:
                raise ExampleError(f"{notebook}: {what} took more than {limit:g} s")
            page.wait_for_timeout(300)
            states = [s["kernel"]["execution_state"] for s in sessions(base)]
            idle = idle + 1 if states and set(states) == {"idle"} else 0

    wait("the kernel", 1)
    for name in ("Run", "Run All Cells"):
        page.get_by_role("menuitem", name=name, exact=True).click()
    wait("the run", 10)
    page.keyboard.press("Control+s")
    page.wait_for_timeout(2000)


def outcome(path):
    """Line and number of figures of a saved notebook; an error if a cell did not run."""
    cells = json.loads(path.read_text("utf-8"))["cells"]
    cells = [cell for cell in cells if cell["cell_type"] == "code"]
    outputs = [output for cell in cells for output in cell["outputs"]]
    for output in outputs:
        if output["output_type"] == "error":
            raise ExampleError(f"{path.name}: {output['ename']}: {output['evalue']}")
    if left := sum(cell["execution_count"] is None for cell in cells):
        raise ExampleError(f"{path.name}: {left} of {len(cells)} cells did not run")
    stdout = "".join("".join(o["text"]) for o in outputs if o.get("name") == "stdout")
    figures = sum("image/png" in output.get("data", {}) for output in outputs)
    return line_of(path.name, stdout), figures


def try_notebook(script, folder, base, context, meter):
    """Run the notebook of a page, alone in its folder, and close its kernel.

    Parameters
    ----------
    script : pathlib.Path
        The tutorial.
    folder : pathlib.Path
        What `build` made.
    base : str
        Address of JupyterLab.
    context : playwright.sync_api.BrowserContext
        The browser.
    meter : Meter
        Of the memory of JupyterLab and its kernels.

    Returns
    -------
    line : str
        The JSON line of the contract.
    n_figures : int
        How many figures the notebook shows.
    megabytes : float
        Peak of the memory.
    """
    meter.start_over()
    notebook, page = put_alone(script.stem, folder), context.new_page()
    try:
        run_all(page, base, notebook)
        return *outcome(folder / notebook), meter.memory.together
    finally:
        page.close()
        for session in sessions(base):
            requests.delete(f"{base}/api/sessions/{session['id']}", timeout=60)
