"""Hosts and a network between them, as network namespaces: client — between — server, or any number on one switch.

The client's packets go through the namespace between, which forwards them; a bad network is a proxy that runs there
(bad_network.py) and that the client is pointed at instead.
"""

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

CLIENT, NEAR, FAR, SERVER = "10.231.1.2", "10.231.1.1", "10.231.2.1", "10.231.2.2"
PROXY = Path(__file__).parent / "bad_network.py"


def unavailable() -> str:
    """Why there can be no namespaces here; empty where there can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    name = f"maniple-try-{os.getpid()}"
    made = [
        ("ip", "netns", "add", name),
        ("ip", "link", "add", "mtry0", "netns", name, "type", "veth", "peer", "name", "mtry1", "netns", name),
        ("ip", "netns", "exec", name, "true"),
    ]
    try:
        for command in made:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                return f"network namespaces cannot be made: {' '.join(command)}: {done.stderr.strip()}"
        return ""
    except FileNotFoundError:
        return "network namespaces need the ip command (iproute2)"
    finally:
        with suppress(FileNotFoundError):
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


class Hosts:
    """The three namespaces, for as long as the context is open."""

    def __init__(self) -> None:
        self.names = {role: f"maniple-{role}-{os.getpid()}" for role in ("client", "between", "server")}

    def on(self, role: str, *command: object) -> list[str]:
        """The command that runs another one on a host."""
        return ["ip", "netns", "exec", self.names[role], *map(str, command)]

    def __enter__(self) -> "Hosts":
        for name in self.names.values():
            ip("netns", "add", name)
            ip("-n", name, "link", "set", "lo", "up")
        for role, own, other, peer in (("client", CLIENT, NEAR, "near"), ("server", SERVER, FAR, "far")):
            host, between = self.names[role], self.names["between"]
            ip("link", "add", "eth0", "netns", host, "type", "veth", "peer", "name", peer, "netns", between)
            for name, device, address in ((host, "eth0", own), (between, peer, other)):
                ip("-n", name, "address", "add", f"{address}/24", "dev", device)
                ip("-n", name, "link", "set", device, "up")
            ip("-n", host, "route", "add", "default", "via", other)
        subprocess.run(self.on("between", "sysctl", "-q", "-w", "net.ipv4.ip_forward=1"), check=True)
        return self

    def __exit__(self, *_: object) -> None:
        for name in self.names.values():
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


class Machines:
    """Machines on one switch, each a namespace with one address, for as long as the context is open."""

    def __init__(self, *roles: str) -> None:
        self.addresses = {role: f"10.232.1.{number + 1}" for number, role in enumerate(roles)}
        self._switch = f"maniple-switch-{os.getpid()}"
        self._names = {role: f"maniple-{role}-{os.getpid()}" for role in roles}

    def on(self, role: str, *command: object) -> list[str]:
        """The command that runs another one on a machine."""
        return ["ip", "netns", "exec", self._names[role], *map(str, command)]

    def plug(self, role: str, *, connected: bool) -> None:
        """Pull a machine's cable, or plug it in."""
        ip("-n", self._switch, "link", "set", f"to-{role}", "up" if connected else "down")

    def __enter__(self) -> "Machines":
        ip("netns", "add", self._switch)
        ip("-n", self._switch, "link", "add", "switch", "type", "bridge")
        ip("-n", self._switch, "link", "set", "switch", "up")
        for role, name in self._names.items():
            ip("netns", "add", name)
            ip("-n", name, "link", "set", "lo", "up")
            port = f"to-{role}"
            ip("link", "add", "eth0", "netns", name, "type", "veth", "peer", "name", port, "netns", self._switch)
            ip("-n", self._switch, "link", "set", port, "master", "switch")
            ip("-n", self._switch, "link", "set", port, "up")
            ip("-n", name, "address", "add", f"{self.addresses[role]}/24", "dev", "eth0")
            ip("-n", name, "link", "set", "eth0", "up")
        return self

    def __exit__(self, *_: object) -> None:
        for name in (*self._names.values(), self._switch):
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)


class BadNetwork:
    """The proxy on the host between."""

    def __init__(self, hosts: Hosts, port: int, *options: object) -> None:
        command = hosts.on(
            "between", sys.executable, PROXY, "--listen", f"{NEAR}:0", "--target", f"{SERVER}:{port}", *options
        )
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.host = NEAR
        self.port = int(self._line())

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def counts(self) -> dict[str, int]:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        counts: dict[str, int] = json.loads(self._line())
        return counts

    def close(self) -> None:
        self.process.terminate()
        self.process.wait()
