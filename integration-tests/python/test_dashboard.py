"""The dashboard in a real browser, over TLS: who gets in, what is shown while clients work, how it looks."""

import io
import json
import os
import re
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from browsers import CONTRAST, OUTSIDE, OVERLAPS, browser, colours, needs_browser, picture, said, size
from daemons import Daemon, maniple
from PIL import Image

SECONDS = 30

WORK = """
import numpy as np, sys
a = np.random.default_rng(1).random((800, 1000))
for k in range(5):
    b = np.sqrt(a * a + k) - a.mean(axis=0)
    c = b.cumsum(axis=1)
    float(c[0, 0])
np.gcd(np.arange(100_000), 12).sum()
try:
    np.linalg.inv(np.zeros((300, 300)))[0, 0].item()
except np.linalg.LinAlgError:
    pass
float((a + 1)[0, 0])
print("ready", flush=True)
for line in sys.stdin:
    d = np.sqrt(a + b).cumsum(axis=0)
    print(float(d[-1, -1]), flush=True)
"""


class Watched:
    """A daemon with HTTP, an operator (ann) and a user (bob)."""

    def __init__(self, directory: Path, *options: object) -> None:
        self.trial = directory / "trial"
        assert maniple("server", "init", self.trial).returncode == 0
        self.tokens = {}
        for name, *rights in (("ann", "--operator"), ("bob", "--memory", "256m", "--sessions", "3")):
            made = maniple("server", "new-user", directory / "users", name, *rights)
            assert made.returncode == 0, made.stderr
            self.tokens[name] = made.stdout.strip()
        (self.trial / "maniple.toml").write_text(
            'tls_cert = "server.pem"\ntls_key = "server-key.pem"\nusers = "../users"\nlog_format = "json"\n'
        )
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.http = free.getsockname()[1]
        self.daemon = Daemon(self.trial, "--http", f"127.0.0.1:{self.http}", *options, init=False).start()
        self.context = ssl.create_default_context(cafile=str(self.trial / "ca.pem"))

    @property
    def url(self) -> str:
        return f"https://localhost:{self.http}"

    def ask(
        self, path: str, token: str = "", data: bytes | None = None, **headers: str
    ) -> tuple[int, dict[str, str], str]:
        """Status, headers and body of an answer; redirections are not followed."""
        request = urllib.request.Request(self.url + path, data=data)
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        for name, value in headers.items():
            request.add_header(name.replace("_", "-"), value)

        class Stay(urllib.request.HTTPRedirectHandler):
            def redirect_request(self, *_: Any) -> None:
                return None

        opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=self.context), Stay)
        try:
            with opener.open(request, timeout=10) as answer:
                return answer.status, dict(answer.headers), answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, dict(error.headers), error.read().decode()

    def data(self, path: str, user: str = "ann") -> Any:
        status, _, text = self.ask(path, self.tokens[user])
        assert status == 200, (path, text)
        return json.loads(text)

    @contextmanager
    def client(self, user: str) -> Iterator[subprocess.Popen[str]]:
        """A program of this user's that has worked and waits."""
        program = self.trial.parent / "work.py"
        program.write_text(WORK)
        running = subprocess.Popen(
            [sys.executable, "-m", "maniple", str(program)],
            env={**os.environ, **self.daemon.environment(), "MANIPLE_TOKEN": self.tokens[user], "MANIPLE_HOST": "0"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert running.stdout is not None
            line = running.stdout.readline()
            assert line == "ready\n", (line, running.communicate(timeout=20))
            yield running
        finally:
            # It ends with its input and closes its session: one that was killed would be seen for a while.
            with suppress(subprocess.TimeoutExpired, ValueError):
                running.communicate(timeout=10)
            running.kill()
            running.wait()

    def log(self) -> list[dict[str, str]]:
        return [json.loads(line) for line in (self.trial / "log").read_text().splitlines()]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    made = Watched(tmp_path_factory.mktemp("watched"), "--reconnect", "3s", "--memory", "2g")
    try:
        yield made
    finally:
        made.daemon.stop()


@contextmanager
def page(watched: Watched, folder: Path) -> Iterator[Any]:
    with browser(folder / "profile", certificate=watched.trial / "server.pem") as driver:
        size(driver, 1280, 900)
        yield driver


def find(driver: Any, selector: str) -> Any:
    from selenium.webdriver.common.by import By

    return driver.find_element(By.CSS_SELECTOR, selector)


def wait(driver: Any, script: str, *arguments: object) -> Any:
    """Wait until a script returns something true."""
    end = time.monotonic() + SECONDS
    while True:
        found = driver.execute_script(script, *arguments)
        if found:
            return found
        assert time.monotonic() < end, (script, driver.current_url, driver.page_source[:2000])
        time.sleep(0.1)


def log_in(driver: Any, watched: Watched, token: str) -> None:
    driver.get(watched.url)
    assert driver.current_url == f"{watched.url}/login"
    find(driver, "#token").send_keys(token)
    find(driver, "button").click()


UPDATED = "return document.body.dataset.updated > arguments[0]"


def refreshed(driver: Any) -> None:
    """Wait for data that are newer than now."""
    wait(driver, UPDATED, time.time() * 1000)


# -- in a browser ----------------------------------------------------------------------------------------------------


@needs_browser
def test_a_wrong_token_is_refused_and_a_right_one_is_not(watched: Watched, tmp_path: Path) -> None:
    with page(watched, tmp_path) as driver:
        log_in(driver, watched, "f" * 64)
        wait(driver, "return document.querySelector('.problem')?.textContent.includes('not valid')")
        assert driver.get_cookies() == []
        assert driver.execute_script(CONTRAST) == []
        assert driver.current_url == f"{watched.url}/login"
        driver.get_log("browser")  # the refusal
        token = watched.tokens["ann"]
        log_in(driver, watched, token)
        wait(driver, UPDATED, 0)
        assert driver.current_url == f"{watched.url}/"
        assert find(driver, "#user").text == "ann, operator"
        (cookie,) = driver.get_cookies()
        assert (cookie["httpOnly"], cookie["secure"], cookie["sameSite"]) == (True, True, "Strict")
        assert cookie["name"].startswith("__Host-")
        assert token not in cookie["value"]
        assert token not in driver.page_source
        assert driver.execute_script("return document.cookie + JSON.stringify({...localStorage})") == "{}"
        # The name in the cookie is of no use once the browser has logged out.
        held = f"{cookie['name']}={cookie['value']}"
        assert watched.ask("/api/overview", Cookie=held)[0] == 200
        assert said(driver) == []
        find(driver, "form[action='/logout'] button").click()
        wait(driver, "return location.pathname === '/login'")
        assert watched.ask("/api/overview", Cookie=held)[0] == 401
        driver.get(watched.url)
        assert driver.current_url == f"{watched.url}/login"


SHOWN = """
return [...document.querySelectorAll("#sessions tr[data-id]")].map((row) => ({
  id: row.dataset.id, texts: [...row.cells].map((cell) => cell.textContent),
  memory: Number(row.querySelector("[data-value]").dataset.value),
  buffers: [...row.nextElementSibling.querySelectorAll(":scope table > tbody > tr")].map((line) => [...line.cells].map((c) => c.textContent)),
}));
"""

USERS = """
return [...document.querySelectorAll("#users tbody tr")].map((row) => [...row.cells].map((cell) => cell.textContent));
"""

LAID_OUT = "h1, h2, th, td:not(.wide), dt, dd, button, select, summary, .state, .legend li, svg text"


def size_text(count: int) -> str:
    """As the page writes it."""
    value, unit = float(count), 0
    while value >= 1024 and unit < 4:
        value, unit = value / 1024, unit + 1
    digits = 0 if unit == 0 or value >= 100 else 1
    return f"{value:.{digits}f} {('B', 'KiB', 'MiB', 'GiB', 'TiB')[unit]}"


@needs_browser
def test_what_is_shown_is_what_there_is(watched: Watched, tmp_path: Path) -> None:
    with (
        watched.client("ann") as ann,
        watched.client("bob") as bob,
        page(watched, tmp_path) as driver,
    ):
        log_in(driver, watched, watched.tokens["ann"])
        wait(driver, "return document.querySelectorAll('#sessions tr[data-id]').length === 2")
        # While a client works its kernels appear.
        for process in (ann, bob):
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write("go\n")
            process.stdin.flush()
            assert float(process.stdout.readline()) > 0
        refreshed(driver)
        lanes = wait(driver, "return [...document.querySelectorAll('#lanes text')].map((e) => e.textContent)")
        for name in ("ann", "bob"):
            assert any(text.endswith(f" {name}") for text in lanes), lanes
        titles = driver.execute_script(
            "return [...document.querySelectorAll('#lanes title')].map((e) => e.textContent)"
        )
        assert any(title.startswith("add.accumulate\n") and "work.py:6" in title for title in titles), titles[:5]
        # Then nothing changes any more: the page and the data say the same.
        refreshed(driver)
        data = watched.data("/api/sessions")["sessions"]
        shown = driver.execute_script(SHOWN)
        assert [one["id"] for one in shown] == [one["id"] for one in data]
        for one, row in zip(data, shown, strict=True):
            assert row["memory"] == one["memory_bytes"] > 6_000_000
            texts = row["texts"]
            assert texts[:3] == [one["id"], one["user"], one["client"]]
            assert texts[3] == ("yes" if one["connected"] else "away")
            assert texts[4] == f"{size_text(one['memory_bytes'])} of {size_text(one['memory_limit'])}"
            assert texts[5:7] == [str(one["batches_pending"]), str(one["calls"])]
            assert [[b["content"], size_text(b["bytes"])] for b in one["buffers"]] == [
                line[:2] for line in row["buffers"]
            ]
            assert any(b["content"] == "float64 (800, 1000)" and b["bytes"] == 6_400_000 for b in one["buffers"])
            assert all(b["source"].startswith(str(watched.trial.parent / "work.py")) for b in one["buffers"])
        limits = {one["user"]: one["memory_limit"] for one in data}
        assert limits == {"ann": 512 << 20, "bob": 256 << 20}
        overview = watched.data("/api/overview")
        assert find(driver, "#tile-sessions .figure").text == f"2 of {overview['sessions_limit']}"
        assert find(driver, "#tile-memory .figure").text == size_text(overview["memory_used"])
        assert find(driver, "#tile-errors .figure").text == str(overview["errors"])
        text = find(driver, "#errors").text
        for error in watched.data("/api/errors")["errors"]:
            assert error["status"] in text
            assert error["message"] in text
        assert "Singular matrix" in text
        (gcd,) = [one for one in watched.data("/api/fallbacks")["fallbacks"] if one["function"] == "gcd"]
        assert gcd["calls"] >= 2
        assert gcd["source"].endswith("work.py:8")
        row = next(r for r in find(driver, "#fallbacks").text.splitlines() if r.startswith("gcd"))
        assert str(gcd["calls"]) in row
        rows = driver.execute_script(USERS)
        told = watched.data("/api/users")["users"]
        assert [row[0] for row in rows] == [one["name"] for one in told]
        for one, row in zip(told, rows, strict=True):
            assert row[1:5] == [
                one["role"],
                f"{one['sessions']} of {one['sessions_limit']}",
                f"{size_text(one['memory_bytes'])} of {size_text(one['memory_limit'])}",
                size_text(one["session_memory_limit"]),
            ]
            assert row[5] == f"{one['batches_pending']} of {one['queued_limit']:,}"
            assert row[6].endswith(" at most")
        (row,) = [row for row in rows if row[0] == "bob"]
        assert row[1:3] == ["user", "1 of 3"]
        assert row[3].endswith(" of 256 MiB")
        assert re.search(r"of the memory.s \d+\.\d+ GB/s", find(driver, "#tile-throughput").text)
        assert said(driver) == []

        check_the_looks(driver, tmp_path)

        # An operator ends a session, after being asked.
        (theirs,) = [one["id"] for one in data if one["user"] == "bob"]
        find(driver, f"[data-key='end-{theirs}']").click()
        find(driver, "dialog button[value='no']").click()
        assert len(watched.data("/api/sessions")["sessions"]) == 2
        find(driver, f"[data-key='end-{theirs}']").click()
        find(driver, "dialog button[value='yes']").click()
        wait(driver, "return document.querySelectorAll('#sessions tr[data-id]').length === 1")
        bob.stdin.write("go\n")  # type: ignore[union-attr]
        _, error = bob.communicate(timeout=60)
        assert "the session was lost" in error


def check_the_looks(driver: Any, folder: Path) -> None:
    """At three widths, in light and dark: nothing overlaps or sticks out, everything can be read."""
    driver.execute_script("document.querySelector('#sessions details').open = true")
    for width, height in ((1280, 900), (820, 1100), (390, 844)):
        size(driver, width, height)
        refreshed(driver)
        wait(driver, "return document.querySelector('#throughput svg').viewBox.baseVal.width <= innerWidth")
        for scheme in ("light", "dark"):
            colours(driver, scheme)
            file = folder / f"dashboard-{width}-{scheme}.png"
            picture(driver, file)
            image = Image.open(io.BytesIO(file.read_bytes())).convert("RGB")
            assert image.width == width
            corner = image.getpixel((2, image.height - 2))
            assert isinstance(corner, tuple)
            assert (sum(corner) > 600) == (scheme == "light"), corner
            found = image.getcolors(1 << 24)
            assert found is not None
            assert len(found) > 100, "there is something to see"
            assert driver.execute_script(CONTRAST) == [], (width, scheme)
        assert driver.execute_script(OVERLAPS, LAID_OUT) == [], width
        assert driver.execute_script(OUTSIDE) == [], width
    # Every control has a name, every picture a text.
    unnamed = driver.execute_script(
        "return [...document.querySelectorAll('button, select, a, svg[role=img]')].filter((e) =>"
        " !(e.textContent.trim() || e.getAttribute('aria-label') || e.labels?.length)).map((e) => e.outerHTML)"
    )
    assert unnamed == []
    headings = driver.execute_script("return [...document.querySelectorAll('h1, h2')].map((e) => e.tagName)")
    assert headings[0] == "H1"
    assert headings.count("H1") == 1
    size(driver, 1280, 900)
    colours(driver, "light")
    refreshed(driver)


@needs_browser
def test_what_clients_choose_is_text(watched: Watched, tmp_path: Path) -> None:
    """File names, messages and functions come from clients: none of it is ever markup."""
    program = tmp_path / "<img src=x onerror=alert(1)>.py"
    program.write_text(
        "import numpy as np\nfloat((np.ones(100_000) + 1).sum())\n"
        "try:\n    np.linalg.inv(np.zeros((300, 300)))[0, 0].item()\nexcept np.linalg.LinAlgError:\n    pass\n"
        "np.gcd(np.arange(100_000), 12)\nfloat((np.ones(100_000) + 1).sum())\n"
    )
    environment = watched.daemon.environment() | {"MANIPLE_TOKEN": watched.tokens["bob"]}
    done = maniple(program, **environment)
    assert done.returncode == 0, done.stderr
    with page(watched, tmp_path) as driver:
        log_in(driver, watched, watched.tokens["bob"])
        wait(driver, "return document.getElementById('errors').textContent.includes('onerror')")
        assert driver.execute_script("return document.querySelectorAll('img').length") == 0
        assert said(driver) == []


@needs_browser
def test_users_see_their_own(watched: Watched, tmp_path: Path) -> None:
    with watched.client("ann"), watched.client("bob"), page(watched, tmp_path) as driver:
        log_in(driver, watched, watched.tokens["bob"])
        wait(driver, "return document.querySelectorAll('#sessions tr[data-id]').length === 1")
        refreshed(driver)
        assert find(driver, "#user").text == "bob, user"
        text = find(driver, "main").text
        assert "ann" not in re.findall(r"\b\w+\b", text)
        assert "bob" in text
        assert said(driver) == []


# -- without one -----------------------------------------------------------------------------------------------------

DATA = ("overview", "sessions", "users", "throughput", "timeline", "errors", "fallbacks")
ROUTES = (
    *(f"/api/{name}" for name in DATA),
    "/",
    "/dashboard.js",
    "/dashboard.css",
    "/metrics",
    "/status",
    "/api/sessions/00000000/timeline",
)


def test_strangers_get_nothing(watched: Watched) -> None:
    for path in ROUTES:
        for headers in (
            {},
            {"Authorization": "Bearer " + "f" * 64},
            {"Authorization": "Basic YW5uOmFubg=="},
            {"Cookie": "__Host-maniple=" + "0" * 64},
            {"Cookie": f"__Host-maniple={watched.tokens['ann']}"},
            {"Cookie": "__Host-maniple="},
        ):
            status, answered, text = watched.ask(path, **headers)
            assert status == 401, (path, headers)
            assert text == "a token is needed"
            assert "Set-Cookie" not in answered
        assert watched.ask(path + "?token=" + watched.tokens["ann"])[0] == 401, "a token in an address is none"
    for path in ("/logout", "/api/sessions/00000000/close"):
        assert watched.ask(path, data=b"")[0] == 401
    status, answered, _ = watched.ask("/", Accept="text/html")
    assert (status, answered["Location"]) == (303, "/login")
    status, _, text = watched.ask("/login")
    assert status == 200
    assert "version" not in text.lower()
    for path in ("/nothing", "/api", "/api/", "/../etc/passwd", "/dashboard.html", "/login.html", "/io/maniple"):
        assert watched.ask(path)[0] in (400, 401, 404), path
    for path in ROUTES[:-1]:
        assert watched.ask(path, watched.tokens["ann"])[0] == 200, path


def test_no_other_site_acts_for_anybody(watched: Watched) -> None:
    token = watched.tokens["ann"]
    form = f"token={token}".encode()
    for headers in (
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Origin": "https://evil.example"},
    ):
        for path in ("/login", "/logout"):
            status, answered, _ = watched.ask(path, data=form, **headers)
            assert status == 403, (path, headers)
            assert "Set-Cookie" not in answered
    status, answered, _ = watched.ask("/login", data=form, Origin=watched.url)
    assert (status, answered["Location"]) == (303, "/")
    for attribute in ("HttpOnly", "SameSite=Strict", "Secure", "Path=/"):
        assert attribute in answered["Set-Cookie"]
    policy = watched.ask("/", token)[1]["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "http" not in policy
    for path in (*ROUTES, "/login", "/health", "/nothing"):
        answered = watched.ask(path, token)[1]
        assert answered["X-Content-Type-Options"] == "nosniff", path
        assert "default-src 'none'" in answered["Content-Security-Policy"], path
        assert answered["Cache-Control"] == "no-store", path
    for name in ("html", "css", "js"):
        text = watched.ask(f"/dashboard.{name}" if name != "html" else "/", token)[2]
        assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text), "nothing comes from elsewhere"


def test_many_wrong_tokens_are_slowed_down(watched: Watched) -> None:
    statuses = [watched.ask("/login", data=b"token=" + b"e" * 64)[0] for _ in range(40)]
    assert set(statuses) <= {401, 429}
    assert watched.ask("/login", data=f"token={watched.tokens['ann']}".encode())[0] == 303, "the right one gets in"
    assert watched.data("/api/overview")["logins_refused"] >= 1


def test_data_are_those_of_the_user(watched: Watched) -> None:
    with watched.client("ann"), watched.client("bob"):
        everything = {name: watched.data(f"/api/{name}") for name in DATA}
        own = {name: watched.data(f"/api/{name}", "bob") for name in DATA}
        assert {one["user"] for one in everything["sessions"]["sessions"]} == {"ann", "bob"}
        assert {one["user"] for one in own["sessions"]["sessions"]} == {"bob"}
        assert {one["user"] for one in own["timeline"]["steps"]} == {"bob"}
        assert {one["user"] for one in own["timeline"]["batches"]} == {"bob"}
        assert {one["user"] for one in own["errors"]["errors"]} == {"bob"}
        assert [one["name"] for one in own["users"]["users"]] == ["bob"]
        assert own["overview"]["sessions"] == 1
        assert own["overview"]["sessions_limit"] == 3
        assert "errors" not in own["overview"]
        assert own["overview"]["memory_used"] < everything["overview"]["memory_used"]
        ids = {one["user"]: one["id"] for one in everything["sessions"]["sessions"]}
        for user, other in (("ann", "bob"), ("bob", "bob")):
            status, headers, text = watched.ask(f"/api/sessions/{ids[other]}/timeline", watched.tokens[user])
            assert status == 200
            assert "attachment" in headers["Content-Disposition"]
            import traces

            kernels = traces.of(traces.checked(json.loads(text)), "kernel", "cascade", "routine")
            assert all(":" in kernel["args"]["source"] for kernel in kernels)
            assert kernels
        for path in (f"/api/sessions/{ids['ann']}/timeline", f"/api/sessions/{ids['ann']}/close"):
            data = b"" if path.endswith("close") else None
            assert watched.ask(path, watched.tokens["bob"], data=data)[0] == 404, "those of others are not there"
        series = everything["throughput"]
        assert len(series["bytes_per_second"]) == len(series["busy"]) == 120
        assert sum(series["bytes_per_second"]) > 6_400_000
        assert all(0 <= part <= 1 for part in series["busy"])
        for wrong in ("seconds=x", "seconds=1.5", "seconds="):
            assert watched.ask(f"/api/throughput?{wrong}", watched.tokens["ann"])[0] == 400
        assert watched.ask("/api/timeline?seconds=99999999&most=0", watched.tokens["ann"])[0] == 200
        end = time.monotonic() + 10
        while not watched.data("/api/throughput")["machine_bytes_per_second"]:
            assert time.monotonic() < end
            time.sleep(0.1)
        metrics = watched.ask("/metrics", watched.tokens["ann"])[2]
        for name in (
            "maniple_batches_total",
            "maniple_plans_total",
            "maniple_kernels_total",
            "maniple_kernels_data_bytes_total",
            "maniple_kernels_time_seconds_total",
            "maniple_errors_total",
            "maniple_fallbacks_total",
            "maniple_logins_refused_total",
            "maniple_machine_bandwidth_bytes_per_second",
        ):
            assert re.search(rf"^{name} [0-9.E]+$", metrics, re.MULTILINE), name


def test_whoevers_token_is_withdrawn_is_out(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    try:
        status, answered, _ = watched.ask("/login", data=f"token={watched.tokens['bob']}".encode())
        assert status == 303
        cookie = answered["Set-Cookie"].split(";")[0]
        assert watched.ask("/api/overview", Cookie=cookie)[0] == 200
        users = tmp_path / "users"
        users.write_text("".join(line + "\n" for line in users.read_text().splitlines() if not line.startswith("bob")))
        end = time.monotonic() + 10
        while watched.ask("/api/overview", Cookie=cookie)[0] != 401:
            assert time.monotonic() < end
            time.sleep(0.2)
    finally:
        watched.daemon.stop()


def test_the_log_is_json_and_holds_no_secret(watched: Watched) -> None:
    """After everything above: the module's daemon has seen it all."""
    with watched.client("bob"):
        pass
    watched.ask("/login", data=b"token=" + b"d" * 64)
    watched.ask("/login", data=f"token={watched.tokens['ann']}".encode())
    end = time.monotonic() + 10
    while not any(line["event"] == "session.closed" and line["user"] == "bob" for line in watched.log()):
        assert time.monotonic() < end
        time.sleep(0.2)
    lines = watched.log()
    for line in lines:
        assert list(line)[:6] == ["time", "level", "event", "session", "user", "message"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", line["time"])
        assert line["level"] in ("DEBUG", "INFO", "WARN", "ERROR")
    events = {line["event"]: line for line in lines}
    assert {"daemon.ready", "session.opened", "session.closed", "login", "login.refused"} <= events.keys()
    opened = events["session.opened"]
    assert opened["user"] == "bob"
    assert re.fullmatch(r"[0-9a-f]{8}", opened["session"])
    text = (watched.trial / "log").read_text()
    for secret in (*watched.tokens.values(), "d" * 64, "Bearer"):
        assert secret not in text
    assert [line for line in lines if line["level"] == "ERROR"] == []
