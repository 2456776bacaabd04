"""What `tests/demo` works with: its programs, Kestra's API, a receiver, and production."""
import base64
import contextlib
import hashlib
import hmac
import http.server
import json
import os
import pathlib
import secrets
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
ENDED = {"SUCCESS", "WARNING", "FAILED", "KILLED", "CANCELLED"}
WIDTH = 80


def say(text=""):
    print(text, flush=True)


def fail(text):
    sys.exit(f"tests/demo: {text}")


def counted(number, one, many):
    return f"{number:,} {one if number == 1 else many}"


def told(seconds):
    """A time in its largest unit."""
    for length, one in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds > length * 0.95:
            return counted(round(seconds / length), one, f"{one}s")
    return counted(round(seconds), "second", "seconds")


class Passing:
    """A line that says what is under way, at a terminal alone; the next one takes its place."""

    seen = sys.stdout.isatty()

    def show(self, text):
        if self.seen:
            line = " ".join(text.split())
            print(f"\r\033[K{line[: WIDTH - 1]}", end="", flush=True)

    def clear(self):
        self.show("")


def run_to_end(command, **options):
    """Runs a program in a group of its own, which ends with the demo."""
    process = subprocess.Popen(command, text=True, start_new_session=True, **options)
    try:
        return process.communicate()[0], process.returncode
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait()
        raise


def set_up():
    """Everything that the demo needs, installed or built; the environment to run it in."""
    say("Setting up (the first time takes 15 to 30 minutes, later ones seconds)")
    settings, status = run_to_end([ROOT / "tests/setup"], stdout=subprocess.PIPE)
    if status:
        fail("the set-up failed")
    env = os.environ | dict(line.split("=", 1) for line in settings.splitlines())
    if not pathlib.Path(env["CARGO_TARGET_DIR"], "debug/railstage").exists():
        say("Building railstage and the stand-in, 5 to 15 minutes")
    build = ["cargo", "build", "--quiet", "--locked", "--package", "railstage", "--package", "backboard"]
    if run_to_end(build, cwd=ROOT, env=env)[1]:
        fail("the build failed")
    env["PATH"] = f"{env['CARGO_TARGET_DIR']}/debug:{env['PATH']}"
    return env


class Program:
    """A server of the demo: it prints one JSON line when it is ready, and ends when its standard input does."""

    def __init__(self, name, command, env):
        self.name = name
        self.process = subprocess.Popen(command, env=env, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)

    def about(self):
        line = self.process.stdout.readline()
        return json.loads(line) if line else fail(f"{self.name} did not start")

    def stop(self):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        for harder in (self.process.terminate, self.process.kill):
            with contextlib.suppress(subprocess.TimeoutExpired):
                return self.process.wait(30)
            harder()
        self.process.wait()


