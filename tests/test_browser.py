"""The built site in a real browser: accessibility, weight, links, keyboard. ``nox -s browser``."""

import gzip
import re
import urllib.parse
from pathlib import Path

import pytest

from _helpers.pages import ROOT, tutorials

HTML = ROOT / "docs" / "_build" / "html"
PAGES = sorted(
    path.relative_to(HTML).as_posix()
    for path in HTML.rglob("*.html")
    if not {"_static", "notebooks", "_downloads"} & set(path.relative_to(HTML).parts)
)
TUTORIALS = [f"auto_examples/{script.stem}.html" for script in tutorials()]
SCREENS = {"light": (1280, "light"), "dark": (1280, "dark"), "phone": (390, "light")}
LIMIT_KIB = 250
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address():
    from _helpers.chromium import served

    assert (HTML / "index.html").is_file(), "there is no site yet: run nox -s docs first"
    with served(HTML) as base:
        yield base


@pytest.fixture(scope="module")
def context(address):
    from _helpers.chromium import browser

    with browser(permissions=["clipboard-read", "clipboard-write"]) as opened:
        yield opened


@pytest.fixture
def page(context):
    """A page that remembers what it asked for, what it got and what went wrong."""
    page = context.new_page()
    page.asked, page.errors, page.bodies = [], [], {}
    page.on("request", lambda r: page.asked.append(r.url))
    page.on("console", lambda m: page.errors.append(m.text) if m.type == "error" else None)
    page.on("response", lambda r: page.errors.append(r.url) if r.status >= 400 else None)
    page.on("pageerror", lambda e: page.errors.append(str(e)))
    yield page
    page.close()


def load_everything(page):
    page.evaluate("for (const image of document.images) image.loading = 'eager'")
    page.wait_for_load_state("networkidle")


def test_all_pages_are_looked_at():
    assert {"index.html", "search.html", "404.html", "status.html", *TUTORIALS} <= set(
        PAGES
    )


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("name", PAGES)
def test_page_is_accessible_and_keeps_to_itself(page, address, name, screen):
    from axe_playwright_python.sync_playwright import Axe

    width, colours = SCREENS[screen]
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=colours)
    # Links of a page that answers for any missing one begin at the root of the published site.
    root = re.search(r'href="(/[^"]+/)_static/', (HTML / "404.html").read_text("utf-8"))[1]
    page.route(f"**{root}**", lambda route: route.continue_(
        url=route.request.url.replace(root, "/", 1)))  # fmt: skip
    page.goto(address + name)
    load_everything(page)
    assert not page.errors
    foreign = [url for url in page.asked if not url.startswith((address, "data:"))]
    assert not foreign
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    # Last, because axe itself asks for style sheets.
    found = Axe().run(page).response["violations"]
    said = [(v["id"], v["impact"], [n["target"] for n in v["nodes"]][:3]) for v in found]
    assert not said


@pytest.mark.parametrize("name", TUTORIALS)
def test_tutorial_is_light(page, address, name, record_property):
    sizes = {}

    def weigh(response):
        if response.url.startswith(address):
            body = response.body()
            packed = response.url.split("?")[0].endswith((".woff2", ".png"))
            sizes[response.url] = len(body if packed else gzip.compress(body))

    page.on("response", weigh)
    page.goto(address + name)
    load_everything(page)
    kib = sum(sizes.values()) / 1024
    print(f"{name}: {kib:.0f} KiB in {len(sizes)} requests")
    assert kib <= LIMIT_KIB


@pytest.mark.parametrize("name", TUTORIALS)
def test_figures_have_words_and_stay_legible_on_a_phone(page, address, name):
    page.set_viewport_size({"width": 390, "height": 900})
    page.goto(address + name)
    load_everything(page)
    figures = page.locator(".figure-scroll img").all()
    assert figures
    for figure in figures:
        alt, source = figure.get_attribute("alt"), figure.get_attribute("src")
        assert source.endswith(".svg")
        assert len(alt.split()) > 10, alt
        size = figure.evaluate(
            "i => [i.naturalWidth, i.getBoundingClientRect().width, getComputedStyle(i).backgroundColor]"
        )
        assert size[1] >= 0.98 * size[0], (
            "the figure scrolls instead of shrinking its words"
        )
        assert size[2] == "rgb(255, 255, 255)"
        assert "width" in figure.get_attribute("style")
        assert "height" in figure.get_attribute("style")
    thumbnail = HTML / "_images" / f"sphx_glr_{Path(name).stem}_thumb.png"
    assert thumbnail.stat().st_size < 60_000


