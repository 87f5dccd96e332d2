"""Sphinx configuration: short, with a reason beside each unusual line."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))  # for _helpers; tutorials never see it

# One constant to change in a fork that is not on GitHub Actions.
ORG, REPO = os.environ.get("GITHUB_REPOSITORY", "eegdash/eeg-transfer-tutorials").split("/")
SOURCE = f"https://github.com/{ORG}/{REPO}"

project = "EEG transfer tutorials"
author = "The EEG transfer tutorials authors"
copyright = f"2026, {author}"
language = "en"
extensions = [
    "sphinx.ext.githubpages",  # .nojekyll, so that _static is served
    "sphinx.ext.intersphinx",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
    "sphinx_sitemap",
    "sphinxcontrib.bibtex",
    "sphinxext.opengraph",
    "notfound.extension",
    "_helpers",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "inventories", "auto_examples/*.ipynb", "auto_examples/*.py"]
nitpicky = True
show_warning_types = True

# Small local inventories: the build needs no network, and an API that is named must be listed.
DOCS = {
    "braindecode": "https://braindecode.org/stable/",
    "captum": "https://captum.ai/api/",
    "distributed": "https://distributed.dask.org/en/stable/",
    "eegdash": "https://eegdash.org/",
    "mne": "https://mne.tools/stable/",
    "python": "https://docs.python.org/3/",
    "scipy": "https://docs.scipy.org/doc/scipy/",
    "sklearn": "https://scikit-learn.org/stable/",
    "torch": "https://docs.pytorch.org/docs/stable/",
}
intersphinx_mapping = {name: (url, f"inventories/{name}.inv") for name, url in DOCS.items()}

bibtex_bibfiles = ["../refs.bib"]
bibtex_reference_style = "author_year"
bibtex_default_style = "unsrt"
bibtex_cite_id = "ref-{key}"
bibtex_tooltips = False

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"/plot_",
    "ignore_pattern": r"(^|/)_",  # siblings travel, but are no pages
    "image_scrapers": ("_helpers.gallery.scraper",),
    "within_subsection_order": "FileNameSortKey",  # numbers in file names are the reading order
    "capture_repr": (),  # what a page shows, it prints: script, notebook and site agree
    "remove_config_comments": True,
    "show_signature": False,
    "write_computation_times": False,  # that page loads files from other sites
    "min_reported_time": 10**6,  # seconds in a build mean little; nox -s examples measures
    "parallel": os.cpu_count(),
    "reset_modules": ("matplotlib", "_helpers.gallery.start_as_a_script_does"),
    "reset_modules_order": "both",
    "binder": {
        "org": ORG,
        "repo": REPO,
        "branch": "gh-pages",
        "binderhub_url": "https://mybinder.org",
        "dependencies": ["../requirements.txt"],
        "use_jupyter_lab": True,
    },
}

copybutton_prompt_text = "$ "

html_theme = "pydata_sphinx_theme"
html_title = project
html_baseurl = f"https://{ORG}.github.io/{REPO}/"
ogp_site_url = html_baseurl
ogp_social_cards = {"line_color": "#006ca3"}  # a picture of its own words per page
ogp_type = "article"
sitemap_url_scheme = "{link}"
sitemap_excludes = ["search.html", "genindex.html", "404.html"]
notfound_urls_prefix = f"/{REPO}/"
LOST = (HERE / "_templates" / "lost.html").read_text("utf-8").replace("ROOT", f"/{REPO}")
notfound_context = {"title": "Page not found", "body": LOST}
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_search_scorer = str(HERE / "_static" / "search_scorer.js")
html_favicon = "_static/favicon.svg"
html_copy_source = False
html_show_sourcelink = False
PLAIN = (
    "index", "references", "evidence", "models", "benchmarks", "glossary", "write_a_tutorial", "tags",
    "status", "predictions", "explore",
)  # fmt: skip
html_sidebars = {page: [] for page in PLAIN}
html_context = {
    "published": f"{ORG}/{REPO}/blob/gh-pages/notebooks",
    "default_mode": "auto",
    # A tutorial is edited where it is written, not where the gallery generates it.
    "edit_page_url_template": f"{SOURCE}/edit/main/"
    "{% if pagename == 'auto_examples/index' %}examples/GALLERY_HEADER.rst"
    "{% elif pagename.startswith('auto_examples/') %}examples/{{ file_name[14:-4] }}.py"
    "{% else %}docs/{{ file_name }}{% endif %}",
    "edit_page_provider_name": "GitHub",
}
html_theme_options = {
    "logo": {"text": project},
    "use_edit_page_button": True,
    "icon_links": [{"name": "GitHub", "url": SOURCE, "icon": "fa-brands fa-github"}],
    "secondary_sidebar_items": [
        "page-toc",
        "sg_download_links",
        "sg_launcher_links",
        "edit-this-page",
    ],
    "show_prev_next": True,
    "footer_start": ["copyright"],
    "footer_end": [],
    "back_to_top_button": False,
}
