"""Ask Lighthouse (npm) about pages of the built site: a phone on a slow network, and once the speed of a desk.

Pages are asked side by side, so a speed is a lower bound; what must be 100 does not depend on it.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from _helpers.pages import HTML, ROOT, tutorials
from chromium import QUIET, executable, served

#: The npm package, and where it is installed once.
PACKAGE, FOLDER = "lighthouse@13.5.0", ROOT / ".nox" / "lighthouse"
PROGRAM = FOLDER / "node_modules" / ".bin" / "lighthouse"
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")


def ask(url, categories=CATEGORIES, *more):
    """Scores of a page by category, and the audits that cost points outside performance."""
    flags = ["--headless", *QUIET, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "report.json"
        command = [
            PROGRAM, url, "--quiet", "--output=json",
            f"--output-path={out}", f"--only-categories={','.join(categories)}", *more,
            f"--chrome-flags={' '.join(flags)} --user-data-dir={folder}/profile",
        ]  # fmt: skip
        subprocess.run(command, check=True, env=os.environ | {"CHROME_PATH": executable()})
        report = json.loads(out.read_text("utf-8"))
    scores = {name: round(100 * report["categories"][name]["score"]) for name in categories}
    lost = [
        f"{ref['id']}: {report['audits'][ref['id']]['title']}"
        for name in categories[1:]
        for ref in report["categories"][name]["auditRefs"]
        if ref["weight"] and report["audits"][ref["id"]]["score"] not in (None, 1)
    ]
    return scores, lost


def main():
    """Print scores of start page and tutorials; fail below 100, but for speed."""
    if not (shutil.which("node") and shutil.which("npm")):
        print("Lighthouse was left out: there is no node or no npm here, and it needs them")
        return 0
    if not PROGRAM.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        npm = ["npm", "install", "--silent", "--no-audit", "--no-fund"]
        if subprocess.run([*npm, "--prefix", FOLDER, PACKAGE]).returncode:
            print(f"Lighthouse was left out: npm could not install {PACKAGE}")
            return 0
    failed = []
    print(f"{'page':<55}", *(f"{name:>15}" for name in CATEGORIES))
    names = ["index", *(f"auto_examples/{script.stem}" for script in tutorials())]
    with served(HTML) as base, ThreadPoolExecutor(os.cpu_count()) as pool:
        executable()  # installed once, not by each
        asked = pool.map(lambda name: ask(f"{base}{name}.html"), names)
        for name, (scores, lost) in zip(names, asked, strict=True):
            told = (f"{score:>15}" for score in scores.values())
            print(f"{name:<55}", *told, flush=True)
            failed += [f"{name}: {audit}" for audit in lost]
        desk, _ = ask(f"{base}index.html", CATEGORIES[:1], "--preset=desktop")
    print(f"speed of the first page on a desk: {desk['performance']}")
    print(*failed, sep="\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
