"""What travels with a download: text without Sphinx, notebooks that run alone, one-line cures."""

import ast
import json
import re
import shlex
import subprocess
import sys
from types import SimpleNamespace

import nbformat
import pytest
from pybtex.database import parse_file
from sphinx_gallery.gen_gallery import DEFAULT_GALLERY_CONF
from sphinx_gallery.notebook import jupyter_notebook
from sphinx_gallery.py_source_parser import split_code_and_text_blocks

from _helpers.notebooks import (
    ALL_FOLDED,
    CPU_TORCH,
    FOLDED,
    answer_cell,
    guarded,
    literal,
    outputs_of,
    plain_text,
    readme,
    standalone,
)
from _helpers.pages import ROOT, travels, tutorials
from tools import PRIVATE

SITE = "https://example.org/site/"


@pytest.fixture(scope="module")
def bibliography():
    return parse_file(str(ROOT / "refs.bib"))


@pytest.mark.parametrize(
    ("rst", "plain"),
    [
        (":class:`~braindecode.models.ShallowFBCSPNet`", "`ShallowFBCSPNet`"),
        (":func:`scipy.stats.bootstrap`", "`scipy.stats.bootstrap`"),
        (":py:func:`a title <print>`", "`a title`"),
        (":term:`p-factor`", "p-factor"),
        (":tag:`p-factor`", "p-factor"),
        (
            ":doc:`references page </references>`",
            f"[references page]({SITE}references.html)",
        ),
        (
            ":cite:p:`brookshire2024leakage`",
            "([Brookshire et al., 2024](https://doi.org/10.3389/fnins.2024.1373515))",
        ),
        (
            ":cite:t:`zyma2019arithmetic`",
            "[Zyma et al. (2019)](https://doi.org/10.3390/data4010014)",
        ),
        ("plain `code` and a:b", "plain `code` and a:b"),
        ("[peft](https://x.org/y)_ installed", "[peft](https://x.org/y) installed"),
    ],
)
def test_roles_become_words(rst, plain, bibliography):
    assert plain_text(rst, bibliography, SITE) == plain


def test_every_work_has_a_short_name(bibliography):
    for key in bibliography.entries:
        words = plain_text(f":cite:t:`{key}`", bibliography)
        assert words.startswith("[")
        assert "{" not in words, words


def cell(kind, text):
    extra = {"outputs": [], "execution_count": None} if kind == "code" else {}
    return {"cell_type": kind, "metadata": {}, "source": [text], **extra}


LESSON = [
    cell("markdown", "# Title\n\n.. admonition:: Learn\n   :class: tip\n\n   - this;\n   - that.\n\nYou need: x.\n"),
    cell("markdown", "Words"),
    cell("code", "import _one\nprint(_one.VALUE)"),
    cell("markdown", ".. raw:: html\n\n   <details><summary>Solution: four</summary>\n"),
    cell("code", "print(4)"),
    cell("markdown", ".. raw:: html\n\n   </details>\n"),
    cell("code", "print(5)"),
]  # fmt: skip


def notebook_of(cells, folder, files, **given):
    """A notebook that carries these files, path and text."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    modules = {name: folder / name for name in files}
    content = standalone({"cells": cells, "metadata": {}}, modules, ["numpy==2"], **given)
    nbformat.validate(nbformat.from_dict(content))
    return content["cells"], ["".join(c["source"]) for c in content["cells"]]


def test_one_folded_cell_stands_before_the_lesson(tmp_path):
    files = {"_one.py": "VALUE = 3\n", "_pack/__init__.py": "", "_pack/deep/two.py": "\n"}
    cells, texts = notebook_of(LESSON, tmp_path, files)
    assert "> **Learn**\n>\n> - this;\n> - that.\n\nYou need: x." in texts[0]
    assert "pip install numpy==2" in texts[1]
    assert texts[2].startswith("#@title Run this cell first")
    assert '"numpy": "numpy==2"' in texts[2]
    assert "modules[\"_one.py\"] = r'''VALUE = 3\n'''" in texts[2]
    assert texts[3:5] == ["Words", "import _one\nprint(_one.VALUE)"]
    assert texts[5] == "**Solution: four** (the next cell is folded: open it)"
    assert texts[6] == "#@title Solution: four\nprint(4)"
    code = [c for c in cells if c["cell_type"] == "code"]
    assert [c["metadata"] for c in code] == [FOLDED, {}, ALL_FOLDED, {}]
    assert "raw:: html" not in json.dumps(cells)


def test_a_cell_is_folded_in_three_places():
    """The names are those of JupyterLab's nbformat, of Colab and of Kaggle."""
    for folded in (FOLDED, ALL_FOLDED):
        assert folded["jupyter"]["source_hidden"] is True
        assert folded["cellView"] == "form"
        assert folded["_kg_hide-input"] is True
    assert ALL_FOLDED["jupyter"]["outputs_hidden"] is True
    assert ALL_FOLDED["_kg_hide-output"] is True


