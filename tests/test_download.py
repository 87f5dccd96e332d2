"""What nox -s download and nox -s binder notice, on downloads made to fail."""

import json
import textwrap
import zipfile

import pytest

import binder
import downloads
from _helpers.measure import Meter
from _helpers.notebooks import guarded, standalone
from _helpers.pages import ExampleError
from _helpers.record import REFERENCE, records

LINE = json.dumps(records(REFERENCE)["plot_10"]["contract"])


def cell(text):
    return {
        "cell_type": "code",
        "metadata": {},
        "outputs": [],
        "execution_count": None,
        "source": [text],
    }


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A site that offers one page, whose script needs a sibling."""
    examples, offered = tmp_path / "examples", tmp_path / "html" / "_downloads" / "abc"
    examples.mkdir(), offered.mkdir(parents=True)
    (examples / "_one.py").write_text(f"LINE = {LINE!r}\n")
    script = examples / "plot_10_x.py"
    source = '"""Title."""\nfrom _one import LINE\n\nprint(LINE)\n'
    script.write_text(source)
    (offered / script.name).write_text(guarded(source, script.name, ["_one"], "here"))
    notebook = standalone(
        {"cells": [cell(source)], "metadata": {}}, [examples / "_one.py"], ["numpy==2"]
    )
    (offered / "plot_10_x.ipynb").write_text(json.dumps(notebook))
    with zipfile.ZipFile(offered / "plot_10_x.zip", "w") as archive:
        for path in (*offered.glob("plot_10_x.[pi]*"), examples / "_one.py"):
            archive.write(path, path.name)
        archive.writestr("requirements.txt", "")
        archive.writestr("README.md", "")
    monkeypatch.setattr(downloads, "HTML", tmp_path / "html")
    return script, offered


def test_whole_downloads_pass(site):
    tried = downloads.try_page(site[0])
    assert tried == dict.fromkeys(["zip", "notebook alone"], LINE)


def spoil_zip(offered):
    with zipfile.ZipFile(offered / "plot_10_x.zip", "w") as archive:
        archive.write(offered / "plot_10_x.py", "plot_10_x.py")


def spoil_script(offered):
    (offered / "plot_10_x.py").write_text("print(1)")


def spoil_notebook(offered):
    path = offered / "plot_10_x.ipynb"
    path.write_text(path.read_text().replace("%%writefile _one.py", "%%writefile _two.py"))


def spoil_both_notebooks(offered):
    spoil_notebook(offered)
    with zipfile.ZipFile(offered / "plot_10_x.zip") as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    held["plot_10_x.ipynb"] = (offered / "plot_10_x.ipynb").read_bytes()
    with zipfile.ZipFile(offered / "plot_10_x.zip", "w") as archive:
        for name, content in held.items():
            archive.writestr(name, content)


def offer_twice(offered):
    (offered.parent / "def").mkdir()
    (offered.parent / "def" / "plot_10_x.zip").write_text("another")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (spoil_zip, r"plot_10_x.zip holds \['plot_10_x.py'\], not"),
        (spoil_script, "plot_10_x.py ran without its siblings"),
        (spoil_both_notebooks, "(?s)exit code 1.*No module named '_one'"),
        (spoil_notebook, "plot_10_x.ipynb is not that of plot_10_x.zip"),
        (offer_twice, "2 different files plot_10_x.zip"),
    ],
)
def test_what_would_fail_a_reader_is_noticed(site, spoil, message):
    script, offered = site
    spoil(offered)
    with pytest.raises(ExampleError, match=message):
        downloads.try_page(script)


def saved(tmp_path, *cells):
    path = tmp_path / "n.ipynb"
    path.write_text(json.dumps({"cells": list(cells)}))
    return path


def ran(text=None, **output):
    outputs = (
        [{"output_type": "stream", "name": "stdout", "text": [text]}] if text else [output]
    )
    return cell("x") | {"execution_count": 1, "outputs": outputs}


def test_outcome_of_a_saved_notebook(tmp_path):
    figure = ran(output_type="display_data", data={"image/png": "..."})
    assert binder.outcome(saved(tmp_path, figure, ran(LINE + "\n"))) == (LINE, 1)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (
            [ran(output_type="error", ename="ValueError", evalue="too bad")],
            "ValueError: too bad",
        ),
        ([ran(LINE), cell("y")], "1 of 2 cells did not run"),
        ([ran("nothing")], "broke its contract"),
    ],
)
def test_a_notebook_that_failed_is_noticed(tmp_path, cells, message):
    with pytest.raises(ExampleError, match=message):
        binder.outcome(saved(tmp_path, *cells))


def test_an_index_that_cannot_be_reached_is_left_out():
    text = "--extra-index-url http://127.0.0.1:9/whl\nnumpy==2\n"
    assert binder.requirements(text) == ("numpy==2\n", ["http://127.0.0.1:9/whl"])


def test_an_index_that_answers_is_kept(tmp_path):
    from chromium import served

    (tmp_path / "torch").mkdir()
    with served(tmp_path) as base:
        text = f"--extra-index-url {base.rstrip('/')}\nnumpy==2\n"
        assert binder.requirements(text) == (text, [])


def test_peak_memory_counts_the_tree():
    import subprocess
    import sys
    import time

    code = textwrap.dedent("""
        import subprocess, sys
        subprocess.run([sys.executable, "-c", "import time; x = bytearray(200_000_000); time.sleep(1)"])
    """)
    process = subprocess.Popen([sys.executable, "-c", code])
    meter = Meter(process.pid)
    meter.start()
    process.wait()
    time.sleep(0.3)
    assert 190 < meter.memory.together < 300


def test_a_gallery_zip_holds_the_files_of_the_pages(site):
    script, offered = site
    path = offered / "auto_examples_python.zip"

    def write(sibling):
        with zipfile.ZipFile(path, "w") as archive:
            archive.write(offered / script.name, script.name)
            archive.writestr("_one.py", sibling)

    write((script.parent / "_one.py").read_text())
    assert downloads.try_gallery("python", [script]) == LINE
    write("LINE = 'another'")
    with pytest.raises(ExampleError, match=r"_one.py.* are not those of plot_10_x.zip"):
        downloads.try_gallery("python", [script])
