"""What deploy/ holds is well-formed, keeps its promises, and leads to a daemon that runs."""

import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tomllib
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml
from daemons import maniple

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
CHART = DEPLOY / "helm" / "maniple"
HELM = ROOT / ".build" / "tools" / "helm"
KUBERNETES = ("1.31", "1.37")
"""The oldest that the chart is for, and the newest whose schemas are known here."""

NEEDED = ("--set", "tls.existingSecret=certificate,users.existingSecret=people")


def run(*command: object, status: int = 0, **options: Any) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        list(map(str, command)), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False,
        **options,
    )  # fmt: skip
    assert done.returncode == status, done.stdout + done.stderr
    return done


# -- systemd -------------------------------------------------------------------------------------------------------------

analyze = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze (package systemd)")


@analyze
def test_the_unit_is_hardened() -> None:
    """Of ten, three are allowed; it is at 1.3."""
    unit = DEPLOY / "systemd" / "maniple.service"
    shown = run("systemd-analyze", "security", "--offline=true", "--threshold=30", unit).stdout
    exposure = re.search(r"Overall exposure level for maniple.service: ([\d.]+)", shown)
    assert exposure is not None, shown
    assert float(exposure[1]) <= 1.5, shown


@analyze
def test_the_unit_is_understood(tmp_path: Path) -> None:
    unit = tmp_path / "maniple.service"
    text = (DEPLOY / "systemd" / "maniple.service").read_text()
    unit.write_text(text.replace("/opt/maniple/bin/maniple", sys.executable))
    said = run("systemd-analyze", "verify", "--recursive-errors=no", "--man=no", unit)
    assert "maniple.service" not in said.stderr, said.stderr


def test_the_units_command_is_right() -> None:
    """Its options are the daemon's, and nothing of it lies in a place that the unit closes."""
    text = (DEPLOY / "systemd" / "maniple.service").read_text()
    (command,) = re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE)
    program, *arguments = command.split()
    assert program == "/opt/maniple/bin/maniple"
    assert arguments == ["server", "--config", "/etc/maniple", "--log", "/var/log/maniple/server.log"]
    assert "LogsDirectory=maniple" in text
    for port in ("8815", "8816", "MANIPLE_BULK_PORT"):
        assert port in text


# -- Prometheus ----------------------------------------------------------------------------------------------------------


def test_the_alerts_come_when_they_should() -> None:
    promtool = ROOT / ".build" / "tools" / "promtool"
    command = promtool if promtool.exists() else shutil.which("promtool")
    if command is None:
        pytest.skip("needs promtool (package prometheus)")
    run(command, "check", "rules", DEPLOY / "prometheus" / "maniple.rules.yml")
    run(command, "test", "rules", "maniple.rules.test.yml", cwd=DEPLOY / "prometheus")


def test_every_alert_has_its_recipe_and_its_test() -> None:
    (group,) = yaml.safe_load((DEPLOY / "prometheus" / "maniple.rules.yml").read_text())["groups"]
    names = [rule["alert"] for rule in group["rules"]]
    guide = (ROOT / "docs" / "operating.md").read_text()
    tests = (DEPLOY / "prometheus" / "maniple.rules.test.yml").read_text()
    assert [name for name in names if f"`{name}`" not in guide] == []
    assert [name for name in names if tests.count(f"alertname: {name}}}") != 1] == [], "none when all is well"
    assert [name for name in names if tests.count(f"alertname: {name}\n") != 1] == [], "one when nothing is"


# -- the chart -----------------------------------------------------------------------------------------------------------


def render(*options: object, version: str = KUBERNETES[-1]) -> list[dict[str, Any]]:
    command = [HELM, "template", "test", CHART, "--namespace", "place", "--kube-version", f"{version}.0"]
    text = run(*command, *options).stdout
    return [document for document in yaml.safe_load_all(text) if document]


def only(documents: list[dict[str, Any]], kind: str, name: str = "test-maniple") -> dict[str, Any]:
    (found,) = (d for d in documents if d["kind"] == kind and d["metadata"]["name"] == name)
    return found


