"""Clusters that were started here, and the Spark and Java that a cluster needs.

A cluster that `maniple cluster start` has started is registered in the user's runtime directory
under its master's URL, so that a daemon on the same machine finds its secret by the URL alone.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maniple._errors import ServerError
from maniple._server import checkout, default_runtime_directory, java_version, part, require_own

SPARK_MASTER = re.compile(r"spark://|k8s://|yarn$")
"""The URLs of clusters that Spark is needed for."""

_JAVA = 17
_SPARK = (4, 2)


@dataclass(frozen=True)
class LocalCluster:
    """A cluster that was started here.

    Attributes
    ----------
    url : str
        Its master's.
    directory : Path
        Where its logs and its secret are.
    workers, threads : int
        How many workers there is room for, and the cores of each.
    memory : str
        For each worker, as --worker-memory has it; empty if that was left open.
    """

    url: str
    directory: Path
    workers: int
    threads: int
    memory: str

    @property
    def secret_file(self) -> Path:
        return self.directory / "secret"


def registration(url: str) -> Path:
    """Where a cluster is registered."""
    return default_runtime_directory() / "clusters" / f"{re.sub('[^0-9A-Za-z.]', '_', url)}.json"


def cluster_of(url: str) -> LocalCluster | None:
    """The cluster with that master, if it was started here by this user."""
    try:
        with registration(url).open(encoding="utf-8") as file:
            require_own(registration(url), os.fstat(file.fileno()))
            content: dict[str, Any] = json.load(file)
    except (FileNotFoundError, ValueError):
        return None
    except OSError as error:
        raise ServerError(f"cannot read {registration(url)}: {error.strerror}") from error
    directory = Path(content["directory"])
    return LocalCluster(url, directory, content["workers"], content["threads"], content["memory"])


def secret_file_of(url: str) -> Path | None:
    """The file with the secret of the cluster with that master, if it was started here."""
    cluster = cluster_of(url)
    return cluster.secret_file if cluster is not None else None


def find_spark() -> Path:
    """Return Spark's directory, the one with `jars` in it.

    Raises
    ------
    ServerError
        There is none, or it is too old.
    """
    chosen = os.environ.get("SPARK_HOME")
    if chosen:
        return _checked_spark(Path(chosen), "SPARK_HOME is")
    package = importlib.util.find_spec("pyspark")
    if package is not None and package.submodule_search_locations:
        home = Path(package.submodule_search_locations[0])
        # pyspark-client, which talks to a Spark elsewhere, has none.
        if (home / "jars").is_dir():
            return _checked_spark(home, "pyspark is in")
    tree = checkout()
    if tree is not None and (tree / ".build" / "spark" / "jars").is_dir():
        return tree / ".build" / "spark"
    raise ServerError(
        "no Spark found: pip install 'maniple[cluster]' (480 MB), or set SPARK_HOME to the "
        "directory of a Spark 4.2 or newer"
    )


def _checked_spark(home: Path, what: str) -> Path:
    for jar in (home / "jars").glob("spark-core_*.jar"):
        match = re.fullmatch(r"spark-core_([\d.]+)-(\d+)\.(\d+).*\.jar", jar.name)
        if match and match[1] == "2.13" and (int(match[2]), int(match[3])) >= _SPARK:
            return home
        raise ServerError(
            f"{what} {home}, which has {jar.stem}: it takes Spark 4.2 or newer with Scala 2.13"
        )
    raise ServerError(f"{what} {home}, where there is no jars/spark-core_2.13-….jar")


def find_spark_java() -> Path:
    """Return a `java` command that Spark runs on.

    Raises
    ------
    ServerError
        There is none of version 17 or newer.
    """
    tree = checkout()
    wheel = part("maniple_cluster", "cluster")
    homes = [
        os.environ.get("MANIPLE_SPARK_JAVA_HOME"),
        str(wheel.java) if wheel is not None else None,
        str(tree / ".build" / "runtime-spark") if tree is not None else None,
        os.environ.get("JAVA_HOME"),
    ]
    import shutil

    on_path = shutil.which("java")
    if on_path:
        homes.append(str(Path(on_path).resolve().parent.parent))
    tried = []
    for home in homes:
        if home and (Path(home) / "bin" / "java").is_file():
            version = java_version(Path(home))
            if version >= _JAVA:
                return Path(home) / "bin" / "java"
            tried.append(f"{home} is version {version or 'unknown'}")
    raise ServerError(
        f"no Java for Spark found ({'; '.join(tried) or 'none at all'}): "
        "pip install 'maniple[cluster]' brings one; or install a Java 17 or newer "
        "(openjdk-17-jre-headless), or set JAVA_HOME to one. Maniple's own runtime lacks modules "
        "that Spark needs"
    )


def find_host_jar() -> Path:
    """Return the jar that runs in Spark's executors.

    Raises
    ------
    ServerError
        It is not there.
    """
    folders = []
    wheel = part("maniple_cluster", "cluster")
    if wheel is not None:
        folders.append(Path(wheel.jars))
    tree = checkout()
    if tree is not None:
        folders.append(tree / ".build" / "spark" / "host")
    for folder in folders:
        for jar in sorted(folder.glob("cluster-spark-*.jar")):
            return jar
    if not folders:
        raise ServerError(
            "what runs in Spark's executors is not installed here: pip install 'maniple[cluster]'"
        )
    where = " or ".join(map(str, folders))
    raise ServerError(
        f"the jar for Spark's executors is not in {where}: 'pip install maniple[cluster]' brings "
        "it, and in a working tree ./run server builds it"
    )


def daemon_environment() -> dict[str, str]:
    """The environment variables by which a daemon finds Spark; SparkSettings reads them.

    Raises
    ------
    ServerError
        Something is missing; says what to install.
    """
    return {
        "MANIPLE_SPARK_HOME": str(find_spark()),
        "MANIPLE_SPARK_JAVA": str(find_spark_java()),
        "MANIPLE_SPARK_HOST_JAR": str(find_host_jar()),
    }


def daemon_options(arguments: list[str]) -> list[str]:
    """What a cluster that was started here adds to a daemon's options, unless they say it.

    Raises
    ------
    ServerError
        Its registration cannot be read.
    """
    given = _settings(arguments)
    url = given.get("master", "")
    cluster = cluster_of(url) if url.startswith("spark://") else None
    if cluster is None:
        return []
    known = {
        "cluster_secret_file": str(cluster.secret_file),
        "workers": str(cluster.workers),
        "worker_threads": str(cluster.threads),
        "worker_memory": cluster.memory,
    }
    return [
        part
        for name, value in known.items()
        if value and name not in given
        for part in (f"--{name.replace('_', '-')}", value)
    ]


def master_of(arguments: list[str]) -> str:
    """The master that a daemon's options, or their configuration file, name; or nothing."""
    return _settings(arguments).get("master", "")


def _settings(arguments: list[str]) -> dict[str, str]:
    """A daemon's settings by their names in its configuration file; the options go before it."""
    options: dict[str, str] = {}
    for index, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name.startswith("--"):
            following = "".join(arguments[index + 1 : index + 2])
            options[name[2:].replace("-", "_")] = value if equals else following
    return {**_configured(options.get("config", "")), **options}


def _configured(name: str) -> dict[str, str]:
    """The content of a configuration file. What is wrong with it the daemon itself says."""
    import tomllib

    if not name:
        return {}
    path = Path(name)
    try:
        with (path / "maniple.toml" if path.is_dir() else path).open("rb") as file:
            return {key: str(value) for key, value in tomllib.load(file).items()}
    except (OSError, ValueError):
        return {}
