"""What deploys the service is valid, holds together, and does what PLATFORM asks of it."""

import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.programs import find

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
OVERLAYS = ("sqlite-single", "postgres")
LEAST_KUSTOMIZE = (4, 1)
"""From here on `labels` are known."""

Manifest = Mapping[str, Any]


def told(*command: str) -> str:
    """What a program prints; an exit code other than 0 fails the test with its words."""
    path = find(command[0])
    assert path is not None
    run = subprocess.run([path, *command[1:]], capture_output=True, text=True, check=False, cwd=ROOT)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


@pytest.fixture(scope="module")
def built() -> dict[str, str]:
    """Each overlay as it goes to the cluster."""
    said = told("kubectl", "version", "--client")
    found = re.search(r"Kustomize Version: v(\d+)\.(\d+)", said)
    if found is None or (int(found[1]), int(found[2])) < LEAST_KUSTOMIZE:
        pytest.skip("kubectl is too old: its Kustomize must be 4.1 or newer")
    return {name: told("kubectl", "kustomize", f"deploy/kubernetes/overlays/{name}") for name in OVERLAYS}


@pytest.fixture
def manifests(built: dict[str, str]) -> dict[str, dict[str, Manifest]]:
    """By overlay, and by kind and name."""
    return {
        name: {f"{one['kind']}/{one['metadata']['name']}": one for one in yaml.safe_load_all(text)}
        for name, text in built.items()
    }


def pods(manifests: Mapping[str, Manifest]) -> Iterator[Manifest]:
    """The specification of every pod."""
    for one in manifests.values():
        spec = one.get("spec", {})
        inner = spec.get("jobTemplate", {}).get("spec", spec)
        if "template" in inner:
            yield inner["template"]["spec"]


needs_kubectl = pytest.mark.needs("kubectl")
each_overlay = pytest.mark.parametrize("overlay", OVERLAYS)


@pytest.mark.parametrize("folder", [DEPLOY / "kubernetes/base", *(DEPLOY / "kubernetes/overlays").iterdir()])
def test_every_file_of_a_kustomization_is_named_in_it_and_there(folder: Path) -> None:
    named = yaml.safe_load((folder / "kustomization.yaml").read_text())
    files = {*named["resources"], *(patch["path"] for patch in named.get("patches", ()))}
    assert {name for name in files if "/" not in name} == {
        file.name for file in folder.iterdir() if file.name != "kustomization.yaml"
    }
    assert all((folder / name).exists() for name in files)


@pytest.mark.needs("kubectl", "kubernetes-validate")
@each_overlay
def test_what_goes_to_the_cluster_is_as_its_schema_has_it(
    built: dict[str, str], overlay: str, tmp_path: Path
) -> None:
    file = tmp_path / "all.yaml"
    file.write_text(built[overlay])
    told("kubernetes-validate", "--strict", str(file))


@pytest.mark.needs("kubectl", "kubernetes-validate")
def test_a_word_that_the_schema_does_not_know_would_be_seen(built: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "all.yaml"
    file.write_text(built["postgres"].replace("concurrencyPolicy", "concurrencyPolice"))
    with pytest.raises(AssertionError, match="concurrencyPolice"):
        told("kubernetes-validate", "--strict", str(file))


@pytest.mark.needs("kubectl", "checkov")
def test_checkov_finds_nothing_but_what_is_left_with_a_reason(built: dict[str, str], tmp_path: Path) -> None:
    for name, text in built.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    (tmp_path / "Dockerfile").write_bytes((DEPLOY / "Dockerfile").read_bytes())
    config = ("--config-file", str(DEPLOY / "checkov.yaml"))
    said = told("checkov", *config, "--framework", "kubernetes", "dockerfile", "-d", str(tmp_path))
    passed = [int(count) for count in re.findall(r"Passed checks: (\d+), Failed checks: 0", said)]
    assert len(passed) == 2
    assert min(passed) > 50


@pytest.mark.needs("hadolint")
def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    assert told("hadolint", "deploy/Dockerfile") == ""


@needs_kubectl
@each_overlay
def test_no_pod_has_more_rights_than_it_needs(
    manifests: dict[str, dict[str, Manifest]], overlay: str
) -> None:
    found = list(pods(manifests[overlay]))
    assert len(found) == {"sqlite-single": 1, "postgres": 4}[overlay]
    for pod in found:
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False  # ENGAGEMENT_PORT would come from the cluster
        (container,) = pod["containers"]
        assert re.fullmatch(r"engagement:\d+\.\d+\.\d+", container["image"])
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
        }
        assert set(container["resources"]) == {"requests", "limits"}


