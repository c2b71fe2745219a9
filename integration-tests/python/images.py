"""Carries out a Dockerfile without Docker: each stage is an overlay on this machine's own file system.

The machine takes the place of the base images: what the steps do is done, by the commands they name, into a directory of the
stage's own; what the base images hold is not tested. Needs root, overlayfs and network namespaces (Linux).
"""

import json
import os
import re
import shlex
import subprocess
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dockerfile_parse import DockerfileParser

# Not there in a base image: other people's files, and any Java.
HIDDEN = ("/work", "/root", "/home", "/usr/lib/jvm", "/usr/local/go")
# As Docker's own.
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def possible() -> str:
    """Why images cannot be made here; empty: they can."""
    if os.geteuid() != 0:
        return "needs root, for overlays"
    # An overlay's upper directory cannot lie in another overlay.
    tried = subprocess.run(
        ["unshare", "--mount", "--net", "sh", "-c", "d=$(mktemp -d) && mkdir $d/u $d/w $d/m && "
         "mount -t overlay o -o lowerdir=/,upperdir=$d/u,workdir=$d/w $d/m"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return "" if tried.returncode == 0 else f"no overlays here: {tried.stderr.strip()}"


@dataclass
class Stage:
    """What a stage has come to."""

    folder: Path
    environment: dict[str, str] = field(default_factory=lambda: {"PATH": PATH})
    directory: str = "/"
    user: str = "0:0"
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)
    ports: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in ("upper", "work", "root", "tmp"):
            (self.folder / name).mkdir(parents=True)
        (self.folder / "tmp").chmod(0o1777)

    def child(self, folder: Path) -> "Stage":
        # A copy: an overlay does not take layers of which one lies in another, as all lie in the machine's own.
        made = replace(self, folder=folder, environment=dict(self.environment))
        for name in ("upper", "tmp"):
            (folder / name).rmdir()
            subprocess.run(["cp", "-a", self.folder / name, folder / name], check=True)
        return made

    def path(self, inside: str) -> Path:
        """Where a file that this stage has written lies."""
        return self.folder / ("tmp" + inside.removeprefix("/tmp") if inside.startswith("/tmp") else "upper" + inside)

    def mounted(self, script: str, *, read_only: bool = False, mounts: dict[Path, str] | None = None) -> list[str]:
        """A command that runs a script with the stage's root at $root; `mounts` are laid into it."""
        root = self.folder / "root"
        lines = [
            "set -e",
            "mount --make-rprivate /",
            f"mount -t overlay overlay -o lowerdir=/,upperdir={self.folder}/upper,workdir={self.folder}/work {root}",
        ]
        lines += [f"mkdir -p {root}{place}" for place in (mounts or {}).values()]
        if read_only:
            lines.append(f"mount -o remount,ro,bind {root}")
        lines += [f"mount -t proc proc {root}/proc", f"mount --rbind /dev {root}/dev"]
        lines += [f"[ ! -d {root}{hidden} ] || mount -t tmpfs tmpfs {root}{hidden}" for hidden in HIDDEN]
        # What runs begins with an empty one; what is built keeps what it puts there.
        temporary = f"mount -t tmpfs -o mode=1777 tmpfs {root}/tmp"
        lines.append(temporary if read_only else f"mount --bind {self.folder}/tmp {root}/tmp")
        lines += [f"mount --bind {here} {root}{place}" for here, place in (mounts or {}).items()]
        lines += [f"root={root}", script]
        return ["bash", "-c", "\n".join(lines)]

    def inside(self, command: list[str], **environment: str) -> str:
        """Part of a script: the command in the stage's root, as its user, with its environment and no rights."""
        user, _, group = self.user.partition(":")
        named = [f"{name}={value}" for name, value in {**self.environment, "HOME": "/tmp", **environment}.items()]
        bare = ["setpriv", f"--reuid={user}", f"--regid={group or user}", "--clear-groups"]
        bare += ["--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"] if user != "0" else []
        within = ["sh", "-c", 'cd "$0" && exec "$@"', self.directory, *command]
        return 'chroot "$root" ' + shlex.join(["env", "-i", *named, *bare, *within])


class Builder:
    """Builds stages of a Dockerfile; those in `given` are directories that were made otherwise."""

    def __init__(self, dockerfile: Path, context: Path, folder: Path, given: dict[str, Path]) -> None:
        self.context = context
        self.folder = folder
        self.given = given
        self.arguments: dict[str, str] = {}
        self.steps: dict[str, list[tuple[str, str]]] = {}
        self.bases: dict[str, str] = {}
        self.built: dict[str, Stage] = {}
        parser = DockerfileParser(fileobj=open(dockerfile, "rb"))
        stage = ""
        for step in parser.structure:
            kind, value = step["instruction"], step["value"]
            if kind == "FROM":
                base, _, stage = value.partition(" AS ")
                self.bases[stage], self.steps[stage] = base, []
            elif kind == "ARG" and not stage:
                name, _, fallback = value.partition("=")
                self.arguments[name] = fallback
            elif kind != "COMMENT":
                self.steps[stage].append((kind, value))

    def build(self, name: str) -> Stage:
        if name not in self.built:
            base, folder = self.bases[name], self.folder / name
            stage = self.build(base).child(folder) if base in self.bases else Stage(folder)
            for kind, value in self.steps[name]:
                getattr(self, f"_{kind.lower()}")(stage, value)
            self.built[name] = stage
        return self.built[name]

    def _run(self, stage: Stage, value: str) -> None:
        options, command = re.match(r"((?:--\S+\s+)*)(.*)", value, re.DOTALL).groups()  # type: ignore[union-attr]
        assert not options, f"only the stage that makes the wheels has options: {options}"
        script = stage.inside(["sh", "-ec", command])
        done = subprocess.run(
            ["unshare", "--mount", *stage.mounted(script)],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"RUN {command}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"

    def _copy(self, stage: Stage, value: str) -> None:
        words = shlex.split(value)
        options = dict(word[2:].split("=", 1) for word in words if word.startswith("--"))
        *sources, target = [word for word in words if not word.startswith("--")]
        for source in sources:
            if "from" in options:
                origin = options["from"]
                found = self.given[origin] if origin in self.given else self.build(origin).path(source)
            else:
                found = self.context / source
            assert found.exists(), f"COPY {value}: there is no {found}"
            place = stage.path(target)
            place.parent.mkdir(parents=True, exist_ok=True)
            subprocess.run(["cp", "-a", "-T", found, place], check=True)
            if "chmod" in options:
                place.chmod(int(options["chmod"], 8))

    def _env(self, stage: Stage, value: str) -> None:
        for name, text in (part.split("=", 1) for part in shlex.split(value)):
            stage.environment[name] = re.sub(r"\$(\w+)", lambda found: stage.environment[found[1]], text)

    def _workdir(self, stage: Stage, value: str) -> None:
        stage.directory = value

    def _user(self, stage: Stage, value: str) -> None:
        stage.user = value

    def _entrypoint(self, stage: Stage, value: str) -> None:
        stage.entrypoint = json.loads(value)

    def _cmd(self, stage: Stage, value: str) -> None:
        stage.command = json.loads(value)

    def _healthcheck(self, stage: Stage, value: str) -> None:
        stage.health = json.loads(value.partition("CMD ")[2])

    def _expose(self, stage: Stage, value: str) -> None:
        stage.ports = list(map(int, value.split()))

    def _label(self, stage: Stage, value: str) -> None:
        """Says something to people only."""

    def _stopsignal(self, stage: Stage, value: str) -> None:
        assert value == "SIGTERM", "the daemon ends in order at this one"


def run(stage: Stage, script: str, mounts: dict[Path, str], *, seconds: int = 180) -> Any:
    """Run a script beside a container of the stage: read-only, in a network and with processes of its own."""
    command = stage.mounted("ip link set lo up\n" + script, read_only=True, mounts=mounts)
    return subprocess.run(
        ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", *command],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds, check=False,
    )  # fmt: skip
