"""The gallery extension, on a site of one tiny page built for real."""

import base64
import csv
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import types
import zipfile
from pathlib import Path

import pytest
import yaml
from fontTools.ttLib import TTFont
from PIL import Image
from sphinx.errors import ExtensionError
from sphinx_gallery.py_source_parser import split_code_and_text_blocks

from _helpers import gallery, icons
from _helpers.contracts import CONTRACTS
from _helpers.filters import say
from _helpers.gallery import write_zip
from _helpers.pages import DOCS, EXAMPLES, ROOT, travels, tutorials
from _helpers.site import prune_tags, tag_index, write_results

NOTEBOOK = str(Path(__file__).with_name("run_notebook.py"))
CONF = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
project = "mini"
extensions = ["sphinx_gallery.gen_gallery", "sphinxext.opengraph", "_helpers"]
html_theme = "pydata_sphinx_theme"
html_baseurl = ogp_site_url = "https://example.org/mini/"
sphinx_gallery_conf = {{
    "examples_dirs": "../examples", "gallery_dirs": "auto_examples",
    "filename_pattern": "/plot_", "ignore_pattern": "(^|/)_",
    "image_scrapers": ("_helpers.gallery.scraper",), "write_computation_times": False,
    "parallel": 2, "reset_modules": ("matplotlib", "_helpers.gallery.start_as_a_script_does"),
    "binder": {{"org": "o", "repo": "r", "branch": "gh-pages",
               "binderhub_url": "https://mybinder.org", "dependencies": [{str(ROOT / "requirements.txt")!r}],
               "use_jupyter_lab": True}},
}}
"""
PAGE = '''"""
Mini
====

A page that says enough words to become the description of this page & of no other.

