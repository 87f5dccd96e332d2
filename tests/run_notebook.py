"""Run a notebook from top to bottom, print what its cells print, stop at the first error."""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient


def main(path):
    """Run a notebook in its own folder; the file is not changed."""
    notebook = nbformat.read(path, as_version=4)
    folder = {"metadata": {"path": str(Path(path).parent)}}
    NotebookClient(notebook, timeout=600, kernel_name="python3", resources=folder).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    print(*(o.text for o in outputs if o.get("name") == "stdout"), sep="", end="")
    n_figures = sum("image/png" in o.get("data", {}) for o in outputs)
    print(f"{n_figures} figures", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1])
