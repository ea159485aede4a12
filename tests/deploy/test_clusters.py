"""The recipes for Slurm and Kubernetes, as far as they can be looked at without a cluster."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

DEPLOY = Path(__file__).parents[2] / "deploy"


@pytest.fixture(scope="module")
def job() -> dict[str, Any]:
    return yaml.safe_load((DEPLOY / "kuberay.yaml").read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def test_the_shell_understands_slurms_recipe() -> None:
    shell = shutil.which("bash")
    if shell is None:
        pytest.skip("no bash")
    subprocess.run([shell, "-n", DEPLOY / "slurm.sh"], check=True)


def test_slurm_sees_all_that_is_asked_of_it() -> None:
    # sbatch reads directives up to the first command.
    lines = (DEPLOY / "slurm.sh").read_text(encoding="utf-8").splitlines()
    head = lines[: next(row for row, line in enumerate(lines) if line and not line.startswith("#"))]
    asked = [line.split()[1] for line in head if line.startswith("#SBATCH")]
    assert len(asked) == sum("#SBATCH" in line for line in lines)
    assert all(re.fullmatch(r"--[a-z-]+(=[\w:-]+)?", each) for each in asked)
    assert {"--ntasks-per-node=1", "--exclusive", "--no-kill"} <= set(asked)


def test_slurms_recipe_runs_one_command_over_all_nodes(tmp_path: Path) -> None:
    shell = shutil.which("bash")
    if shell is None:
        pytest.skip("no bash")
    for name, does in {"scontrol": 'printf "n1\\nn2\\n"', "srun": 'printf "%s\\n" "$@"'}.items():
        command = tmp_path / name
        command.write_text(f"#!{shell}\n{does}\n")
        command.chmod(0o755)
    given = {"SLURM_JOB_NODELIST": "n[1-2]", "SLURM_NNODES": "2", "SLURM_CPUS_PER_TASK": "3"}
    said = subprocess.run(
        [shell, DEPLOY / "slurm.sh", "s3://a/two words", "/out"],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin", **given},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    ray, mien = said[said.index("ray") : said.index("--")], said[said.index("--") + 1 :]
    assert ray == ["ray", "symmetric-run", "--address", "n1:6379", "--min-nodes", "2", "--num-cpus=3"]
    assert mien[:6] == ["mien", "corpus", "analyze", "s3://a/two words", "--out", "/out"]
    assert mien[-2:] == ["--workers", "6"]


def test_kubernetes_has_a_core_for_every_worker(job: dict[str, Any]) -> None:
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    words = shlex.split(job["spec"]["entrypoint"])
    [group] = job["spec"]["rayClusterSpec"]["workerGroupSpecs"]
    [container] = group["template"]["spec"]["containers"]
    assert group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]
    cores = group["replicas"] * int(container["resources"]["limits"]["cpu"])
    assert int(words[words.index("--workers") + 1]) == cores
    volumes = {each["name"] for each in group["template"]["spec"]["volumes"]}
    assert {each["name"] for each in container["volumeMounts"]} == volumes


def test_kubernetes_nodes_have_one_image_and_its_ray(job: dict[str, Any]) -> None:
    cluster = job["spec"]["rayClusterSpec"]
    groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    containers = [each for group in groups for each in group["template"]["spec"]["containers"]]
    assert len({each["image"] for each in containers}) == 1
    assert all(each["envFrom"] == containers[0]["envFrom"] for each in containers)
    assert cluster["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"
    image = (DEPLOY / "ray.Dockerfile").read_text(encoding="utf-8")
    assert f"ARG RAY={cluster['rayVersion']}-py" in image
