"""The built site as readers use it: each download, each notebook in Binder. ``nox -s download binder``."""

import json
import os

import pytest
from filelock import FileLock

import binder
import downloads
from _helpers.contracts import parse
from _helpers.measure import Meter
from _helpers.pages import DOCS, HTML, short_name, tutorials
from _helpers.record import drift
from _helpers.show import tutorial

each_page = pytest.mark.parametrize("script", tutorials(), ids=lambda script: script.stem)


def contract_of(script):
    """What the page printed in the build."""
    return tutorial(DOCS, short_name(script))[1]["contract"]


@pytest.mark.download
@each_page
def test_the_zip_of_a_page_runs_and_its_notebook_holds_the_same(script):
    assert json.loads(downloads.try_page(script)) == contract_of(script)


@pytest.mark.download
@pytest.mark.parametrize("kind", ["python", "jupyter"])
def test_a_zip_of_the_gallery_holds_every_page(kind):
    assert downloads.try_gallery(kind, tutorials())


# First, because it takes longest: the other process builds Binder's environment beside it.
@pytest.mark.binder
def test_a_lone_notebook_installs_what_a_foreign_environment_misses(tmp_path):
    """As in Colab: the newest torch and the usual packages are there, Braindecode and EEGDash are not."""
    line, text = downloads.try_foreign("plot_73_finetune_pretrained_model.ipynb", tmp_path)
    print(text)
    assert parse(line).frozen_state_unchanged


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """JupyterLab in Binder's environment, a browser beside it, and a look at its memory."""
    from chromium import browser

    # Processes that run notebooks side by side share one environment: the first builds it.
    top = tmp_path_factory.getbasetemp()
    top = top.parent if "PYTEST_XDIST_WORKER" in os.environ else top
    folder = top / "binder"
    with FileLock(f"{folder}.lock"):
        environment = binder.build(HTML, folder)
    with (
        binder.jupyter_lab(folder, environment) as (base, process),
        browser(viewport={"width": 1300, "height": 900}) as context,
    ):
        meter = Meter(process.pid)
        meter.start()
        yield folder, base, context, meter


@pytest.mark.binder
@each_page
def test_a_notebook_runs_alone_in_binder(lab, script):
    line, n_figures, megabytes = binder.try_notebook(script, *lab)
    # Another build of torch and more threads: numbers stay within their bands.
    assert not drift(json.loads(line), contract_of(script))
    print(f"{n_figures} figures, {megabytes:.0f} MB, {line[:60]}...")
    assert n_figures
    assert megabytes <= binder.LIMIT_MB
