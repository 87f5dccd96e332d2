"""What travels with a download: text without Sphinx, notebooks that run alone, one-line cures."""

import json
import shlex
import subprocess
import sys

import nbformat
import pytest
from pybtex.database import parse_file

from _helpers.notebooks import CPU_TORCH, guarded, plain_text, readme, standalone
from _helpers.pages import ROOT

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


def test_notebook_carries_what_it_imports(tmp_path):
    (tmp_path / "_one.py").write_text("VALUE = 3\n")
    cells = [
        cell("markdown", "# Title\n\n.. admonition:: Learn\n   :class: tip\n\n   - this;\n   - that.\n\nYou need: x.\n"),
        cell("markdown", "Words"),
        cell("code", "import _one\nprint(_one.VALUE)"),
        cell("markdown", ".. raw:: html\n\n   <details><summary>Solution: four</summary>\n"),
        cell("code", "print(4)"),
        cell("markdown", ".. raw:: html\n\n   </details>\n"),
        cell("code", "print(5)"),
    ]  # fmt: skip
    content = standalone(
        {"cells": cells, "metadata": {}}, [tmp_path / "_one.py"], ["numpy==2"]
    )
    nbformat.validate(content)
    texts = ["".join(c["source"]) for c in content["cells"]]
    assert "> **Learn**\n>\n> - this;\n> - that.\n\nYou need: x." in texts[0]
    assert "pip install numpy==2" in texts[1]
    assert '"numpy": "numpy==2"' in texts[2]
    assert texts[3] == "%%writefile _one.py\nVALUE = 3"
    assert texts[6] == "**Solution: four** (the next cell is folded: open it)"
    folded = [
        c["metadata"].get("jupyter") == {"source_hidden": True} for c in content["cells"]
    ]
    assert [t for t, f in zip(texts, folded, strict=True) if f] == [*texts[2:4], "print(4)"]
    assert "raw:: html" not in json.dumps(content)


def test_notebooks_of_the_gallery_speak_markdown(bibliography):
    """Every tutorial, converted as the build does it."""
    import re

    from sphinx_gallery.gen_gallery import DEFAULT_GALLERY_CONF
    from sphinx_gallery.notebook import jupyter_notebook
    from sphinx_gallery.py_source_parser import split_code_and_text_blocks

    from _helpers.pages import siblings, tutorials

    for script in tutorials():
        _, blocks = split_code_and_text_blocks(str(script))
        raw = jupyter_notebook(blocks, DEFAULT_GALLERY_CONF, str(script.parent))
        content = standalone(raw, siblings(script), ["x"], bibliography, SITE)
        nbformat.validate(content)
        text = "\n\n".join(
            "".join(c["source"]) for c in content["cells"] if c["cell_type"] == "markdown"
        )
        left = re.findall(r"^.*(?:^\.\. |:[a-z]+:`|`__?(?![\w`])|\)_\W).*$", text, re.M)
        assert not left, (script.name, left)


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
    from types import SimpleNamespace

    pins = ["numpy==2.0", "scikit-learn==1.9", "no-such-thing==1.0"]
    (tmp_path / "_one.py").write_text("VALUE = 3\n")
    content = standalone(
        {"cells": [cell("code", "1")], "metadata": {}}, [tmp_path / "_one.py"], pins
    )
    text = next(
        "".join(c["source"]) for c in content["cells"] if "needs" in "".join(c["source"])
    )
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
