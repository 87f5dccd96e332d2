"""What nox -s download and nox -s binder notice, on downloads made to fail."""

import json
import shutil
import textwrap
import zipfile

import pytest

import binder
import downloads
import run_notebook
from _helpers.measure import Meter
from _helpers.notebooks import guarded, standalone
from _helpers.pages import ExampleError
from _helpers.record import REFERENCE, records
from _helpers.sandbox import run_alone

LINE = json.dumps(records(REFERENCE)["plot_10"]["contract"])


def cell(text):
    return {
        "cell_type": "code",
        "metadata": {},
        "outputs": [],
        "execution_count": None,
        "source": [text],
    }


SOURCE = '"""Title."""\n\n# %%\nfrom _pack.one import LINE\n\nprint(LINE)\n'
FILES = {"_pack/__init__.py": "", "_pack/one.py": f"LINE = {LINE!r}\n"}
NAME = "plot_10_x"


def stored(text):
    """An output as a notebook keeps it from an earlier run."""
    return {"output_type": "stream", "name": "stdout", "text": [text]}


def zip_of(offered, **changed):
    """Write the zip of the page with what is offered beside it; None leaves a file out."""
    offers = {path.name: path.read_text() for path in offered.glob(f"{NAME}.[pi]*")}
    held = {"requirements.txt": "", "README.md": "", **offers, **FILES, **changed}
    with zipfile.ZipFile(offered / f"{NAME}.zip", "w") as archive:
        for name, text in held.items():
            if text is not None:
                archive.writestr(name, text)


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A site that offers one page, whose script needs a package."""
    examples, html = tmp_path / "examples", tmp_path / "html"
    offered, binder_folder = (
        html / "_downloads" / "abc",
        html / "notebooks" / "auto_examples",
    )
    offered.mkdir(parents=True)
    for name, text in FILES.items():
        for folder in (examples, binder_folder):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
    script = examples / f"{NAME}.py"
    script.write_text(SOURCE)
    (offered / script.name).write_text(guarded(SOURCE, script.name, ["_pack"], "here"))
    modules = {name: examples / name for name in FILES}
    lesson = {"cells": [cell(SOURCE.split("# %%\n")[1])], "metadata": {}}
    outputs = [[stored("an earlier run\n")]]
    notebook = standalone(lesson, modules, ["numpy==2"], outputs=outputs)
    for folder in (offered, binder_folder):
        (folder / f"{NAME}.ipynb").write_text(json.dumps(notebook))
    zip_of(offered)
    monkeypatch.setattr(downloads, "HTML", html)
    return script, offered


def test_whole_downloads_pass(site):
    assert downloads.try_page(site[0]) == LINE


def spoil_zip(offered):
    zip_of(offered, **{"_pack/__init__.py": None})


def spoil_script(offered):
    (offered / f"{NAME}.py").write_text("print(1)")


def spoil_notebook(offered, old="_pack/one.py", new="_pack/two.py"):
    path = offered / f"{NAME}.ipynb"
    path.write_text(path.read_text().replace(old, new))


def spoil_both_notebooks(offered, *words):
    spoil_notebook(offered, *words)
    zip_of(offered)


def spoil_text(offered):
    spoil_both_notebooks(offered, "LINE = ", "LINE =  ")


def spoil_lesson(offered):
    spoil_both_notebooks(offered, "print(LINE)", "print(1)")


def spoil_first_cell(offered):
    spoil_both_notebooks(offered, "import sysconfig", "import sysconfig; print(1)")


def spoil_binder(offered):
    (offered.parents[1] / "notebooks" / "auto_examples" / "_pack" / "one.py").write_text("")


def offer_twice(offered):
    (offered.parent / "def").mkdir()
    (offered.parent / "def" / f"{NAME}.zip").write_text("another")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (spoil_zip, r"plot_10_x.zip holds .*'_pack/one.py'.*, not .*'_pack/__init__.py'"),
        (spoil_script, "plot_10_x.py ran without its siblings"),
        (spoil_both_notebooks, r"writes .*'_pack/two.py'\], not .*'_pack/one.py'\]"),
        (spoil_text, r"plot_10_x.ipynb: \['_pack/one.py'\] are not those of plot_10_x.zip"),
        (spoil_lesson, "plot_10_x.ipynb holds another lesson than plot_10_x.py"),
        (spoil_first_cell, r"the first cell of plot_10_x.ipynb printed '1\\n'"),
        (spoil_notebook, "plot_10_x.ipynb is not that of plot_10_x.zip"),
        (
            spoil_binder,
            r"Binder's folder: \['_pack/one.py'\] are not those of plot_10_x.zip",
        ),
        (offer_twice, "2 different files plot_10_x.zip"),
    ],
)
def test_what_would_fail_a_reader_is_noticed(site, spoil, message):
    script, offered = site
    spoil(offered)
    with pytest.raises(ExampleError, match=message):
        downloads.try_page(script)


# ---------------------------------------------------------------- a stored output is not a run


def test_a_notebook_runs_alone_and_says_what_it_gives_now(site, tmp_path):
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(site[1] / f"{NAME}.ipynb", alone)
    ran = run_alone([downloads.NOTEBOOK, f"{NAME}.ipynb"], alone)
    assert ran.stdout == f"{LINE}\n"  # not the earlier run


def test_what_a_notebook_gave_before_is_forgotten(site, tmp_path):
    folder = tmp_path / "html"
    published = folder / "notebooks" / "auto_examples" / f"{NAME}.ipynb"
    before = published.read_bytes()
    assert b"an earlier run" in before
    place = folder / binder.put_alone(NAME, folder)
    assert [path.name for path in place.parent.iterdir()] == [place.name]
    with pytest.raises(ExampleError, match="2 of 2 cells did not run"):
        binder.outcome(place)
    assert published.read_bytes() == before
    sources = [
        [cell["source"] for cell in json.loads(text)["cells"]]
        for text in (before, place.read_bytes())
    ]
    assert sources[0] == sources[1]


def test_a_cell_that_is_not_run_is_noticed(tmp_path, monkeypatch):
    notebook = {"cells": [cell("1") | {"execution_count": 1}], "metadata": {}}
    path = tmp_path / "n.ipynb"
    path.write_text(json.dumps({**notebook, "nbformat": 4, "nbformat_minor": 4}))
    monkeypatch.setattr(run_notebook.NotebookClient, "execute", lambda client: None)
    with pytest.raises(SystemExit, match="1 of 1 cells did not run"):
        run_notebook.main(path)


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

    def write(**files):
        with zipfile.ZipFile(path, "w") as archive:
            archive.write(offered / script.name, script.name)
            for name, text in files.items():
                archive.writestr(name, text)

    write(**FILES)
    assert downloads.try_gallery("python", [script]) == LINE
    wrong = r"auto_examples_python.zip: \['_pack/one.py'\] are not those of plot_10_x.zip"
    write(**{**FILES, "_pack/one.py": "LINE = 'another'"})
    with pytest.raises(ExampleError, match=wrong):
        downloads.try_gallery("python", [script])
    write(**{"_pack/__init__.py": ""})
    with pytest.raises(ExampleError, match=wrong):
        downloads.try_gallery("python", [script])