@needs_kubectl
@each_overlay
def test_it_is_let_go_before_it_is_stopped_and_never_restarted_for_its_database(
    manifests: dict[str, dict[str, Manifest]], overlay: str
) -> None:
    pod = manifests[overlay]["Deployment/engagement"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["livenessProbe"]["httpGet"]["path"] == "/health/live"
    assert container["readinessProbe"]["httpGet"]["path"] == "/health/ready"
    assert container["lifecycle"]["preStop"]["exec"]["command"][-1] == "import time; time.sleep(5)"
    assert pod["terminationGracePeriodSeconds"] > 5 + 20  # the pause, and what `serve` takes at most


@needs_kubectl
def test_sqlite_has_one_process_at_a_time_and_a_volume(manifests: dict[str, dict[str, Manifest]]) -> None:
    deployment = manifests["sqlite-single"]["Deployment/engagement"]["spec"]
    assert (deployment["replicas"], deployment["strategy"]) == (1, {"type": "Recreate"})
    volumes = {volume["name"]: volume for volume in deployment["template"]["spec"]["volumes"]}
    assert volumes["data"] == {"name": "data", "persistentVolumeClaim": {"claimName": "engagement"}}
    claim = manifests["sqlite-single"]["PersistentVolumeClaim/engagement"]["spec"]
    assert claim["accessModes"] == ["ReadWriteOncePod"]


@needs_kubectl
def test_postgresql_has_replicas_that_roll_and_commands_that_never_overlap(
    manifests: dict[str, dict[str, Manifest]],
) -> None:
    cluster = manifests["postgres"]
    deployment = cluster["Deployment/engagement"]["spec"]
    assert deployment["replicas"] == cluster["HorizontalPodAutoscaler/engagement"]["spec"]["minReplicas"] == 3
    assert deployment["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    assert cluster["PodDisruptionBudget/engagement"]["spec"]["minAvailable"] == 2
    commands = {}
    for name in ("fold", "plan"):
        job = cluster[f"CronJob/engagement-{name}"]["spec"]
        assert job["concurrencyPolicy"] == "Forbid"
        commands[name] = job["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["args"]
    migrate = cluster["Job/engagement-migrate"]["spec"]["template"]["spec"]["containers"][0]["args"]
    assert (commands, migrate) == ({"fold": ["fold"], "plan": ["plan"]}, ["migrate"])


@needs_kubectl
def test_selectors_find_the_pods_they_are_for(manifests: dict[str, dict[str, Manifest]]) -> None:
    for cluster in manifests.values():
        labels = cluster["Deployment/engagement"]["spec"]["template"]["metadata"]["labels"]
        assert cluster["Service/engagement"]["spec"]["selector"].items() <= labels.items()
        assert (
            cluster["NetworkPolicy/engagement"]["spec"]["podSelector"]["matchLabels"].items()
            <= labels.items()
        )
    budget = manifests["postgres"]["PodDisruptionBudget/engagement"]["spec"]["selector"]["matchLabels"]
    assert budget.items() <= labels.items()
    job = manifests["postgres"]["Job/engagement-migrate"]["spec"]["template"]["metadata"]["labels"]
    assert not manifests["postgres"]["Service/engagement"]["spec"]["selector"].items() <= job.items()
    policy = manifests["postgres"]["NetworkPolicy/engagement-jobs"]["spec"]["podSelector"]["matchLabels"]
    for name in ("Job/engagement-migrate", "CronJob/engagement-fold", "CronJob/engagement-plan"):
        spec = manifests["postgres"][name]["spec"]
        pod = spec.get("jobTemplate", {"spec": spec})["spec"]["template"]
        assert policy.items() <= pod["metadata"]["labels"].items()


# --- compose ---------------------------------------------------------------------------------------


@pytest.fixture
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return found


def test_compose_mounts_what_is_there(compose: dict[str, Any]) -> None:
    mounts = [volume.split(":") for one in compose["services"].values() for volume in one.get("volumes", ())]
    ours = [DEPLOY / source for source, *_ in mounts if source.startswith("./compose")]
    assert len(ours) == 3
    assert all(file.is_file() for file in ours)
    named = {source for source, *_ in mounts if not source.startswith(".")}
    assert named == set(compose["volumes"])
    assert all(rights == ["ro"] for source, _, *rights in mounts if source.startswith("."))


def test_compose_pins_images_opens_only_this_machine_and_needs_passwords(compose: dict[str, Any]) -> None:
    for one in compose["services"].values():
        assert re.search(r":v?\d+\.\d+(\.\d+)?$", one["image"])
        assert one["cap_drop"] == ["ALL"]
        assert one["security_opt"] == ["no-new-privileges:true"]
        assert all(port.startswith("127.0.0.1:") for port in one.get("ports", ()))
    assert compose["services"]["service"]["read_only"]
    needed = set(re.findall(r"\$\{(\w+):\?", (DEPLOY / "compose.yaml").read_text()))
    assert needed == {"POSTGRES_PASSWORD", "GRAFANA_PASSWORD"}


@pytest.mark.parametrize("file", sorted((DEPLOY / "compose").iterdir()), ids=lambda file: file.name)
def test_what_compose_mounts_is_yaml(file: Path) -> None:
    assert isinstance(yaml.safe_load(file.read_text()), dict)


@pytest.mark.needs("promtool")
def test_promtool_takes_the_scrape_configuration(tmp_path: Path) -> None:
    config = tmp_path / "prometheus.yml"
    config.write_text((DEPLOY / "compose/prometheus.yml").read_text().replace("/etc/prometheus", str(DEPLOY)))
    told("promtool", "check", "config", "--syntax-only", str(config))


def test_the_dockerfile_copies_what_its_ignore_file_lets_in() -> None:
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    allowed = re.findall(r"^!(.+)$", (DEPLOY / "Dockerfile.dockerignore").read_text(), re.MULTILINE)
    assert {name for line in copied for name in line.split()} == set(allowed)
    assert all((ROOT / name).exists() for name in allowed)
