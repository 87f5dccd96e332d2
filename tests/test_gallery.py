"""The gallery extension, on a site of one tiny page built for real."""

import hashlib
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from _helpers.gallery import ROOT, plain_text, write_zip

CONF = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
project = "mini"
extensions = ["sphinx_gallery.gen_gallery", "_helpers.gallery"]
html_theme = "pydata_sphinx_theme"
sphinx_gallery_conf = {{
    "examples_dirs": "../examples", "gallery_dirs": "auto_examples",
    "filename_pattern": "/plot_", "ignore_pattern": "(^|/)_",
    "image_scrapers": ("_helpers.gallery.scraper",), "write_computation_times": False,
    "binder": {{"org": "o", "repo": "r", "branch": "gh-pages",
               "binderhub_url": "https://mybinder.org", "dependencies": [{str(ROOT / "requirements.txt")!r}],
               "use_jupyter_lab": True}},
}}
"""
PAGE = '''"""
Mini
====

A page that says enough words to become the description of this page.
"""
# %%
# Text with :func:`a role <print>` and :class:`~pathlib.Path`.
import matplotlib.pyplot as plt
from _one import VALUE

fig, ax = plt.subplots()
ax.plot([0, VALUE])
fig.set_label("A line, with \\"quotes\\" & more.")
print("value", VALUE)
'''


def build(site):
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "-b", "html", "docs", "html"]
    return subprocess.run(command, cwd=site, capture_output=True, text=True)


def make_site(folder):
    (folder / "examples").mkdir(parents=True)
    (folder / "docs").mkdir()
    (folder / "docs" / "conf.py").write_text(CONF)
    (folder / "docs" / "index.rst").write_text(
        "Mini\n====\n\n.. toctree::\n\n   auto_examples/index\n"
    )
    (folder / "examples" / "GALLERY_HEADER.rst").write_text("Gallery\n=======\n")
    (folder / "examples" / "plot_mini.py").write_text(PAGE)
    (folder / "examples" / "_one.py").write_text("from _two import VALUE\n")
    (folder / "examples" / "_two.py").write_text("VALUE = 1\n")
    (folder / "examples" / "_unused.py").write_text("")
    return folder


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = make_site(tmp_path_factory.mktemp("site") / "mini")
    done = build(folder)
    assert done.returncode == 0, done.stderr
    return folder


def html(site):
    return (site / "html" / "auto_examples" / "plot_mini.html").read_text("utf-8")


def test_zip_is_complete_and_runs_alone(site, tmp_path):
    with zipfile.ZipFile(site / "docs" / "auto_examples" / "plot_mini.zip") as archive:
        archive.extractall(tmp_path)
    names = {p.name for p in tmp_path.iterdir()}
    assert names == {
        "plot_mini.py",
        "plot_mini.ipynb",
        "_one.py",
        "_two.py",
        "requirements.txt",
    }
    command = [sys.executable, "plot_mini.py"]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, env={"MPLBACKEND": "Agg"}
    )
    assert done.stdout == "value 1\n", done.stderr


def test_whole_gallery_zips(site):
    for kind, page in (("python", "plot_mini.py"), ("jupyter", "plot_mini.ipynb")):
        with zipfile.ZipFile(
            site / "docs" / "auto_examples" / f"auto_examples_{kind}.zip"
        ) as archive:
            assert set(archive.namelist()) == {
                page,
                "_one.py",
                "_two.py",
                "requirements.txt",
            }


def test_notebook_speaks_no_sphinx(site):
    notebook = json.loads(
        (site / "docs" / "auto_examples" / "plot_mini.ipynb").read_text("utf-8")
    )
    text = "".join(
        "".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "markdown"
    )
    assert "Text with `a role` and `Path`." in text


def test_figure_is_an_svg_with_its_words_and_its_size(site):
    page = html(site)
    assert 'alt="A line, with &quot;quotes&quot; &amp; more."' in page
    assert "sphx_glr_plot_mini_001.svg" in page
    assert "width: 614px" in page
    assert 'tabindex="0" role="group" aria-label="Figure"' in page
    assert (site / "docs/auto_examples/images/thumb/sphx_glr_plot_mini_thumb.png").is_file()


def test_cards_of_the_gallery_have_a_name(site):
    page = (site / "html" / "auto_examples" / "index.html").read_text("utf-8")
    assert '<a class="reference internal" href="plot_mini.html" aria-label="Mini">' in page


def test_page_has_a_description(site):
    assert '<meta name="description" content="A page that says enough words' in html(site)


def test_binder_folder_matches_the_link_on_the_page(site):
    out = site / "html"
    assert "urlpath=lab/tree/notebooks/auto_examples/plot_mini.ipynb" in html(site)
    folder = out / "notebooks" / "auto_examples"
    assert {p.name for p in folder.iterdir() if p.is_file()} >= {
        "plot_mini.ipynb",
        "_one.py",
        "_two.py",
    }
    assert (out / "binder" / "postBuild").stat().st_mode & 0o111
    assert (out / "binder" / "cpu_torch.py").is_file()
    assert (out / "binder" / "runtime.txt").read_text() == "python-3.11\n"
    pins = (out / "binder" / "requirements.txt").read_text()
    assert pins.startswith("--extra-index-url ")
    assert (ROOT / "requirements.txt").read_text() in pins


def test_a_changed_sibling_runs_the_page_again_and_an_unchanged_one_does_not(site):
    rst = site / "docs" / "auto_examples" / "plot_mini.rst"
    before = rst.stat().st_mtime_ns
    assert build(site).returncode == 0
    assert rst.stat().st_mtime_ns == before
    (site / "examples" / "_two.py").write_text("VALUE = 2\n")
    done = build(site)
    assert done.returncode == 0, done.stderr
    assert "value 2" in html(site)


def test_figure_without_words_stops_the_build(tmp_path):
    folder = make_site(tmp_path / "mini")
    page = folder / "examples" / "plot_mini.py"
    page.write_text(PAGE.replace("fig.set_label", "str"))
    done = build(folder)
    assert done.returncode != 0
    assert "plot_mini.py has no alt text: call fig.set_label" in done.stderr


def test_zips_depend_on_their_contents_only(tmp_path):
    (tmp_path / "a.py").write_text("1")
    (tmp_path / "b.py").write_text("2")
    digests = []
    for name, order in (("one", "ab"), ("two", "ba")):
        path = tmp_path / f"{name}.zip"
        write_zip(path, {f"{c}.py": tmp_path / f"{c}.py" for c in order})
        digests.append(hashlib.sha256(path.read_bytes()).hexdigest())
        (tmp_path / "a.py").touch()
    assert digests[0] == digests[1]
    assert not list(tmp_path.glob("*.tmp"))


@pytest.mark.parametrize(
    ("rst", "plain"),
    [
        (":class:`~braindecode.models.ShallowFBCSPNet`", "`ShallowFBCSPNet`"),
        (":func:`scipy.stats.bootstrap`", "`scipy.stats.bootstrap`"),
        (":doc:`references page </references>`", "`references page`"),
        (":cite:p:`brookshire2024leakage`", "`brookshire2024leakage`"),
        ("plain `code` and a:b", "plain `code` and a:b"),
    ],
)
def test_roles_become_words(rst, plain):
    assert plain_text(rst) == plain


def test_every_page_of_the_site_is_edited_where_it_is_written(monkeypatch, tmp_path):
    """The link template of conf.py, rendered as the theme does."""
    import importlib.util

    import jinja2

    for name in (
        "EEGDASH_CACHE_DIR",
        "HF_HUB_OFFLINE",
    ):  # conf.py sets them; put them back after
        monkeypatch.setenv(name, str(tmp_path))
    spec = importlib.util.spec_from_file_location("site_conf", ROOT / "docs" / "conf.py")
    conf = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(conf)
    template = jinja2.Template(conf.html_context["edit_page_url_template"])
    for page in [
        "index",
        "references",
        "auto_examples/index",
        "auto_examples/plot_73_finetune_pretrained_model",
    ]:
        url = template.render(pagename=page, file_name=f"{page}.rst")
        path = url.split("/edit/main/")[1]
        assert Path(ROOT / path).is_file(), url
