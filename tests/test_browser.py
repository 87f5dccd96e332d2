"""The built site in a real browser: accessibility, weight, links, keyboard. ``nox -s browser``."""

import gzip
import io
import json
import re
import urllib.parse
import zipfile
from functools import partial
from pathlib import Path

import pytest
from PIL import Image

from _helpers.icons import STYLES
from _helpers.pages import ROOT, tutorials

DOCS = ROOT / "docs"
HTML = DOCS / "_build" / "html"
PAGES = sorted(
    path.relative_to(HTML).as_posix()
    for path in HTML.rglob("*.html")
    if not {"_static", "notebooks", "_downloads"} & set(path.relative_to(HTML).parts)
)
TUTORIALS = [f"auto_examples/{script.stem}.html" for script in tutorials()]
SCREENS = {"light": (1280, "light"), "dark": (1280, "dark"), "phone": (390, "light")}
#: KiB, compressed, everything loaded. Figures of a page are counted once: a phone or a desk.
#: After scrolling to the end, gzipped; 150 where nothing else is said.
LIMIT_KIB = {"auto_examples/index.html": 200}
LIMIT_KIB |= dict.fromkeys(TUTORIALS, 200)
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address():
    from chromium import served

    assert (HTML / "index.html").is_file(), "there is no site yet: run nox -s docs first"
    with served(HTML) as base:
        yield base


@pytest.fixture(scope="module")
def context(address):
    from chromium import browser

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
    # A browser does not fetch the picture of another width, which is not displayed.
    seen = "if (image.checkVisibility()) image.loading = 'eager'"
    page.evaluate(f"for (const image of document.images) {seen}")
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


@pytest.mark.parametrize("name", PAGES)
def test_page_is_light(page, address, name, record_property):
    if name == "404.html":
        pytest.skip("its links begin at the root of the published site")
    sizes = {}

    def weigh(response):
        if response.url.startswith(address):
            body = response.body()
            packed = response.url.split("?")[0].endswith((".woff2", ".png", ".webp"))
            sizes[response.url] = len(body if packed else gzip.compress(body))

    page.on("response", weigh)
    page.goto(address + name)
    load_everything(page)
    kib = sum(sizes.values()) / 1024
    print(f"{name}: {kib:.0f} KiB in {len(sizes)} requests")
    assert kib <= LIMIT_KIB.get(name, 150)


@pytest.mark.parametrize("name", TUTORIALS)
def test_figures_stack_on_a_phone_and_change_with_the_theme(page, address, name):
    page.set_viewport_size({"width": 390, "height": 900})
    page.goto(address + name)
    load_everything(page)
    figures = page.locator(".figure-scroll").all()
    assert figures
    for figure in figures:
        wide, narrow = figure.locator("img.wide"), figure.locator("img.narrow")
        assert not wide.is_visible()
        assert narrow.is_visible()
        alt = narrow.get_attribute("alt")
        assert len(alt.split()) > 10, alt
        shown = narrow.evaluate(
            "i => [i.naturalWidth, i.naturalHeight, i.clientWidth, i.clientHeight]"
        )
        assert shown[2] >= 0.98 * shown[0], "words keep their size"
        assert abs(shown[2] / shown[3] - shown[0] / shown[1]) < 0.02
        # Nothing is beside the screen.
        assert figure.evaluate("f => f.scrollWidth <= f.clientWidth")
        source = urllib.parse.urljoin(address + name, narrow.get_attribute("src"))
        assert page.request.get(source).text().count("prefers-color-scheme: dark") == 1
        panels = panels_of(page.request.get(source).text())
        beside = urllib.parse.urljoin(address + name, wide.get_attribute("src"))
        assert len(panels) == len(panels_of(page.request.get(beside).text()))
    thumbnail = HTML / "_images" / f"sphx_glr_{Path(name).stem}_thumb.webp"
    assert thumbnail.stat().st_size < 6_000


def panels_of(svg):
    """Names of the panels of a figure: groups of axes."""
    return re.findall(r'<g id="(axes_\d+|card-\d+)"', svg)