@pytest.mark.parametrize(
    ("words", "expected"), [("linear probe", "plot_73"), ("p-factor", "plot_80")]
)
def test_search_finds(page, address, words, expected):
    page.goto(f"{address}search.html?q={urllib.parse.quote_plus(words)}")
    page.wait_for_selector("#search-results li a")
    page.wait_for_load_state("networkidle")
    links = [a.get_attribute("href") for a in page.locator("#search-results li a").all()]
    assert any(expected in link for link in links), links
    assert not page.errors


def tab_to(page, test, limit=250):
    """Press Tab until the focused element passes a test written in JavaScript."""
    for _ in range(limit):
        page.keyboard.press("Tab")
        if page.evaluate(f"(e => {test})(document.activeElement)"):
            return
    raise AssertionError(f"no Tab leads to an element with {test}")


@pytest.fixture
def tutorial(page, address):
    page.set_viewport_size({"width": 1280, "height": 900})
    page.emulate_media(color_scheme="light")
    page.goto(address + TUTORIALS[1])
    page.wait_for_load_state("networkidle")
    return page


def test_theme_switch_by_keyboard(tutorial):
    for mode in ("dark", "light", "auto"):
        tab_to(tutorial, "e.matches('.theme-switch-button')")
        tutorial.keyboard.press("Enter")
        tab_to(tutorial, f"e.matches('.theme-change-button[data-mode={mode}]')", limit=5)
        tutorial.keyboard.press("Enter")
        root = tutorial.evaluate("({...document.documentElement.dataset})")
        assert root["mode"] == mode
        assert root["theme"] == (mode if mode != "auto" else "light")


def test_copy_button_by_keyboard(tutorial):
    tab_to(tutorial, "e.matches('button.copybtn')")
    tutorial.keyboard.press("Enter")
    tutorial.wait_for_timeout(300)
    copied = tutorial.evaluate("navigator.clipboard.readText()")
    shown = tutorial.locator("div.highlight pre").first.inner_text()
    assert copied.strip() == shown.strip()


@pytest.mark.parametrize(("link", "neighbour"), [("left-prev", 0), ("right-next", 2)])
def test_neighbours_by_keyboard(tutorial, address, link, neighbour):
    tab_to(tutorial, f"e.matches('a.{link}')")
    with tutorial.expect_navigation():
        tutorial.keyboard.press("Enter")
    assert tutorial.url.startswith(address + TUTORIALS[neighbour])


def test_sidebar_by_keyboard(tutorial, address):
    tab_to(tutorial, "e.closest('.bd-sidebar-primary nav') && e.href.includes('plot_80')")
    with tutorial.expect_navigation():
        tutorial.keyboard.press("Enter")
    assert "plot_80" in tutorial.url


@pytest.mark.parametrize("suffix", [".zip", ".py", ".ipynb"])
def test_downloads_by_keyboard(tutorial, suffix):
    name = Path(TUTORIALS[1]).stem + suffix
    tab_to(tutorial, f"e.hasAttribute('download') && e.href.endsWith('{name}')")
    with tutorial.expect_download() as download:
        tutorial.keyboard.press("Enter")
    assert download.value.suggested_filename == name
    assert Path(download.value.path()).stat().st_size > 1000


def test_links_to_binder_open_notebooks_that_are_published():
    links = {
        urllib.parse.unquote(link)
        for path in PAGES
        for link in re.findall(
            r'href="(https://mybinder\.org[^"]*)"', (HTML / path).read_text("utf-8")
        )
    }
    paths = {re.search(r"urlpath=lab/tree/(.+\.ipynb)", link)[1] for link in links}
    assert {Path(path).stem for path in paths} == {Path(name).stem for name in TUTORIALS}
    for path in paths:
        assert (HTML / path).is_file(), path


def test_links_inside_the_site_lead_somewhere():
    for name in PAGES:
        if name == "404.html":
            continue
        text = (HTML / name).read_text("utf-8")
        ids = {}
        for link in re.findall(r'(?:href|src)="([^"]+)"', text):
            target = urllib.parse.urlsplit(link.replace("&amp;", "&"))
            if target.scheme or target.netloc:
                continue
            path = (
                (HTML / name).parent / urllib.parse.unquote(target.path)
                if target.path
                else HTML / name
            )
            assert path.exists(), f"{name} links to {link}"
            if target.fragment and path.suffix == ".html":
                known = ids.setdefault(
                    path, set(re.findall(r'\bid="([^"]+)"', path.read_text("utf-8")))
                )
                assert target.fragment in known, f"{name} links to {link}"