@pytest.fixture
def pems(tmp_path: Path) -> Path:
    """What 'maniple server init' and 'new-user' make, as for an installation to try it out."""
    assert maniple("server", "init", tmp_path / "trial", "--host", "test-maniple.place.svc").returncode == 0
    made = maniple("server", "new-user", tmp_path / "trial" / "users", "ann", "--operator")
    assert made.returncode == 0
    (tmp_path / "trial" / "token").write_text(made.stdout)
    return tmp_path / "trial"


def files(pems: Path) -> list[str]:
    named = {
        "tls.certificate": "server.pem",
        "tls.key": "server-key.pem",
        "tls.authority": "ca.pem",
        "users.content": "users",
    }
    return [part for value, file in named.items() for part in ("--set-file", f"{value}={pems / file}")]


WAYS: dict[str, tuple[str, ...]] = {
    "least": NEEDED,
    "all": (
        *NEEDED,
        "--set", "tls.clientAuthoritySecret=clients,data.existingClaim=files,test.tokenSecret.name=ann",
        "--set", "service.type=LoadBalancer,service.loadBalancerSourceRanges={192.0.2.0/24},image.pullPolicy=Always",
        "--set", "settings.session_memory=2g,settings.sessions=8,imagePullSecrets[0].name=pull,priorityClassName=high",
        "--set", "networkPolicy.clients[0].podSelector.matchLabels.notebooks=yes",
        "--set", "spill.size=8g,spill.storageClassName=fast,checkpoints.existingClaim=kept",
        "--set", "tolerations[0].operator=Exists,nodeSelector.disk=ssd,podLabels.team=a,podAnnotations.b=c",
    ),
    "without": (*NEEDED, "--set", "ports.bulk=0,networkPolicy.enabled=false,podDisruptionBudget.enabled=false"),
    "cluster": (
        *NEEDED,
        "--set", "cluster.enabled=true,checkpoints.existingClaim=shared,data.existingClaim=files,spill.size=40g",
        "--set", "cluster.nodeSelector.disk=ssd,image.repository=maniple-cluster",
        "--set", r"cluster.spark.spark\.executor\.memoryOverhead=9g",
    ),
    "metrics": (
        *NEEDED,
        "--set", "metrics.serviceMonitor.enabled=true,metrics.serviceMonitor.tokenSecret.name=ann",
        "--set", "tls.existingSecret=,tls.certManager.issuerRef.name=ours,tls.certManager.dnsNames={maniple.example.org}",
    ),
}  # fmt: skip

FOREIGN = {"ServiceMonitor": "monitoring.coreos.com/v1", "Certificate": "cert-manager.io/v1"}
"""Of operators of others: Kubernetes' own schemas do not know them."""


@pytest.mark.parametrize("way", WAYS)
def test_kubernetes_takes_what_the_chart_makes(way: str, tmp_path: Path) -> None:
    for version in KUBERNETES:
        documents = render(*WAYS[way], version=version)
        for document in documents:
            if document["kind"] in FOREIGN:
                assert document["apiVersion"] == FOREIGN[document["kind"]]
        known = [document for document in documents if document["kind"] not in FOREIGN]
        assert len(documents) - len(known) == (2 if way == "metrics" else 0)
        # What Spark makes the workers' pods from; it names the image.
        for document in documents:
            for name, content in document.get("data", {}).items():
                if name.endswith(".yaml"):
                    pod = yaml.safe_load(content)
                    pod["metadata"] = {"name": "worker"}
                    pod["spec"]["containers"][0]["image"] = "maniple"
                    known.append(pod)
        file = tmp_path / f"{way}.yaml"
        file.write_text(yaml.safe_dump_all(known))
        validate = Path(sys.executable).parent / "kubernetes-validate"
        said = run(validate, "--strict", "--kubernetes-version", version, file)
        assert said.stdout.count(" passed for resource ") + said.stderr.count(" passed for resource ") == len(known)


