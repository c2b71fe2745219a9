"""The images: their Dockerfile's steps carried out without Docker (images.py), and what comes of it run as a container is.

MANIPLE_LONG=1 makes the image with Spark, too (450 MB to fetch), and the wheels from what the build is given.
"""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import images
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ROOT = Path(__file__).resolve().parents[2]
DOCKER = ROOT / "deploy" / "docker"
LONG = os.environ.get("MANIPLE_LONG", "") not in ("", "0")

reason = images.possible()
builds = pytest.mark.skipif(bool(reason), reason=reason)


@pytest.fixture(scope="module")
def builder(tmp_path_factory: pytest.TempPathFactory) -> images.Builder:
    folder = tmp_path_factory.mktemp("images")
    # The stage of the wheels is the one command that makes them anywhere.
    subprocess.run([ROOT / "dist", folder / "wheels"], check=True)
    made = images.Builder(DOCKER / "Dockerfile", ROOT, folder / "stages", {"wheels": folder / "wheels"})
    assert made.steps["wheels"][-1][1].endswith(" ./dist /wheels")
    return made


def test_hadolint_has_nothing_to_say() -> None:
    hadolint = Path(sys.executable).parent / "hadolint"
    said = subprocess.run([hadolint, DOCKER / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (said.returncode, said.stdout) == (0, ""), said.stdout


def test_versions_are_pinned() -> None:
    dockerfile = (DOCKER / "Dockerfile").read_text()
    for line in dockerfile.splitlines():
        if line.startswith("ARG "):
            tag = line.partition(":")[2]
            assert any(character.isdigit() for character in tag), line
            assert "latest" not in tag
    assert "'maniple[daemon]==0.1.0'" in dockerfile
    assert "--constraint /tmp/constraints.txt" in dockerfile


@builds
def test_a_container_of_the_daemon(builder: images.Builder, tmp_path: Path) -> None:
    """Made, checked for health, used over TLS, ended: without rights, and with nothing to write to but /tmp."""
    stage = builder.build("daemon")
    assert stage.user == "10001:10001"
    assert stage.ports == [8815, 8816, 8817]
    trial = tmp_path / "trial"
    trial.mkdir()
    shutil.chown(trial, 10001, 10001)
    shutil.copy(ROOT / "examples" / "black_scholes.py", trial)
    daemon = [*stage.entrypoint, *stage.command]
    client = {"MANIPLE_CA": "/etc/maniple/ca.pem", "MANIPLE_TOKEN_FILE": "/etc/maniple/token"}
    script = f"""
{stage.inside([*stage.entrypoint, "init", "/etc/maniple"])} >/dev/null
! {stage.inside(stage.health)} 2>/dev/null
{stage.inside(["sh", "-c", "touch /opt/maniple/x /etc/maniple-x /x"])} 2>&1 | grep -c "Read-only file system"
{stage.inside(["sh", "-c", "command -v java || echo no Java"])}
{stage.inside(daemon)} >{tmp_path}/out 2>{tmp_path}/log &
daemon=$!
for i in $(seq 300); do {stage.inside(stage.health)} 2>/dev/null && break; sleep 0.1; done
{stage.inside(stage.health)}
echo healthy
{stage.inside(["maniple", "server", "check", "maniple://localhost:8815"], **client)}
{stage.inside(["python", "/etc/maniple/black_scholes.py"])} >{tmp_path}/plain
{stage.inside(["maniple", "--connect", "maniple://localhost:8815", "/etc/maniple/black_scholes.py"], **client)} >{tmp_path}/fast
cmp {tmp_path}/plain {tmp_path}/fast && echo equal
grep -E "^(Uid|CapBnd|CapEff|NoNewPrivs)" $root/proc/$daemon/status
kill $daemon
status=0; wait $daemon || status=$?
echo ended $status
"""
    done = images.run(stage, script, {trial: "/etc/maniple"})
    log = (tmp_path / "log").read_text() if (tmp_path / "log").exists() else ""
    assert done.returncode == 0, done.stdout + done.stderr + log
    lines = done.stdout.splitlines()
    assert lines[:3] == ["3", "no Java", "healthy"], lines
    assert done.stdout.count(" ok ") == 8
    assert "FAILED" not in done.stdout
    assert "through port 8816" in done.stdout
    assert "equal" in lines
    assert "Uid:\t10001\t10001\t10001\t10001" in lines
    for line in lines:
        if line.startswith("Cap"):
            assert int(line.split()[1], 16) == 0, line
    assert "NoNewPrivs:\t1" in lines
    # Java ends with this status where it was told to end.
    assert lines[-1] == "ended 143"
    assert "Stopped" in log


@builds
def test_the_cache_of_classes_is_used(builder: images.Builder) -> None:
    """It fits the files that it was copied with."""
    stage = builder.build("daemon")
    (cache,) = stage.path("/opt/maniple").glob("lib/python3.*/site-packages/maniple/daemon.aot")
    assert cache.stat().st_size > 20 << 20
    program = """
import os, subprocess
from maniple import _daemon_cli, _server
path = _daemon_cli._class_path()
flags = [f for f in (*_server.FLAGS, *_daemon_cli._FLAGS, *_server.aot_flags(path, "daemon")) if "Xlog" not in f]
flags = [f for f in flags if f not in ("-XX:+UseSerialGC", "-Xmx512m")]
command = [str(_server.find_java()), *flags, "-Xlog:aot,cds", "-XX:AOTMode=on", "-cp", path, "io.maniple.daemon.Main", "--version"]
print(subprocess.run(command, capture_output=True, text=True).returncode)
"""
    done = images.run(stage, stage.inside(["/opt/maniple/bin/python", "-c", program]), {})
    # With AOTMode=on Java ends where it cannot use the cache.
    assert done.stdout == "0\n", done.stdout + done.stderr


def entry(tmp_path: Path, *arguments: str, **environment: str) -> list[str]:
    """What the entrypoint runs, a word a line."""
    tools = tmp_path / "tools"
    tools.mkdir(exist_ok=True)
    show = '#!/bin/sh\nprintf "%s\\n" "$@"\n'
    for name, text in (
        ("java", show),
        (
            "maniple",
            f'#!/bin/sh\n[ "$1" != cluster ] || exec printf "/spark\\n{tools}/java\\n"\nprintf "%s\\n" maniple "$@"\n',
        ),
    ):
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    done = subprocess.run(
        ["bash", DOCKER / "entrypoint.sh", *arguments],
        env={"PATH": f"{tools}:/usr/bin:/bin", **environment},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.splitlines()


def test_the_entrypoint_is_the_daemon_or_an_executor(tmp_path: Path) -> None:
    assert entry(tmp_path, "--config", "/etc/maniple") == ["maniple", "server", "--config", "/etc/maniple"]
    assert entry(tmp_path) == ["maniple", "server"]
    # As Spark's driver sets them for a pod (BasicExecutorFeatureStep).
    options = {f"SPARK_JAVA_OPT_{number}": f"-Dnumber={number} and more" for number in range(12)}
    given = {
        "SPARK_DRIVER_URL": "spark://CoarseGrainedScheduler@daemon:7078",
        "SPARK_EXECUTOR_ID": "3",
        "SPARK_EXECUTOR_CORES": "2",
        "SPARK_EXECUTOR_MEMORY": "512m",
        "SPARK_APPLICATION_ID": "spark-1",
        "SPARK_CONF_DIR": "/opt/spark/conf",
        "SPARK_EXECUTOR_POD_IP": "192.0.2.7",
        "SPARK_EXECUTOR_POD_NAME": "maniple-exec-3",
        "SPARK_RESOURCE_PROFILE_ID": "0",
    }
    words = entry(tmp_path, "executor", **options, **given)
    assert words[:12] == [f"-Dnumber={number} and more" for number in range(12)]
    assert words[12:16] == ["-Xms512m", "-Xmx512m", "-cp", "/opt/spark/conf:/spark/jars/*"]
    main, *rest = words[16:]
    assert main == "org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend"
    assert dict(zip(rest[::2], rest[1::2], strict=True)) == {
        "--driver-url": given["SPARK_DRIVER_URL"],
        "--executor-id": "3",
        "--cores": "2",
        "--app-id": "spark-1",
        "--hostname": "192.0.2.7",
        "--resourceProfileId": "0",
        "--podName": "maniple-exec-3",
    }


@builds
@pytest.mark.skipif(not LONG, reason="MANIPLE_LONG=1 runs it")
def test_an_image_with_spark(builder: images.Builder, tmp_path: Path) -> None:
    """It has all that 'executor' starts, and runs a daemon with workers."""
    stage = builder.build("cluster")
    trial = tmp_path / "trial"
    trial.mkdir()
    shutil.chown(trial, 10001, 10001)
    client = {"MANIPLE_CA": "/etc/maniple/ca.pem", "MANIPLE_TOKEN_FILE": "/etc/maniple/token"}
    program = "import numpy as np; print((np.arange(1_000_000.0) * 2).sum())"
    backend = "org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend"
    executor = {
        "SPARK_EXECUTOR_MEMORY": "512m",
        **{
            f"SPARK_{name}": "1"
            for name in (
                "DRIVER_URL", "EXECUTOR_ID", "EXECUTOR_CORES", "APPLICATION_ID", "EXECUTOR_POD_IP",
                "RESOURCE_PROFILE_ID", "EXECUTOR_POD_NAME",
            )
        },
    }  # fmt: skip
    script = f"""
{stage.inside([*stage.entrypoint, "init", "/etc/maniple"])} >/dev/null
{stage.inside([*stage.entrypoint, "executor"], **executor)} >{tmp_path}/executor 2>&1 || true
url=$({stage.inside(["maniple", "cluster", "start", "--workers", "2", "--threads-per-worker", "1"])})
{stage.inside([*stage.entrypoint, *stage.command, "--master"])} $url >{tmp_path}/out 2>{tmp_path}/log &
for i in $(seq 600); do {stage.inside(stage.health)} 2>/dev/null && break; sleep 0.1; done
{stage.inside(["maniple", "--connect", "maniple://localhost:8815", "-c", program], **client)}
"""
    done = images.run(stage, script, {trial: "/etc/maniple"}, seconds=300)
    log = (tmp_path / "log").read_text() if (tmp_path / "log").exists() else ""
    assert done.stdout == "999999000000.0\n", done.stdout + done.stderr + log
    said = (tmp_path / "executor").read_text()
    assert "ClassNotFoundException" not in said
    assert backend.rpartition(".")[2] in said, said[-2000:]


@pytest.mark.skipif(not LONG, reason="MANIPLE_LONG=1 runs it")
def test_the_build_is_given_what_makes_the_wheels(tmp_path: Path) -> None:
    """What Dockerfile.dockerignore leaves of the working tree is enough for ./dist."""
    ignored = [
        line for line in (DOCKER / "Dockerfile.dockerignore").read_text().splitlines() if line and line[0] != "#"
    ]
    context = tmp_path / "context"
    context.mkdir()
    exclude = [part for pattern in ignored for part in pattern_of(pattern)]
    command = ["tar", "-C", str(ROOT), *exclude, "-cf", "-", "."]
    subprocess.run(f"{shlex.join(command)} | tar -C {context} -xf -", shell=True, check=True)
    shutil.copy(ROOT / "integration-tests" / "pom.xml", (context / "integration-tests"))
    subprocess.run([context / "dist", tmp_path / "wheels"], check=True, timeout=800)
    names = sorted(wheel.name.partition("-")[0] for wheel in (tmp_path / "wheels").glob("*.whl"))
    assert names == ["maniple", "maniple_cluster", "maniple_daemon", "maniple_runtime"]


def pattern_of(pattern: str) -> list[str]:
    """The same for tar; what is taken in again is copied beside."""
    if pattern.startswith("!"):
        assert pattern == "!integration-tests/pom.xml"
        return []
    if pattern.startswith("**/"):
        return [f"--exclude={pattern[3:]}"]
    return [f"--exclude=./{pattern}"]