HARD = {
    "_pack/__init__.py": "",
    "_pack/deep/__init__.py": '"""Two quotes: \'\'\' and \\"."""\n',
    "_pack/deep/words.py": "WORDS = '''%%writefile x\n!ls\n{{ no_template }}\n'''\n",
    "_both.py": "A = '''1'''\nB = \"\"\"2\"\"\"\n",
    "_windows.py": "A = 1\r\nB = 2\r\n",
    "_no_end.py": "A = 'x'",
    "_slash.py": "# \\",
    "_letters.py": "MICRO = '\N{MICRO SIGN}V \N{GREEK SMALL LETTER ALPHA}'\n",
}


def run_first_cell(texts, folder, before=""):
    """Run the first code cell as IPython does, in a folder; what it printed."""
    code = f"{before}\nfrom IPython.core.interactiveshell import InteractiveShell\n"
    code += f"InteractiveShell().run_cell({texts[2]!r}).raise_error()"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_first_cell_writes_every_byte_and_only_what_is_not_there(tmp_path):
    source, folder = tmp_path / "source", tmp_path / "folder"
    folder.mkdir()
    _, texts = notebook_of([cell("markdown", "# T"), cell("code", "1")], source, HARD)
    assert run_first_cell(texts, folder) == ""
    written = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*.*")}
    assert written.keys() == HARD.keys()
    for name, path in written.items():
        assert path.read_bytes() == HARD[name].encode(), name
    dates = {name: path.stat().st_mtime_ns for name, path in written.items()}
    written["_both.py"].write_text("another edition")
    said = "_both.py was another text: kept as _both.py.before\n"
    assert run_first_cell(texts, folder) == said
    assert (folder / "_both.py.before").read_text() == "another edition"
    assert written["_both.py"].read_bytes() == HARD["_both.py"].encode()
    kept = [n for n, path in written.items() if path.stat().st_mtime_ns == dates[n]]
    assert {*kept, "_both.py"} == HARD.keys()


def test_the_modules_can_be_imported_wherever_the_folder_is_not_on_the_path(tmp_path):
    files = {"_pack/__init__.py": "", "_pack/deep.py": "VALUE = 3\n"}
    _, texts = notebook_of([cell("markdown", "# T"), cell("code", "1")], tmp_path, files)
    empty = tmp_path / "empty"
    empty.mkdir()
    texts[2] += "\nfrom _pack.deep import VALUE\nprint(VALUE)"
    without = "import sys\nsys.path = [p for p in sys.path if p]"
    assert run_first_cell(texts, empty, without) == "3\n"


def test_a_module_of_another_folder_is_not_taken_for_that_of_the_notebook(tmp_path):
    files = {"_pack/__init__.py": "", "_pack/deep.py": "VALUE = 3\n"}
    _, texts = notebook_of([cell("markdown", "# T"), cell("code", "1")], tmp_path, files)
    for name in ("here", "elsewhere/_pack"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "elsewhere" / "_pack" / "__init__.py").write_text("")
    before = f"import sys\nsys.path.insert(0, {str(tmp_path / 'elsewhere')!r})"
    with pytest.raises(AssertionError, match="_pack is taken from .*elsewhere"):
        run_first_cell(texts, tmp_path / "here", before)