def test_helm_has_nothing_to_say_against_the_chart() -> None:
    run(HELM, "lint", "--strict", CHART, *NEEDED)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "the daemon needs a certificate: set tls.existingSecret"),
        (("--set", "tls.existingSecret=a"), "the daemon needs users: set users.existingSecret"),
        ((*NEEDED, "--set", "ports.flight=80"), "/ports/flight"),
        ((*NEEDED, "--set", "memory=much"), "/memory"),
        ((*NEEDED, "--set", "spill.size=8Gi"), "/spill/size"),
        ((*NEEDED, "--set", "settings.spill=8g"), "settings.spill: the chart has a value of its own for that"),
        ((*NEEDED, "--set", "settings.http=0.0.0.0:1"), "settings.http: the chart has a value of its own for that"),
        ((*NEEDED, "--set", "replicas=2"), "replicas"),
        ((*NEEDED, "--set", "cluster.workers=65"), "/cluster/workers"),
        ((*NEEDED, "--set", "cluster.spark.executor=1"), "/cluster/spark"),
        ((*NEEDED, "--set", "podDisruptionBudget.maxUnavailable=2"), "/podDisruptionBudget/maxUnavailable"),
        (("--set", "tls.certificate=x,tls.key=y,users.content=z"), "/tls/certificate"),
        ((*NEEDED, "--set", "metrics.serviceMonitor.enabled=true"), "a secret with the token of an operator"),
    ],
)  # fmt: skip
def test_wrong_values_are_refused(options: tuple[str, ...], words: str) -> None:
    said = run(HELM, "template", "test", CHART, "--kube-version", f"{KUBERNETES[0]}.0", *options, status=1)
    assert words in said.stderr


@pytest.mark.parametrize("way", WAYS)
def test_pods_can_do_no_more_than_they_must(way: str) -> None:
    documents = render(*WAYS[way])
    cluster = way == "cluster"
    pods = [only(documents, "StatefulSet")["spec"]["template"]["spec"]]
    pods += [document["spec"] for document in documents if document["kind"] == "Pod"]
    if cluster:
        pods.append(yaml.safe_load(only(documents, "ConfigMap")["data"]["worker.yaml"])["spec"])
    assert len(pods) == {"all": 2, "cluster": 2}.get(way, 1)
    for pod in pods:
        security = pod["securityContext"]
        assert (security["runAsNonRoot"], security["runAsUser"]) == (True, 10001)
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "privileged": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            written = [mount["name"] for mount in container["volumeMounts"] if not mount.get("readOnly")]
            assert set(written) <= {"tmp", "spill", "checkpoints"}
    # Only Spark's driver talks to Kubernetes: in the daemon's pod, and in no other.
    assert [pod["automountServiceAccountToken"] for pod in pods] == [cluster] + [False] * (len(pods) - 1)
    assert all(not d["automountServiceAccountToken"] for d in documents if d["kind"] == "ServiceAccount")
    assert bool([d for d in documents if d["kind"] == "Role"]) == cluster
    limits = pods[0]["containers"][0]["resources"]["limits"]
    assert "memory" in limits


def test_secrets_hold_what_was_given_and_nothing_else_does(pems: Path) -> None:
    documents = render(*files(pems))
    text = yaml.safe_dump_all(d for d in documents if d["kind"] != "Secret")
    assert "PRIVATE KEY" not in text
    assert only(documents, "Secret", "test-maniple-tls")["type"] == "kubernetes.io/tls"
    assert set(only(documents, "Secret", "test-maniple-tls")["data"]) == {"tls.crt", "tls.key", "ca.crt"}
    assert set(only(documents, "Secret", "test-maniple-users")["data"]) == {"users"}
    assert [d for d in render(*NEEDED) if d["kind"] == "Secret"] == []


