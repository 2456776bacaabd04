"""Who looks at the pages of `tests/demo`: with a browser, without one, and at two beside each other."""
import base64
import contextlib
import html
import os
import pathlib
import re
import shutil
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

from demo_world import fail, say

# What a page of the site says of it, in this order.
FACTS = ("title", "home", "customers", "orders", "posts", "latest order by", "environment type")


def tell_side_by_side(copy, production):
    """Two pages beside each other, each line cut to the terminal."""
    def cut(text, width):
        return text if len(text) <= width else f"{text[:width - 1]}…"

    def line(name, left, right):
        say(f"  {name:<16} {cut(left, 38):<38} {cut(right, 22)}".rstrip())

    say()
    line("", "staging", "production")
    for name in FACTS:
        line(name, copy.get(name, ""), production.get(name, ""))


def photograph(folder, world, pages):
    """Pages as a browser shows them: for each name a picture in the folder."""
    browser = shutil.which("chromium-headless-shell") or shutil.which("chromium") or fail("no Chromium found")
    with tempfile.TemporaryDirectory(prefix="railstage-browser-", dir=folder) as home:
        for name, url in pages.items():
            taken = subprocess.run(
                [browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--ignore-certificate-errors", "--hide-scrollbars", "--window-size=1200,1600",
                 "--virtual-time-budget=10000", f"--user-data-dir={home}", f"--proxy-server={world['proxy_url']}", f"--screenshot={folder}/{name}.png", url],
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=120, env={"PATH": os.environ["PATH"], "HOME": home}, check=False)
            if taken.returncode or not pathlib.Path(folder, f"{name}.png").exists():
                fail(f"{browser} took no picture of {name}: {taken.stderr}")


class Visitor:
    """Somebody who fetches pages as Railway's edge serves them."""

    def __init__(self, world):
        trust = ssl.create_default_context(cafile=world["ca_file"])
        proxy = urllib.request.ProxyHandler({"https": world["proxy_url"]})
        self.logins = {}
        self.opener = urllib.request.build_opener(proxy, urllib.request.HTTPSHandler(context=trust))

    def page(self, url):
        """What a page says, by the ids of its elements."""
        login = {"Authorization": "Basic " + base64.b64encode(self.logins[url].encode()).decode()} if url in self.logins else {}
        with self.opener.open(urllib.request.Request(url, headers=login), timeout=30) as answer:
            text = answer.read().decode()
        found = re.findall(r'id="([a-z-]+)">(?:<a [^>]*>)?([^<]*)<', text)
        return {name.replace("-", " "): html.unescape(value).removeprefix("https://") for name, value in found}

    def enter(self, url, user, password):
        """Gives a name and a password at this address from now on, and nowhere else."""
        self.logins[url] = f"{user}:{password}"

    def enter_with(self, url, other):
        """Gives at this address what is given at another."""
        self.logins[url] = self.logins[other]

    def with_login(self, url):
        """An address as it is typed by somebody who may enter."""
        login = ":".join(urllib.parse.quote(part, safe="") for part in self.logins[url].split(":", 1))
        return url.replace("://", f"://{login}@", 1)

    def refused(self, url):
        """How a page is refused, and what search engines are told."""
        try:
            self.opener.open(url, timeout=30).close()
        except urllib.error.HTTPError as error:
            return error.code, error.headers["X-Robots-Tag"]
        fail(f"{url} can be seen without a password")

    @contextlib.contextmanager
    def staying(self, url):
        """Visits a page again and again meanwhile; the seconds for which it did not answer are added to the list."""
        away, over = [], threading.Event()

        def visit():
            last = time.monotonic()
            failed = False
            while not over.wait(0.03):
                try:
                    self.page(url)
                except OSError:
                    failed = True
                    continue
                if failed:
                    away.append(time.monotonic() - last)
                last, failed = time.monotonic(), False

        thread = threading.Thread(target=visit, daemon=True)
        thread.start()
        try:
            yield away
        finally:
            over.set()
            thread.join(60)
