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
FACTS = ("title", "home", "customers", "orders", "posts", "latest order by", "environment type", "theme", "uploads", "private files")


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


def tell_files(visitor, production, copy):
    """What of the site's files is on the copy's own volume and on its page, and what is on neither."""
    about, url = production.world["production"], copy["url"]
    own, site = production.volume(copy["environment_id"]), production.volume(about["environment_id"])
    address = f"{url}/{about['picture']}"
    if f'src="{address}"'.encode() not in visitor.fetch(url)[1]:
        fail(f"the page of {url} does not show its own picture")
    shown = visitor.fetch(url, about["picture"])
    if own == site or shown != (200, (own / about["picture"]).read_bytes()) or shown[1] != (site / about["picture"]).read_bytes():
        fail(f"the picture at {address} is not that of the copy's volume")
    for path in about["private_files"]:
        if visitor.fetch(about["wordpress_url"], path)[0] != 200 or visitor.fetch(url, path)[0] != 404 or (own / path).exists():
            fail(f"{path} is in the copy, or not in production")
    page = visitor.page(url)
    say(f"  its page: theme {page['theme']}, {page['uploads']} uploads, a picture of its own volume")
    say(f"  left behind: {', '.join(pathlib.Path(path).name for path in about['private_files'])}")


class Visitor:
    """Somebody who fetches pages as Railway's edge serves them."""

    def __init__(self, world):
        trust = ssl.create_default_context(cafile=world["ca_file"])
        proxy = urllib.request.ProxyHandler({"https": world["proxy_url"]})
        self.logins = {}
        self.opener = urllib.request.build_opener(proxy, urllib.request.HTTPSHandler(context=trust))

    def ask(self, url, path):
        login = {"Authorization": "Basic " + base64.b64encode(self.logins[url].encode()).decode()} if url in self.logins else {}
        return self.opener.open(urllib.request.Request(f"{url}/{path}", headers=login), timeout=30)

    def fetch(self, url, path=""):
        """The status and the bytes of what is at an address, whatever that is."""
        try:
            with self.ask(url, path) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def page(self, url):
        """What a page says, by the ids of its elements."""
        with self.ask(url, "") as answer:
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