class Kestra:
    """The execution API, as a frontend uses it."""

    def __init__(self, url, logs):
        self.base, self.logs, self.passing = f"{url}/api/v1/main", logs, Passing()

    def call(self, path, body=None, kind="application/json"):
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(f"{self.base}/{path}", data, {"Content-Type": kind}), timeout=60) as answer:
            return json.load(answer)

    def start(self, flow, inputs):
        """Starts a flow by its form."""
        edge = secrets.token_hex(8)
        parts = "".join(f'--{edge}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in inputs.items())
        return self.call(f"executions/railstage/{flow}", f"{parts}--{edge}--\r\n".encode(), f"multipart/form-data; boundary={edge}")

    def run(self, flow, figure, started=None, **inputs):
        """Runs a flow, unless it is started already; its outputs, told in one line."""
        self.passing.show(f"{flow:<17} starts")
        execution = (started or self.start(flow, inputs))["id"]
        ended = self.follow(flow, execution)
        self.passing.clear()
        state, outputs = ended["state"], self.call(f"outputs/executions/{execution}")
        if state["current"] != "SUCCESS":
            self.tell_why(flow, ended)
        say(f"{flow:<17} {figure(outputs)}, {state['duration']:.1f} s")
        return outputs

    def follow(self, flow, execution):
        """Shows what is under way until the execution has ended."""
        seen = set()
        while True:
            now = self.execution(execution)
            lines = [line for line in self.call(f"logs/{execution}?minLevel=INFO") if line.get("taskId")]
            for line in sorted(lines, key=lambda line: line["timestamp"]):
                key = (line["timestamp"], line["taskId"], line["message"])
                if self.logs and key not in seen:
                    say(f"    {line['taskId']:<14} {line['message']}")
                seen.add(key)
            running = [run["taskId"] for run in now.get("taskRunList") or [] if run["state"]["current"] == "RUNNING"]
            of_it = [line["message"] for line in lines if line["taskId"] in running]
            self.passing.show(" ".join([f"{flow:<17}", *running[-1:], *of_it[-1:]]))
            if now["state"]["current"] in ENDED:
                return now
            time.sleep(0.2)

    def execution(self, execution):
        """Just after the start Kestra may not find it yet."""
        for _ in range(50):
            try:
                return self.call(f"executions/{execution}")
            except urllib.error.HTTPError as error:
                if error.code != 404:
                    raise
                time.sleep(0.1)
        fail(f"Kestra knows no execution {execution}")

    def tell_why(self, flow, ended):
        """Ends the demo with what the flow's tasks said of their failure."""
        failed = [run["taskId"] for run in ended.get("taskRunList") or [] if run["state"]["current"] in ("FAILED", "KILLED")]
        say(f"{flow:<17} {ended['state']['current'].lower()} in {', '.join(failed) or 'no task'}")
        for line in self.call(f"logs/{ended['id']}?minLevel=ERROR"):
            if line.get("taskId") in failed and not line["message"].startswith(("io.kestra.", "Command failed")):
                say("  " + line["message"].replace("\n", "\n  "))
        fail(f"{flow} did not succeed")


class Receiver:
    """A webhook of somebody's, who is told how executions ended and believes what is signed."""

    def __init__(self):
        self.key, self.told, self.told_one = secrets.token_bytes(32), {}, threading.Condition()
        outer = self

        class Taker(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                outer.take(self.headers, self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Taker)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def secrets(self):
        """What Kestra must know to tell it."""
        url = f"http://127.0.0.1:{self.server.server_port}/"
        return {"RAILSTAGE_NOTIFY_URL": url, "RAILSTAGE_NOTIFY_KEY": f"whsec_{base64.b64encode(self.key).decode()}"}

    def take(self, headers, body):
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        proof = base64.b64encode(hmac.digest(self.key, signed, "sha256")).decode()
        event = json.loads(body) | {"id": headers["webhook-id"], "is_signed": headers["webhook-signature"] == f"v1,{proof}"}
        with self.told_one:
            self.told.setdefault(event["data"]["execution"], []).append(event)
            self.told_one.notify_all()

    def end_of(self, execution):
        """What it was told of an execution, waited for."""
        with self.told_one:
            if not self.told_one.wait_for(lambda: execution in self.told, timeout=60):
                fail(f"nobody was told how execution {execution} ended")
            events = self.told[execution]
        if len(events) > 1 or not events[0]["is_signed"]:
            fail(f"of execution {execution} was told {counted(len(events), 'time', 'times')}, or without a signature")
        return events[0]


class Production:
    """What a write to production would change."""

    TABLES = "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND n.nspname !~ '^pg_|^information_schema$' ORDER BY 1"

    def __init__(self, world, env):
        self.world, self.psql = world, [f"{env['RAILSTAGE_PG_BIN']}/psql", "-XAtq", world["production"]["superuser_url"]]
        site = urllib.parse.urlsplit(world["production"]["mariadb_url"])
        self.of_site = ["--no-defaults", "--batch", "--skip-column-names", "--protocol=tcp", "--host=127.0.0.1", f"--port={site.port}", f"--user={site.username}", site.path[1:]]
        self.mariadb, self.password = f"{env['RAILSTAGE_MYSQL_HOMES'].split(':')[0]}/bin/mariadb", site.password
        self.settle()

    def ask(self, sql):
        return subprocess.run(self.psql + ["-c", sql], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()

    def ask_site(self, sql):
        """Asks the database of the WordPress."""
        asked = subprocess.run([self.mariadb, *self.of_site], input=sql, env={"MYSQL_PWD": self.password}, check=True, stdout=subprocess.PIPE, text=True)
        return asked.stdout.strip()

    def state(self):
        shop, site = self.ask(self.TABLES).splitlines(), self.ask_site("SHOW TABLES").splitlines()
        self.tables = len(shop) + len(site)
        sums = " UNION ALL ".join(f"SELECT '{t}', count(*), coalesce(sum(hashtextextended(t::text, 0)), 0) FROM {t} t" for t in shop)
        return {
            "the site's tables": self.ask_site(f"CHECKSUM TABLE {', '.join(site)}"),
            "the next transaction id": self.ask("SELECT pg_snapshot_xmax(pg_current_snapshot())"),
            "the counters of rows": self.ask("SELECT tup_inserted, tup_updated, tup_deleted FROM pg_stat_database WHERE datname = current_database()"),
            "the tables": self.ask(sums + " ORDER BY 1"),
            "the files of its volume": self.files(),
            "the settings on Railway": next(e["digest"] for e in self.environments() if e["id"] == self.world["production"]["environment_id"]),
        }

    def volume(self, environment_id):
        """The folder that is the volume of an environment's WordPress."""
        return pathlib.Path(next(e["volumes"]["wordpress"] for e in self.environments() if e["id"] == environment_id))

    def files(self):
        all_of_it = hashlib.sha256()
        for path in sorted(self.volume(self.world["production"]["environment_id"]).rglob("*")):
            about = path.lstat()
            all_of_it.update(f"{path} {about.st_mode} {about.st_size} {about.st_mtime_ns}\n".encode() + (path.read_bytes() if path.is_file() else b""))
        return all_of_it.hexdigest()

    def environments(self):
        with urllib.request.urlopen(f"{self.world['control_url']}/state") as answer:
            return json.load(answer)

    def rename(self, title):
        """What production's own people do to it."""
        self.compare()
        self.ask_site(f"UPDATE wp_options SET option_value = '{title}' WHERE option_name = 'blogname'")
        self.settle()

    def settle(self):
        """Takes production as it is now for what it must be."""
        self.before = self.state()

    def compare(self):
        after = self.state()
        changed = [what for what in after if self.before[what] != after[what]]
        if changed:
            fail(f"production was changed: {', '.join(changed)}")