def test_a_figure_is_dark_where_the_page_is(page, address):
    page.emulate_media(color_scheme="light")
    page.goto(f"{address}auto_examples/{TUTORIALS[1].split('/')[1]}")
    load_everything(page)
    figure = page.locator(".figure-scroll img.wide").first
    seen = {}
    for theme in ("light", "dark"):
        page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
        page.wait_for_timeout(300)
        with Image.open(io.BytesIO(figure.screenshot())) as picture:
            seen[theme] = sum(picture.convert("RGB").getpixel((picture.width // 2, 3)))
    assert seen["light"] > 700
    assert seen["dark"] < 150


def fulfil(path, route):
    route.fulfill(path=path)


#: Everything that a browser computed for every element, without the names of variables.
LOOKS = """() => [...document.querySelectorAll('*')].map(element => {
  const style = getComputedStyle(element);
  return [...style].filter(k => !k.startsWith('--')).map(k => k + style.getPropertyValue(k)).join();
})"""


@pytest.mark.parametrize(("name", "screen"), [
    ("index.html", "phone"), (TUTORIALS[3], "dark"), ("search.html?q=leak", "light"),
])  # fmt: skip
def test_the_short_style_sheet_looks_like_the_whole_one(page, address, name, screen):
    width, colours = SCREENS[screen]
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=colours, reduced_motion="reduce")
    sheets, seen = [HTML.parent / "icons" / STYLES, DOCS / "_static" / "site.css"], []
    for whole in (False, True):
        for path in sheets if whole else ():
            page.route(f"**/{path.name}*", partial(fulfil, path))
        page.goto(address + name)
        load_everything(page)
        page.wait_for_timeout(500)
        looks = page.evaluate(LOOKS)
        opener = "primary-toggle" if screen == "phone" else "theme-switch-button"
        page.locator(f"button.{opener}:visible").first.click()
        page.wait_for_timeout(500)
        seen.append([*looks, *page.evaluate(LOOKS)])
    assert len(seen[0]) == len(seen[1]) > 200
    differ = [i for i, (short, long) in enumerate(zip(*seen, strict=True)) if short != long]
    assert not differ


FIGURES = [*DOCS.glob("auto_examples/images/*.csv"), *DOCS.glob("real/*/plot_*.csv")]


@pytest.mark.parametrize("numbers", sorted(FIGURES), ids=lambda path: path.stem)
def test_a_figure_is_drawn_again_from_its_numbers(numbers, tmp_path):
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    from _helpers.figures import save
    from _helpers.pages import sibling
    from _helpers.redraw import redraw

    with sibling("_runtime").quiet_imports():
        sibling("_figure_style")
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.use("agg")
        save(redraw(numbers), tmp_path / "again.svg")
        plt.close("all")
    for end in ("", "_narrow"):
        built = numbers.with_name(f"{numbers.stem}{end}.svg").read_bytes()
        assert (tmp_path / f"again{end}.svg").read_bytes() == built


@pytest.mark.parametrize("name", TUTORIALS)
def test_every_table_has_a_name(name):
    text = (HTML / name).read_text("utf-8")
    tables = re.findall(r'<table[^>]*class="[^"]*\bprinted\b[^>]*>\s*<(\w+)', text)
    assert set(tables) == {"caption"}


@pytest.mark.parametrize("name", TUTORIALS)
def test_every_figure_has_its_numbers_beside_it(name):
    text = (HTML / name).read_text("utf-8")
    n_figures = len(re.findall(r'<img[^>]*class="[^"]*\bwide\b', text))
    links = re.findall(r'href="(\.\./_downloads/[^"]+\.csv)"', text)
    assert n_figures == len(links) > 0
    for link in links:
        assert (
            (HTML / name).parent.joinpath(link).read_text("utf-8").startswith("name,kind,")
        )


@pytest.mark.parametrize("name", TUTORIALS)
def test_printed_tables_are_tables_and_fit_a_phone(page, address, name):
    page.set_viewport_size({"width": 390, "height": 900})
    page.goto(address + name)
    found = page.locator("table.printed").all()
    assert found
    for table in found:
        cells = table.locator("tbody tr").all()
        n_cells = {row.locator("td, th").count() for row in cells}
        assert len(n_cells) == 1
        assert {1} == {row.locator("th").count() for row in cells}  # names the row
    wide = "table => table.scrollWidth > 1.6 * table.closest('article').clientWidth"
    assert not any(table.evaluate(wide) for table in found)


def test_a_table_sorts_and_filters_by_keyboard(page, address):
    page.goto(address + "models.html")
    table = page.locator("table.sortable").first

    def names():
        first = table.locator("tbody tr:visible td:first-child")
        return [text.strip() for text in first.all_inner_texts()]

    head = table.locator("thead th").nth(2)
    before = names()
    head.locator("button").focus()
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    millions = table.locator("tbody td:nth-child(3)").all_inner_texts()
    assert [float(n) for n in millions] == sorted(float(n) for n in millions)
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert names() != before
    assert sorted(names()) == sorted(before)
    field = page.locator(".table-filter input").first
    field.fill("z-score 200")
    assert names() == ["REVE"]
    assert "1 of 12" in page.locator(".table-filter").first.inner_text()
    field.fill("no such words")
    assert names() == []


def test_without_its_script_a_sortable_table_is_plain(page, address):
    page.route("**/tables.js*", lambda route: route.abort())
    page.goto(address + "models.html")
    assert page.locator("table.sortable").count() == 7
    assert page.locator("table.sortable button, .table-filter").count() == 0
    assert page.locator("table.sortable tbody tr").first.is_visible()


def test_sliders_say_and_draw_what_was_measured(page, address):
    page.goto(address + "explore.html")
    runs = json.loads((ROOT / "docs" / "evidence.json").read_text("utf-8"))["plot_76"]
    labels, luck = page.locator(".explore").all()
    people, draw = labels.locator("input").all()
    assert labels.locator("circle").count() == 4 * len(runs)
    people.focus()
    page.keyboard.press("End")
    draw.focus()
    page.keyboard.press("ArrowRight")
    found = [run["contract"]["accuracy"] for run in runs]
    gains = [one["full-finetune"][-1] - one["from-scratch"][-1] for one in found]
    said = labels.locator("[role=status]").inner_text()
    assert f"in {sum(gain > 0 for gain in gains)} of {len(gains)} draws" in said
    assert f"in draw 2 by {gains[1]:+.2f}".replace("-", "\u2212") in said
    assert labels.locator("svg").get_attribute("aria-label") == said

    from _helpers.pages import sibling

    people, runs = luck.locator("input").all()
    people.focus()
    page.keyboard.press("Home")
    runs.focus()
    page.keyboard.press("End")
    best = float(sibling("_score.luck").expected_best_r(16, 10_000))
    assert f"r = {best:.2f} on average" in luck.locator("[role=status]").inner_text()
    assert luck.locator("polyline.own").count() == 1


def test_without_its_script_the_sliders_are_figures(page, address):
    page.route("**/explore.js*", lambda route: route.abort())
    page.goto(address + "explore.html")
    assert page.locator(".explore:visible").count() == 0
    assert page.locator(".figure-scroll img:visible").count() == 2


def bookmarks(pdf):
    """Headings of a printed page; Chromium makes a bookmark of each that is painted."""
    found = re.findall(rb"/Title (?:<FEFF([0-9A-F]+)>|\(((?:\\.|[^\\)])*)\))", pdf)
    return [
        " ".join(
            (bytes.fromhex(code.decode()).decode("utf-16-be") if code
             else re.sub(rb"\\(.)", rb"\1", plain).decode("latin-1")).split()
        )
        for code, plain in found
    ]  # fmt: skip


@pytest.mark.parametrize("name", PAGES)
def test_page_survives_printing(page, address, name):
    if name == "404.html":
        pytest.skip("its links begin at the root of the published site")
    page.emulate_media(color_scheme="dark")
    page.goto(address + name)
    load_everything(page)
    headings = page.locator("article :is(h1, h2, h3)").all()
    wanted = [
        " ".join(h.evaluate("h => h.firstChild.textContent").split()) for h in headings
    ]
    # As the browser prints it: headings in the PDF, figures and code inside their boxes, light.
    printed = bookmarks(page.pdf(format="A4", outline=True, tagged=True))
    # Where a heading breaks into lines, its bookmark has no space.
    printed = ["".join(said.split()) for said in printed]
    gone = [h for h in wanted if not any("".join(h.split()) in said for said in printed)]
    assert not gone
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 700, "height": 1000})
    cut = page.evaluate(
        "[...document.querySelectorAll('article :is(pre, .figure-scroll, table)')]"
        ".filter(e => e.checkVisibility() && e.scrollWidth > e.clientWidth + 1"
        " && getComputedStyle(e).overflowX !== 'visible').map(e => e.innerText.slice(0, 60))"
    )
    assert not cut
    colours = page.evaluate(
        "[getComputedStyle(document.body).backgroundColor,"
        " getComputedStyle(document.querySelector('article p, article h1') ?? document.body).color]"
    )
    assert colours == ["rgb(255, 255, 255)", "rgb(34, 40, 50)"]