def test_a_carried_text_can_be_read_and_is_the_same():
    for path in PRIVATE:
        text = literal(path.read_bytes())
        assert text.startswith("r"), path
        assert ast.literal_eval(text).encode() == path.read_bytes()
    for text in HARD.values():
        assert ast.literal_eval(literal(text.encode())) == text


# ------------------------------------------------------------------ a notebook read without a run

RST = """
.. rst-class:: sphx-glr-example-title

Title
=====

.. GENERATED FROM PYTHON SOURCE LINES 6-7

Words

.. GENERATED FROM PYTHON SOURCE LINES 8-9

.. code-block:: Python


    print(".. rst-class:: sphx-glr-script-out")




.. rst-class:: sphx-glr-script-out

 .. code-block:: none


    a table
      with  columns

    and a second part



.. GENERATED FROM PYTHON SOURCE LINES 10-12

.. code-block:: Python


    draw()



.. container:: figure-scroll

   .. image:: /images/a.svg
      :alt: A line.

   .. image:: /images/a_narrow.svg
      :alt: A line.



.. rst-class:: sphx-glr-script-out

 .. code-block:: none

    drawn




.. GENERATED FROM PYTHON SOURCE LINES 13-14

.. code-block:: Python


    quiet = 1



.. _sphx_glr_download_auto_examples_plot_x.py:
"""


def test_outputs_are_those_of_the_page(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a_notebook.png").write_bytes(b"a picture")
    figures = [{"file": "images/a.svg", "alt": "A line.", "width": 787}]
    shown = outputs_of(RST, figures, tmp_path)
    assert list(shown) == [6, 8, 10, 13]
    assert shown[6] == shown[13] == []
    (text,) = shown[8]
    printed = "\na table\n  with  columns\n\nand a second part\n"
    assert "".join(text["text"]) == printed
    text, picture = shown[10]
    assert (text["name"], text["text"]) == ("stdout", ["drawn\n"])
    assert picture["data"] == {"image/png": "YSBwaWN0dXJl", "text/plain": ["A line."]}
    assert picture["metadata"] == {"image/png": {"width": 787, "alt": "A line."}}


def test_a_notebook_keeps_its_answer_and_its_outputs_in_place(tmp_path):
    outputs = [[{"output_type": "stream", "name": "stdout", "text": [n]}] for n in "345"]
    answer = answer_cell("Yes: *a_b* < 2 [+1, +3].", "simulated", f"{SITE}page.html")
    given = {
        "answer": answer,
        "outputs": outputs,
        "questions": [("number a.b", "How many?")],
    }
    cells, texts = notebook_of(LESSON, tmp_path, {"_one.py": "VALUE = 3\n"}, **given)
    assert texts[1].startswith(r"> **Answer.** Yes: \*a\_b\* \< 2 [+1, +3].")
    assert f"> simulated data · [this page on the site]({SITE}page.html)" in texts[1]
    assert "compare with `a.b`" in texts[4]
    code = [c for c in cells if c["cell_type"] == "code"]
    assert [c["execution_count"] for c in code] == [1, 2, 3, 4]
    assert [c["outputs"] for c in code] == [[], *outputs]
    with pytest.raises(ValueError, match="3 code cells, but outputs of 2"):
        notebook_of(LESSON, tmp_path, {}, outputs=outputs[:2])


def test_a_notebook_that_was_not_run_says_so(tmp_path):
    cells, _ = notebook_of(LESSON, tmp_path, {"_one.py": "VALUE = 3\n"})
    code = [c for c in cells if c["cell_type"] == "code"]
    assert all(c["execution_count"] is None and not c["outputs"] for c in code)


def test_notebooks_of_the_gallery_speak_markdown(bibliography):
    """Every tutorial, converted as the build does it."""
    for script in tutorials():
        _, blocks = split_code_and_text_blocks(str(script))
        raw = jupyter_notebook(blocks, DEFAULT_GALLERY_CONF, str(script.parent))
        cited = {"bibliography": bibliography, "site": SITE}
        content = standalone(raw, travels(script), ["x"], **cited)
        nbformat.validate(nbformat.from_dict(content))
        text = "\n\n".join(
            "".join(c["source"]) for c in content["cells"] if c["cell_type"] == "markdown"
        )
        left = re.findall(r"^.*(?:^\.\. |:[a-z]+:`|`__?(?![\w`])|\)_\W).*$", text, re.M)
        assert not left, (script.name, left)
        first = [c["cell_type"] for c in content["cells"]].index("code")
        assert content["cells"][first]["metadata"] == FOLDED
        assert sum("#@title Run this" in str(c["source"]) for c in content["cells"]) == 1


def test_script_without_siblings_is_left_as_it_is():
    assert (
        guarded('"""Title."""\nprint(1)\n', "plot_x.py", [], SITE)
        == '"""Title."""\nprint(1)\n'
    )


def test_guard_follows_the_docstring():
    text = guarded(
        '"""Title.\n\nMore.\n"""\n\n# %%\nprint(1)\n', "plot_x.py", ["_one"], SITE
    )
    assert text.startswith('"""Title.\n\nMore.\n"""\n\nimport importlib.util\n')
    compile(text, "plot_x.py", "exec")
    assert text.rstrip().endswith("plt.show()")


def test_the_cure_in_the_readme_removes_what_cannot_load(tmp_path):
    assert CPU_TORCH in readme("title", ["plot_x.py"])
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True
    )
    (packages,) = (tmp_path / "venv").rglob("site-packages")
    lib = packages / "torchaudio" / "lib"
    lib.mkdir(parents=True)
    (lib / "_torchaudio.abi3.so").touch()
    (lib / "other.so").touch()
    command = shlex.split(CPU_TORCH)
    command[0] = str(tmp_path / "venv" / "bin" / "python")
    for _ in range(2):  # harmless where there is nothing to mend
        subprocess.run(command, check=True)
        assert [path.name for path in lib.iterdir()] == ["other.so"]