def test_the_network_policy_lets_in_whom_it_names() -> None:
    policy = only(render(*WAYS["all"]), "NetworkPolicy")["spec"]
    clients, operators = policy["ingress"]
    assert clients["from"] == [{"podSelector": {"matchLabels": {"notebooks": "yes"}}}]
    assert [port["port"] for port in clients["ports"]] == ["flight", "bulk"]
    assert operators["from"] == [{"podSelector": {}}]
    assert [port["port"] for port in operators["ports"]] == ["http"]
    (names,) = policy["egress"]
    assert {port["port"] for port in names["ports"]} == {53}
    documents = render(*WAYS["cluster"])
    workers = only(documents, "NetworkPolicy", "test-maniple-worker")["spec"]
    spark = only(documents, "ConfigMap")["data"]["spark.conf"]
    for label, value in workers["podSelector"]["matchLabels"].items():
        assert f"spark.kubernetes.executor.label.{label} {value}\n" in spark


def test_ports_are_the_same_everywhere() -> None:
    documents = render(*NEEDED, "--set", "ports.flight=9001,ports.bulk=9005,ports.http=9009")
    configuration = tomllib.loads(only(documents, "ConfigMap")["data"]["maniple.toml"])
    assert (configuration["listen"], configuration["bulk"]) == ("0.0.0.0:9001", "9005")
    assert configuration["http"] == "0.0.0.0:9009"
    container = only(documents, "StatefulSet")["spec"]["template"]["spec"]["containers"][0]
    assert {port["name"]: port["containerPort"] for port in container["ports"]} == {
        "flight": 9001,
        "bulk": 9005,
        "http": 9009,
    }
    service = only(documents, "Service")["spec"]
    # Clients are told the daemon's own number.
    assert {port["targetPort"]: port["port"] for port in service["ports"]} == {"flight": 9001, "bulk": 9005}
    without = render(*WAYS["without"])
    assert tomllib.loads(only(without, "ConfigMap")["data"]["maniple.toml"])["bulk"] == "off"
    assert [port["name"] for port in only(without, "Service")["spec"]["ports"]] == ["flight"]


def free_ports(count: int) -> list[int]:
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def test_the_charts_configuration_runs(pems: Path, tmp_path: Path) -> None:
    """The files of its ConfigMap and Secrets, laid where the pod has them: the daemon starts, and its probes succeed."""
    flight, bulk, http = free_ports(3)
    (tmp_path / "data").mkdir()
    documents = render(
        *files(pems),
        "--set", f"ports.flight={flight},ports.bulk={bulk},ports.http={http},memory=1g,data.existingClaim=files",
        "--set", "settings.session_memory=256m,settings.sessions=3,settings.idle=5m",
        "--set", "spill.size=64m,checkpoints.existingClaim=kept",
    )  # fmt: skip
    pod = only(documents, "StatefulSet")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    paths = {}
    for mount in container["volumeMounts"]:
        paths[mount["mountPath"]] = tmp_path / mount["name"]
        paths[mount["mountPath"]].mkdir(exist_ok=True)
    (volumes,) = [{volume["name"]: volume for volume in pod["volumes"]}]

    def here(text: str) -> str:
        for path, place in sorted(paths.items(), reverse=True):
            text = re.sub(rf'(?<=")(?={path}["/]){path}', str(place), text)
        return text.replace("0.0.0.0", "127.0.0.1")

    lay(only(documents, "ConfigMap")["data"], tmp_path / "config", here)
    for name in ("tls", "users"):
        secret = only(documents, "Secret", volumes[name]["secret"]["secretName"])
        content = {key: decoded(value) for key, value in secret["data"].items()}
        lay(content, tmp_path / name, str)
    arguments = [str(paths.get(argument, argument)) for argument in container["args"]]
    command = [sys.executable, "-m", "maniple", "server", *arguments]
    with (
        open(tmp_path / "log", "w") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True) as daemon,
    ):
        try:
            assert daemon.stdout is not None
            assert "ready at" in daemon.stdout.readline(), (tmp_path / "log").read_text()
            for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
                assert container[probe]["httpGet"]["scheme"] == "HTTPS"
                answer = get(pems, http, container[probe]["httpGet"]["path"])
                assert answer in (b"ok\n", b"ready\n")
            client = {
                "MANIPLE_CA": str(pems / "ca.pem"),
                "MANIPLE_TOKEN_FILE": str(pems / "token"),
            }
            checked = maniple("server", "check", f"maniple://localhost:{flight}", **client)
            assert checked.returncode == 0, checked.stdout
            assert f"through port {bulk}" in checked.stdout
            assert "up to 256 MiB" in checked.stdout
            overview = json.loads(get(pems, http, "/api/overview", (pems / "token").read_text().strip()))
            assert (overview["sessions_limit"], overview["memory_limit"]) == (3, 1 << 30)
            metrics = get(pems, http, "/metrics", (pems / "token").read_text().strip()).decode()
            for line in (DEPLOY / "prometheus" / "maniple.rules.yml").read_text().splitlines():
                if line.strip().startswith("expr:"):
                    for name in re.findall(r"\b(?:maniple|jvm|process)_\w+", line):
                        assert re.search(rf"^{name}\b", metrics, re.MULTILINE) or "workers" in name, name
        finally:
            daemon.send_signal(signal.SIGTERM)
            daemon.wait(30)
    for line in (tmp_path / "log").read_text().splitlines():
        json.loads(line)