Tags: :tag:`one thing`, :tag:`another`
"""
# %%
# Text with :func:`a role <print>` and :class:`~pathlib.Path`, and x < y.
import matplotlib.pyplot as plt
from _one import VALUE
from _pack.deep.inner import TWICE

fig, ax = plt.subplots()
ax.plot([0, VALUE])
fig.set_label("A line, with \\"quotes\\" & more.")
print("value", VALUE)
print("twice", TWICE)
contract = {"value": (VALUE, 0.5)}
'''


#: What the page imports, a package in a package with it, and what it does not.
MODULES = {
    "_one.py": "from _two import VALUE\n",
    "_two.py": "VALUE = 1\n",
    "_pack/__init__.py": '"""A package."""\n',
    "_pack/deep/__init__.py": '"""Another, in it."""\n',
    "_pack/deep/inner.py": "from _two import VALUE\n\nTWICE = 2 * VALUE\n",
}
UNUSED = {
    "_unused.py": "",
    "_pack/unused.py": "",
    "_other/__init__.py": "",
    "_study/catalogue.py": "",
    "_study/simulated/write.py": "",
}


def build(site, how="-q"):
    command = [sys.executable, "-m", "sphinx", how, "-W", "-b", "html", "docs", "html"]
    return subprocess.run(command, cwd=site, capture_output=True, text=True)


def make_site(folder):
    (folder / "examples").mkdir(parents=True)
    (folder / "docs").mkdir()
    (folder / "docs" / "conf.py").write_text(CONF)
    (folder / "docs" / "index.rst").write_text(
        "Mini\n====\n\n.. toctree::\n\n   auto_examples/index\n   tags\n"
    )
    (folder / "docs" / "tags.rst").write_text("Tags\n====\n\n.. tag-index::\n")
    (folder / "examples" / "GALLERY_HEADER.rst").write_text("Gallery\n=======\n")
    (folder / "examples" / "plot_mini.py").write_text(PAGE)
    for name, text in {**MODULES, **UNUSED}.items():
        path = folder / "examples" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = make_site(tmp_path_factory.mktemp("site") / "mini")
    done = build(folder)
    assert done.returncode == 0, done.stderr
    return folder


def html(site):
    return (site / "html" / "auto_examples" / "plot_mini.html").read_text("utf-8")


def files_of(folder):
    """Paths of files from a folder."""
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def run(words, folder):
    """Run Python in a folder, without a screen."""
    environment = {"MPLBACKEND": "Agg", "PYTHONDONTWRITEBYTECODE": "1", "HOME": str(folder)}
    command = [sys.executable, *words]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, env=environment
    )


def test_zip_is_complete_and_runs_alone(site, tmp_path):
    with zipfile.ZipFile(site / "docs" / "auto_examples" / "plot_mini.zip") as archive:
        archive.extractall(tmp_path)
    beside = {"README.md", "plot_mini.py", "plot_mini.ipynb", "requirements.txt"}
    assert files_of(tmp_path) == beside | MODULES.keys()
    for name, text in MODULES.items():  # two files are called __init__.py
        assert (tmp_path / name).read_text() == text
    assert "python plot_mini.py" in (tmp_path / "README.md").read_text()
    done = run(["plot_mini.py"], tmp_path)
    assert done.stdout == "value 1\ntwice 2\n", done.stderr


def test_the_notebook_runs_alone_and_leaves_the_modules(site, tmp_path):
    shutil.copy(site / "docs" / "auto_examples" / "plot_mini.ipynb", tmp_path)
    done = run([NOTEBOOK, "plot_mini.ipynb"], tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "value 1\ntwice 2\n"
    for name, text in MODULES.items():
        assert (tmp_path / name).read_text() == text
    written = {name for name in files_of(tmp_path) if name.startswith("_")}
    assert written == MODULES.keys()


def test_the_notebook_leaves_the_folder_of_the_zip_as_it_is(site, tmp_path):
    with zipfile.ZipFile(site / "docs" / "auto_examples" / "plot_mini.zip") as archive:
        archive.extractall(tmp_path)
    dates = {name: (tmp_path / name).stat().st_mtime_ns for name in files_of(tmp_path)}
    assert run([NOTEBOOK, "plot_mini.ipynb"], tmp_path).stdout.startswith("value 1")
    assert {name: (tmp_path / name).stat().st_mtime_ns for name in dates} == dates


def test_the_notebook_is_read_without_a_run(site):
    path = site / "docs" / "auto_examples" / "plot_mini.ipynb"
    cells = json.loads(path.read_text("utf-8"))["cells"]
    first, lesson = [cell for cell in cells if cell["cell_type"] == "code"]
    assert (first["execution_count"], first["outputs"]) == (1, [])
    assert lesson["execution_count"] == 2
    text, picture = lesson["outputs"]
    assert "".join(text["text"]) == "value 1\ntwice 2\n"
    assert picture["data"]["text/plain"] == ['A line, with "quotes" & more.']
    png = base64.b64decode(picture["data"]["image/png"])
    with Image.open(io.BytesIO(png)) as shown:
        assert shown.format == "PNG"
        assert shown.width > picture["metadata"]["image/png"]["width"] == 614
    assert len(png) < 30_000
    assert not any("Answer" in str(cell["source"]) for cell in cells)  # it promised none


def test_the_notebook_of_a_page_that_promises_says_the_answer(site, monkeypatch):
    reference = json.loads((ROOT / "docs" / "reference" / "plot_73.json").read_bytes())
    folder = site / "docs" / "auto_examples"
    gave = json.loads((folder / "plot_mini.json").read_bytes())
    gave["contract"] = reference["contract"]
    script = site / "plot_73_x.py"
    shutil.copy(folder / "plot_mini.rst", script.with_suffix(".rst"))
    script.with_suffix(".json").write_text(json.dumps(gave))
    _, blocks = split_code_and_text_blocks(str(site / "examples" / "plot_mini.py"))
    app = types.SimpleNamespace(srcdir=site / "docs")
    about = gallery._gave(app, script, blocks, "https://example.org/plot_73_x.html")
    promise = CONTRACTS["plot_73"]
    assert about["questions"] == promise.asked()
    said = say(promise.headline, reference["contract"])
    assert about["answer"].replace("\\", "").startswith(f"> **Answer.** {said}\n")


def test_lone_script_says_what_it_misses_before_it_starts(site, tmp_path):
    shutil.copy(site / "docs" / "auto_examples" / "plot_mini.py", tmp_path)
    done = run(["plot_mini.py"], tmp_path)
    assert done.returncode == 1
    assert done.stderr == (
        "plot_mini.py needs _one, _pack, _two beside it.\nTake the zip of its page, which holds "
        "them all: https://example.org/mini/auto_examples/plot_mini.html\n"
    )


def test_whole_gallery_zips(site):
    for kind, page in (("python", "plot_mini.py"), ("jupyter", "plot_mini.ipynb")):
        path = site / "docs" / "auto_examples" / f"auto_examples_{kind}.zip"
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
        assert names == {page, "README.md", "requirements.txt"} | MODULES.keys()


def test_figure_is_an_svg_with_its_words_and_its_size(site):
    page = html(site)
    assert 'alt="A line, with &quot;quotes&quot; &amp; more."' in page
    assert "sphx_glr_plot_mini_001.svg" in page
    assert "width: 614px" in page
    assert 'tabindex="0" role="group" aria-label="Figure"' in page
    assert (
        site / "docs/auto_examples/images/thumb/sphx_glr_plot_mini_thumb.webp"
    ).is_file()


def test_binder_folder_matches_the_link_on_the_page(site):
    out = site / "html"
    assert "urlpath=lab/tree/notebooks/auto_examples/plot_mini.ipynb" in html(site)
    folder = out / "notebooks" / "auto_examples"
    for name, text in MODULES.items():
        assert (folder / name).read_text() == text
    published = (folder / "plot_mini.ipynb").read_bytes()
    assert published == (site / "docs/auto_examples/plot_mini.ipynb").read_bytes()
    assert (out / "binder" / "postBuild").stat().st_mode & 0o111
    assert (out / "binder" / "cpu_torch.py").is_file()
    assert (out / "binder" / "runtime.txt").read_text() == "python-3.11\n"
    pins = (out / "binder" / "requirements.txt").read_text()
    assert pins.startswith("--extra-index-url ")
    assert (ROOT / "requirements.txt").read_text() in pins


def test_a_changed_sibling_runs_the_page_again_and_an_unchanged_one_does_not(site):
    folder = site / "docs" / "auto_examples"
    parts = [
        path for path in folder.rglob("*") if path.suffix != ".json" and path.is_file()
    ]
    before = [path.stat().st_mtime_ns for path in parts]
    kept = (folder / "plot_mini.ipynb").read_bytes()
    done = build(site, "-v")
    assert done.returncode == 0, done.stderr
    assert [path.stat().st_mtime_ns for path in parts] == before
    assert "0 added, 0 changed, 0 removed" in done.stdout
    assert b"value 1" in kept  # of a page that was not run again, too
    (site / "examples" / "_pack" / "deep" / "inner.py").write_text("TWICE = 22\n")
    (site / "examples" / "_two.py").write_text("VALUE = 2\n")
    done = build(site)
    assert done.returncode == 0, done.stderr
    assert "value 2" in html(site)
    assert "twice 22" in html(site)
    assert b"twice 22" in (folder / "plot_mini.ipynb").read_bytes()


def test_a_page_whose_picture_is_gone_runs_again(site):
    folder = site / "docs" / "auto_examples"
    conf = {"examples_dirs": "../examples", "gallery_dirs": "auto_examples"}
    config = types.SimpleNamespace(sphinx_gallery_conf=conf)
    app = types.SimpleNamespace(srcdir=site / "docs", config=config)
    md5 = folder / "plot_mini.py.md5"
    ran = md5.read_text()
    gallery.forget_stale_runs(app)
    assert md5.is_file()
    (picture,) = (folder / "images").glob("*_notebook.png")
    drawn = picture.read_bytes()
    picture.unlink()
    gallery.forget_stale_runs(app)
    assert not md5.is_file()  # what sphinx-gallery takes for a page that has not run
    picture.write_bytes(drawn)
    md5.write_text(ran)


def test_a_changed_comment_travels_and_runs_nothing(site, tmp_path):
    sibling, md5 = (
        site / "examples" / "_one.py",
        site / "docs/auto_examples/plot_mini.py.md5",
    )
    ran = md5.stat().st_mtime_ns
    words = '"""New words."""\n# And a comment.\nfrom _two import VALUE\n'
    sibling.write_text(words)
    done = build(site)
    assert done.returncode == 0, done.stderr
    assert md5.stat().st_mtime_ns == ran
    (shown,) = (site / "html" / "_downloads").rglob("plot_mini.zip")
    with zipfile.ZipFile(shown) as archive:
        assert archive.read("_one.py").decode() == words


def test_what_a_page_sees_of_its_siblings(tmp_path):
    page, sibling = tmp_path / "plot_it.py", tmp_path / "_one.py"

    def seen(prints, source):
        page.write_text(f"import inspect\nimport _one\n{prints}\n")
        sibling.write_text(source)
        return gallery.meaning(page, {sibling.name: sibling})

    source = (
        'def shown(x):\n    """Say."""\n    return x\n\n\ndef other(x):\n    return x\n'
    )
    in_shown = source.replace("    return x\n", "    # because\n    return x\n", 1)
    in_other = source + "    # because\n"
    words = source.replace("Say.", "Say it.")
    assert seen("", source) == seen("", in_shown) == seen("", in_other) == seen("", words)
    assert seen("", source) != seen("", source.replace("return x", "return -x"))
    prints = "inspect.getsource(_one.shown)"
    assert seen(prints, source) != seen(prints, in_shown)


def test_what_a_page_gave_is_beside_it(site):
    # Another test may have changed it, in the same process: tests run in any order.
    value = int((site / "examples" / "_two.py").read_text().split(" = ")[1])
    found = json.loads((site / "docs" / "auto_examples" / "plot_mini.json").read_text())
    assert found["figures"][0].pop("narrow") is None  # one panel only shrinks on a phone
    assert found == {
        "figures": [
            {
                "file": "auto_examples/images/sphx_glr_plot_mini_001.svg",
                "alt": 'A line, with "quotes" & more.',
                "width": 614,
                "height": 461,
                "numbers": False,
            }
        ],
        "contract": {"value": [value, 0.5]},
    }


def test_two_files_of_one_name_are_two_to_a_page(tmp_path):
    page = tmp_path / "plot_it.py"
    page.write_text("import _pack.deep\n")
    paths = {
        name: tmp_path / name for name in ("_pack/__init__.py", "_pack/deep/__init__.py")
    }
    seen = set()
    for texts in (("A = 1", "A = 2"), ("A = 2", "A = 1"), ("A = 1", "A = 1")):
        for path, text in zip(paths.values(), texts, strict=True):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        seen.add(gallery.meaning(page, paths))
    assert len(seen) == 3


# ---------------------------------------------------------------- the cache of simulated studies


def test_every_file_that_decides_the_simulated_bytes_is_a_writer():
    written = set((EXAMPLES / "_study" / "simulated").rglob("*.py"))
    written -= {EXAMPLES / "_study" / "simulated" / "spoil.py"}
    assert set(gallery.writers(EXAMPLES)) == written | {
        EXAMPLES / "_study" / "catalogue.py"
    }


def cache_of(examples, monkeypatch):
    """Where a build would keep the studies that these files write."""
    monkeypatch.delenv("EEGDASH_CACHE_DIR", raising=False)
    conf = types.SimpleNamespace(sphinx_gallery_conf={"examples_dirs": str(examples)})
    gallery.offline_and_simulated(types.SimpleNamespace(srcdir=examples, config=conf))
    return os.environ["EEGDASH_CACHE_DIR"]


def test_a_changed_writer_gives_another_cache_and_a_lost_one_stops_the_build(
    tmp_path, monkeypatch
):
    for name in ("HF_HUB_OFFLINE", "EEG_TUTORIAL_STUDY", "EEGDASH_CACHE_DIR"):
        monkeypatch.setenv(name, "kept for the other tests")
    examples = tmp_path / "examples"
    shutil.copytree(EXAMPLES / "_study", examples / "_study")
    caches = [cache_of(examples, monkeypatch)]
    for path in gallery.writers(examples):
        path.write_text(path.read_text("utf-8") + "# changed\n", "utf-8")
        caches.append(cache_of(examples, monkeypatch))
    assert len(set(caches)) == len(gallery.writers(EXAMPLES)) + 1
    for name in ("simulated/spoil.py", "find.py"):
        path = examples / "_study" / name
        path.write_text("# changed\n")
        assert cache_of(examples, monkeypatch) == caches[-1]
    (examples / "_study" / "simulated" / "another.py").write_text("")
    assert len(gallery.writers(examples)) == len(gallery.writers(EXAMPLES)) + 1
    (examples / "_study" / "simulated").rename(tmp_path / "moved")
    with pytest.raises(ExtensionError, match="simulated/.* is not there: it decides what"):
        gallery.writers(examples)


def test_the_code_of_windows_is_every_file_of_the_study(tmp_path, monkeypatch):
    """The digest follows the packages: an empty set of files, or one level of them, is a stale cache."""
    from _scale import files

    shutil.copytree(EXAMPLES / "_study", tmp_path / "_study")
    here = tmp_path / "files.py"
    shutil.copy(files.__file__, here)
    study = types.SimpleNamespace(__file__=str(tmp_path / "_study" / "__init__.py"))
    monkeypatch.setattr(files, "_study", study)
    monkeypatch.setattr(files, "__file__", str(here))
    fresh = files.code_digest.__wrapped__  # the digest of a process is kept
    rooms = [here, *sorted((tmp_path / "_study").rglob("*.py"))]
    assert len([path for path in rooms if path.parent.name == "simulated"]) > 3
    digests = {fresh()}
    for path in rooms:
        text = path.read_bytes()
        path.write_bytes(text + b"# changed")
        digests.add(fresh())
        path.write_bytes(text)
    assert fresh() in digests
    (tmp_path / "_study" / "simulated" / "new.py").write_text("# a new file")
    digests.add(fresh())
    assert len(digests) == len(rooms) + 2


def test_the_cache_of_ci_follows_nested_files():
    """The key of GitHub's cache names every file that travels, however deep it lies."""
    ci = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8"))
    (step,) = (s for s in ci["jobs"]["site"]["steps"] if "cache@" in s.get("uses", ""))
    patterns = re.findall(r"'([^']+)'", step["with"]["key"])
    # With two stars GitHub finds files at every depth, Python's glob folders.
    patterns = [re.sub(r"\*\*$", "**/*", pattern) for pattern in patterns]
    named = {path for pattern in patterns for path in ROOT.glob(pattern)}
    travel = {
        path for script in tutorials() for path in (script, *travels(script).values())
    }
    assert any(len(path.relative_to(EXAMPLES).parts) > 2 for path in travel)
    assert not travel - named
    # What the build restores is found under the start of the key.
    assert step["with"]["key"].startswith(step["with"]["restore-keys"])


