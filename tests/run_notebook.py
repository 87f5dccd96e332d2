"""Run a notebook from top to bottom, print what its cells print, stop at the first error."""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient


def forget_outputs(notebook):
    """Take away what the cells of a notebook gave before: it must not pass for a run."""
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = []
            cell["execution_count"] = None


def main(path):
    """Run a notebook in its own folder; the file is not changed."""
    notebook = nbformat.read(path, as_version=4)
    forget_outputs(notebook)
    folder = {"metadata": {"path": str(Path(path).parent)}}
    NotebookClient(notebook, timeout=600, kernel_name="python3", resources=folder).execute()
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    if left := sum(cell.execution_count is None for cell in code):
        raise SystemExit(f"{path}: {left} of {len(code)} cells did not run")
    outputs = [output for cell in code for output in cell.outputs]
    print(*(o.text for o in outputs if o.get("name") == "stdout"), sep="", end="")
    n_figures = sum("image/png" in o.get("data", {}) for o in outputs)
    print(f"{n_figures} figures", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1])