@pytest.mark.parametrize("name", PAGES)
def test_page_fits_at_400_percent(page, address, name):
    page.set_viewport_size({"width": 320, "height": 700})
    page.goto(address + name)
    load_everything(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


@pytest.mark.parametrize("name", ["index.html", *TUTORIALS])
def test_page_keeps_its_place_while_it_loads(page, address, name):
    page.set_viewport_size({"width": 1350, "height": 940})
    page.add_init_script(
        "window.shift = 0; new PerformanceObserver(list => { for (const e of list.getEntries())"
        " if (!e.hadRecentInput) window.shift += e.value; }).observe({type: 'layout-shift', buffered: true});"
    )
    page.goto(address + name)
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(300)
    assert page.evaluate("window.shift") < 0.05


def test_without_scripts_a_page_is_light_in_dark_mode(page, address):
    page.emulate_media(color_scheme="dark")
    # What a browser without scripts applies: the rules of (scripting: none), and no theme but "auto".
    page.route("**/*.js*", lambda route: route.abort())
    page.goto(address + TUTORIALS[0])
    css = (HTML / "_static" / "site.css").read_text("utf-8")
    assert "@media print, (scripting: none)" in css
    page.add_style_tag(content=css.replace("(scripting: none)", "all"))
    page.evaluate("document.documentElement.dataset.theme = 'auto'")
    title = page.locator(".navbar-brand .title").first
    seen = title.evaluate(
        "e => [getComputedStyle(e).color, getComputedStyle(document.body).backgroundColor]"
    )
    assert seen == ["rgb(34, 40, 50)", "rgb(255, 255, 255)"]


def test_a_missing_page_can_be_searched_for(page, address):
    root = re.search(r'href="(/[^"]+/)_static/', (HTML / "404.html").read_text("utf-8"))[1]
    page.route(f"**{root}**", lambda route: route.fulfill(
        response=page.request.get(route.request.url.replace(root, "/", 1))))  # fmt: skip
    page.goto(f"{address}404.html")
    page.get_by_label("Search for").fill("leakage")
    page.keyboard.press("Enter")
    page.wait_for_selector("#search-results li")
    assert page.url.endswith(f"{root}search.html?q=leakage")
    assert "leak" in page.locator("#search-results li").first.inner_text().lower()


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_what_a_search_found_is_accessible(page, address, colours):
    from axe_playwright_python.sync_playwright import Axe

    page.emulate_media(color_scheme=colours)
    page.goto(f"{address}search.html?q=leakage")
    page.wait_for_selector("#search-results span.highlighted")
    page.wait_for_load_state("networkidle")
    found = Axe().run(page).response["violations"]
    assert not [(v["id"], [n["target"] for n in v["nodes"]][:3]) for v in found]


@pytest.mark.parametrize("name", TUTORIALS)
@pytest.mark.parametrize("width", [1280, 390])
def test_answer_and_buttons_are_in_sight(page, address, name, width):
    page.set_viewport_size({"width": width, "height": 900 if width == 1280 else 844})
    page.goto(address + name)
    page.wait_for_load_state("networkidle")
    box = page.locator("[data-answer]")
    for word in ("Launch", "Notebook", "Script", "Zip"):
        button = box.get_by_role("link", name=word, exact=True)
        place = button.bounding_box()
        assert place["y"] + place["height"] <= page.viewport_size["height"], word
    assert len(box.locator("#answer-text").inner_text().split()) > 8


WANTED = json.loads((ROOT / "docs" / "search.json").read_text("utf-8"))


def test_the_queries_of_readers_are_known():
    asked = "linear probe, freeze batchnorm, p-factor, leakage, load weights, channel mismatch, LoRA, ds005505, GPU, how many subjects, new person, checkpoint"
    assert set(asked.split(", ")) <= set(WANTED)


@pytest.mark.parametrize("words", WANTED)
def test_search_puts_the_right_page_first(page, address, words):
    there = [name.removesuffix(".html") for name in PAGES]
    expected = next(
        name
        for wanted in WANTED[words]
        for name in there
        if name == wanted or name.startswith(f"auto_examples/{wanted}_")
    )
    page.goto(f"{address}search.html?q={urllib.parse.quote_plus(words)}")
    page.wait_for_selector("#search-results li a")
    first = page.locator("#search-results li a").first.get_attribute("href")
    assert first.split("#")[0].split("?")[0] == f"{expected}.html"
    assert not page.errors


@pytest.mark.parametrize("name", PAGES)
def test_page_describes_itself_in_whole_sentences(name):
    text = (HTML / name).read_text("utf-8")
    found = re.search(r'<meta name="description" content="([^"]*)"', text)
    if found is None:
        assert name in {"404.html", "search.html", "genindex.html", "tags.html"}
        return
    assert re.fullmatch(r".{40,}[.?!:]", found[1]), found[1]
    assert not re.search(r"\b[a-z]+(19|20)\d\d[a-z]+\b|,,| \.", found[1]), found[1]


def test_every_page_has_a_picture_of_its_own():
    pictures = {}
    for name in set(PAGES) - {"404.html", "search.html", "genindex.html"}:
        link = re.search(
            r'property="og:image" content="([^"]+)"', (HTML / name).read_text("utf-8")
        )
        pictures[name] = HTML / "_images" / link[1].partition("/_images/")[2]
        with Image.open(pictures[name]) as picture:
            assert picture.size == (1200, 630)
    assert len(set(pictures.values())) == len(pictures)


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
    follow_links(HTML)


def test_the_whole_site_opens_from_a_folder(context, tmp_path):
    with zipfile.ZipFile(HTML / "eeg-transfer-tutorials.zip") as archive:
        archive.extractall(tmp_path)
    (root,) = tmp_path.iterdir()
    follow_links(root)
    page, errors = context.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("requestfailed", lambda request: errors.append(request.url))
    for name in ("index.html", TUTORIALS[3], "models.html"):
        page.goto((root / name).as_uri())
        page.wait_for_load_state("networkidle")
        assert page.locator("h1").first.is_visible()
    page.goto((root / "search.html").as_uri() + "?q=leakage")
    page.locator("#search-results a").first.wait_for()
    assert not errors
    page.close()


def follow_links(root):
    for name in PAGES:
        if name == "404.html":
            continue
        text = (root / name).read_text("utf-8")
        ids = {}
        for link in re.findall(r'(?:href|src)="([^"]+)"', text):
            target = urllib.parse.urlsplit(link.replace("&amp;", "&"))
            if target.scheme or target.netloc:
                continue
            path = (
                (root / name).parent / urllib.parse.unquote(target.path)
                if target.path
                else root / name
            )
            assert path.exists(), f"{name} links to {link}"
            if target.fragment and path.suffix == ".html":
                known = ids.setdefault(
                    path, set(re.findall(r'\bid="([^"]+)"', path.read_text("utf-8")))
                )
                assert target.fragment in known, f"{name} links to {link}"