def test_the_readme_shows_the_figure_of_the_last_build():
    built = list((DOCS / "auto_examples" / "images").glob(gallery.FIGURE))
    if not built:
        pytest.skip("there is no build to compare with: nox -s docs")
    kept = DOCS / "_static" / gallery.PICTURE
    assert kept.read_bytes() == built[0].read_bytes(), "old: nox -s docs, and commit it"


def test_page_describes_itself(site):
    page = html(site)
    words = "A page that says enough words to become the description of this page &amp; of no other."
    assert f'<meta name="description" content="{words}">' in page
    assert '<meta property="og:description" content="A page that says enough words' in page
    picture = re.search(
        r'property="og:image" content="https://example.org/mini/([^"]+)"', page
    )
    assert (site / "html" / picture[1]).is_file()


def test_the_gallery_shows_its_own_cards_and_no_second_list(site):
    page = (site / "html" / "auto_examples" / "index.html").read_text("utf-8")
    assert "sphx-glr-thumbcontainer" not in page


def test_a_tag_of_one_page_is_gone(site):
    assert "one thing" not in html(site)
    assert "one thing" not in (site / "html" / "tags.html").read_text("utf-8")


def test_tags_of_two_pages_lead_to_both(tmp_path):
    (tmp_path / "auto_examples").mkdir()
    for name, tags in {"plot_1_a": ":tag:`x`, :tag:`y`", "plot_2_b": ":tag:`y`"}.items():
        (tmp_path / "auto_examples" / f"{name}.rst").write_text(f"Words.\n\nTags: {tags}\n")
    shown = tag_index(tmp_path)
    assert ".. rubric:: y" in shown
    assert ".. rubric:: x" not in shown
    assert "plot_1_a" in shown
    assert "plot_2_b" in shown
    source, app = (
        ["Words.\n\nTags: :tag:`x`, :tag:`y`\n"],
        types.SimpleNamespace(srcdir=tmp_path),
    )
    prune_tags(app, "auto_examples/plot_1_a", source)
    assert source == ["Words.\n\nTags: :tag:`y`\n"]


