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
    figures = 0
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            if output.output_type == "stream" and output.name == "stdout":
                print(output.text, end="")
            figures += "image/png" in output.get("data", {})
    print(f"{figures} figures", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1])
