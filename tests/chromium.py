"""Debian's Chromium for Playwright: found, or installed once, and started without background traffic."""

import contextlib
import functools
import gzip
import http.server
import os
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path

from filelock import FileLock
from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
TEXT = {".html", ".css", ".js", ".svg", ".json", ".txt", ".md", ".xml"}
QUIET = (
    "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


def found():
    """Path of the Chromium that is installed, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def executable():
    """Path of Chromium; where there is none, Debian's package is installed, by one process only."""
    if path := found():
        return path
    with FileLock(Path(tempfile.gettempdir(), "tutorial-chromium.lock")):
        return found() or _install()


def _install():
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        wait = ["-o", "DPkg::Lock::Timeout=300"]  # for whoever else installs
        install = [*wait, "install", "-qy", "--no-install-recommends", "chromium"]
        for words in (["update", "-q"], install):
            command = [*sudo, "apt-get", *words]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        if path := shutil.which("chromium"):
            return path
    none = f"none of {', '.join(NAMES)} is installed"
    raise RuntimeError(f"{none}, and apt-get could not install chromium: install it")


@contextlib.contextmanager
def browser(**kwargs):
    """A Chromium with an empty profile, as a Playwright context with its options."""
    args = [*QUIET, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as play, tempfile.TemporaryDirectory() as profile:
        kwargs |= {"executable_path": executable(), "args": args}
        context = play.chromium.launch_persistent_context(profile, **kwargs)
        yield context
        context.close()


class _Handler(http.server.SimpleHTTPRequestHandler):
    """Files, compressed as a host of static pages does."""

    def log_message(self, *args):
        pass

    def do_GET(self):
        """Send a file; text is compressed where the browser understands it."""
        path = Path(self.translate_path(self.path))
        path = path / "index.html" if path.is_dir() else path
        packs = "gzip" in self.headers.get("Accept-Encoding", "")
        if not (packs and path.is_file() and path.suffix in TEXT):
            super().do_GET()
            return
        body = gzip.compress(path.read_bytes(), mtime=0)
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "max-age=600")
        self.end_headers()
        self.wfile.write(body)


@contextlib.contextmanager
def served(folder):
    """Address of a folder served on localhost."""
    handler = functools.partial(_Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