def test_machines_find_every_page_as_markdown(site):
    text = (site / "html" / "auto_examples" / "plot_mini.md").read_text("utf-8")
    assert "# Mini" in text
    assert "and x < y." in text
    assert "```python\nimport matplotlib.pyplot as plt\n" in text
    assert "```text\nvalue " in text
    assert "Go to the end" not in text
    lines = (site / "html" / "llms.txt").read_text("utf-8").splitlines()
    assert lines[0] == "# mini"
    links = [re.search(r"\((.*?)\)", line)[1] for line in lines if line.startswith("- ")]
    assert len(links) == 4
    for link in links:
        assert (site / "html" / link.removeprefix("https://example.org/mini/")).is_file()


def test_every_number_of_a_page_is_in_a_table_and_every_key_is_explained(tmp_path):
    pages = tmp_path / "auto_examples"
    pages.mkdir()
    reference = json.loads((ROOT / "docs" / "reference" / "plot_73.json").read_bytes())
    (pages / "plot_73_x.rst").write_text("")
    (pages / "plot_73_x.json").write_text(json.dumps({"contract": reference["contract"]}))
    html = types.SimpleNamespace(name="html")
    app = types.SimpleNamespace(builder=html, srcdir=tmp_path, outdir=tmp_path)
    write_results(app, RuntimeError("the build failed"))
    assert not (tmp_path / "results.csv").exists()
    write_results(app, None)
    with (tmp_path / "results.csv").open(newline="") as stream:
        rows = {row["key"]: row["value"] for row in csv.DictReader(stream)}
    assert (
        float(rows["accuracy.linear-probe"])
        == reference["contract"]["accuracy"]["linear-probe"]
    )
    assert (
        float(rows["gap_vs_scratch_ci.0"]) == reference["contract"]["gap_vs_scratch_ci"][0]
    )
    with (tmp_path / "results_keys.csv").open(newline="") as stream:
        keys = {row["key"]: row["meaning"] for row in csv.DictReader(stream)}
    assert {key.split(".")[0] for key in rows} == set(keys)
    assert all(keys.values())