def decoded(value: str) -> str:
    import base64

    return base64.b64decode(value).decode()


def lay(content: dict[str, str], folder: Path, change: Any) -> None:
    for name, text in content.items():
        (folder / name).write_text(change(text))
        (folder / name).chmod(0o440)


def get(pems: Path, port: int, path: str, token: str = "") -> bytes:
    context = ssl.create_default_context(cafile=str(pems / "ca.pem"))
    request = urllib.request.Request(f"https://localhost:{port}{path}")
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    with urllib.request.urlopen(request, context=context, timeout=20) as answer:
        content: bytes = answer.read()
    return content


def test_the_clusters_settings_are_sparks(tmp_path: Path) -> None:
    """The daemon reads the file, and what is set by hand goes before what the chart sets."""
    documents = render(*WAYS["cluster"])
    data = only(documents, "ConfigMap")["data"]
    settings = dict(line.split(" ", 1) for line in data["spark.conf"].splitlines())
    assert settings["spark.executor.memoryOverhead"] == "9g"
    assert settings["spark.kubernetes.container.image"] == "maniple-cluster:0.1.0"
    assert settings["spark.driver.host"] == "test-maniple-0.test-maniple-pods.place.svc"
    assert settings["spark.kubernetes.driver.pod.name"] == "test-maniple-0"
    headless = only(documents, "Service", "test-maniple-pods")["spec"]
    assert (headless["clusterIP"], headless["publishNotReadyAddresses"]) == ("None", True)
    accounts = {d["metadata"]["name"] for d in documents if d["kind"] == "ServiceAccount"}
    assert settings["spark.kubernetes.authenticate.executor.serviceAccountName"] in accounts
    (tmp_path / "token").write_text("f" * 64)
    (tmp_path / "token").chmod(0o600)
    (tmp_path / "spark.conf").write_text(data["spark.conf"])
    toml = "\n".join(
        line
        for line in data["maniple.toml"].splitlines()
        if not line.startswith(("tls", "users", "data", "checkpoint"))
    )
    toml = toml.replace("0.0.0.0", "127.0.0.1").replace("/etc/maniple/", f"{tmp_path}/")
    (tmp_path / "maniple.toml").write_text(f'{toml}\ntoken_file = "token"\n')
    # Without a Kubernetes there it gets as far as this.
    said = maniple("server", "--config", tmp_path, "--cluster-listen", "127.0.0.1", SPARK_HOME=os.devnull)
    assert said.returncode == 1
    assert "SPARK_HOME is" in said.stderr
    shown = maniple("server", "--config", tmp_path, "--print-config")
    assert 'master = "k8s://https://kubernetes.default.svc"' in shown.stdout


def test_the_guide_names_every_value_of_the_chart() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    guide = (CHART / "README.md").read_text()
    assert [name for name in values if f"`{name}" not in guide] == []
    schema = json.loads((CHART / "values.schema.json").read_text())
    assert set(values) | {"global"} == set(schema["properties"])