def test_readme_of_notebooks_starts_jupyter():
    text = readme("All", ["plot_a.ipynb", "plot_b.ipynb"])
    assert "-r requirements.txt jupyterlab\njupyter lab plot_a.ipynb\n" in text
    assert "- `plot_b.ipynb`" in text


def test_the_first_cell_installs_what_is_missing_and_mends_torchaudio(
    tmp_path, monkeypatch
):
    pins = ["numpy==2.0", "scikit-learn==1.9", "no-such-thing==1.0"]
    (tmp_path / "_one.py").write_text("VALUE = 3\n")
    modules = {"_one.py": tmp_path / "_one.py"}
    content = standalone({"cells": [cell("code", "1")], "metadata": {}}, modules, pins)
    text = "".join(content["cells"][1]["source"])
    monkeypatch.chdir(tmp_path)
    assert '"sklearn": "scikit-learn==1.9"' in text
    lib = tmp_path / "torchaudio" / "lib"
    lib.mkdir(parents=True)
    ran = []
    monkeypatch.setattr("subprocess.run", lambda words, **how: ran.append(words))
    monkeypatch.setattr("sysconfig.get_paths", lambda: {"platlib": str(tmp_path)})
    for cuda, left in (("12.8", 1), (None, 0)):
        (lib / "_torchaudio.abi3.so").touch()
        torch = SimpleNamespace(version=SimpleNamespace(cuda=cuda))
        monkeypatch.setitem(sys.modules, "torch", torch)
        exec(text, {})
        assert len([*lib.iterdir()]) == left
    assert [words[-1] for words in ran] == ["no-such-thing==1.0"] * 2
    exec(text.replace('    "no_such_thing": "no-such-thing==1.0",\n', ""), {})
    assert len(ran) == 2  # nothing is missing


def test_the_container_runs_the_line_of_the_readme():
    container = json.loads(
        (ROOT / ".devcontainer" / "devcontainer.json").read_text("utf-8")
    )
    assert (
        container["postCreateCommand"]
        in (ROOT / "README.md").read_text("utf-8").splitlines()
    )