def test_icon_fonts_hold_the_icons_of_the_pages_and_little_else(site):
    words = "".join(path.read_text("utf-8") for path in (site / "html").rglob("*.html"))
    shown = set(re.findall(r"fa-(?:solid|brands|regular) fa-([a-z-]+)", words))
    assert shown >= {"angle-left"}
    css = (site / "html" / "_static" / icons.STYLES).read_text("utf-8")
    assert len(css) < 0.9 * len(icons._style_sheet())
    held = set()
    for font in (site / "html" / "_static" / "vendor").rglob("*.woff2"):
        assert font.stat().st_size < 10_000
        held |= set(TTFont(font).getBestCmap())
    for name in shown:
        assert icons.named(name) in held, name
        assert re.search(rf"\.fa-{name}[,{{]", css), name


def test_card_shows_the_named_panels_or_the_first():
    import matplotlib.pyplot as plt

    from _figure_style import show_on_card

    fig, axes = plt.subplots(1, 3, figsize=(9, 3))
    assert gallery._card(fig)[1].x1 < 4
    show_on_card(axes[1])
    size, extent = gallery._card(fig)
    assert 2 < size < 4
    assert 2.5 < extent.x0 < extent.x1 < 6.5
    show_on_card(axes[1], axes[2])
    assert gallery._card(fig)[1].x1 > 7
    plt.close(fig)


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


def test_a_file_of_another_content_has_another_date(tmp_path):
    """Python trusts compiled code by date and size, also after a newer zip was unpacked."""
    dates = {}
    for text in ("x = 2.0", "x = 1.0", "x = 2.0"):
        (tmp_path / "a.py").write_text(text)
        write_zip(tmp_path / "it.zip", {"a.py": tmp_path / "a.py"})
        with zipfile.ZipFile(tmp_path / "it.zip") as archive:
            dates.setdefault(text, set()).add(archive.getinfo("a.py").date_time)
    assert all(len(own) == 1 for own in dates.values())
    assert len(set().union(*dates.values())) == 2


def test_every_page_of_the_site_is_edited_where_it_is_written():
    """The link template of conf.py, rendered as the theme does."""
    import importlib.util

    import jinja2

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
