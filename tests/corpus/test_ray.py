"""A cluster of two nodes on loopback, a store that speaks S3; workers, a node and drivers are killed."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

import needs
from corpus.fake import fill, run, tree
from corpus.test_killed import drive, has_done, wait_for
from mien.corpus.corpus import Corpus
from patience import LIMIT_S

needs.package("ray")
needs.package("s3fs")
needs.package("moto")

pytestmark = [pytest.mark.exhaustive, pytest.mark.filterwarnings("default")]


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Two nodes with a core each; the driver is on the first, which has none."""
    import ray
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    nodes = [made.add_node(num_cpus=1) for _ in range(2)]
    ray.init(address=made.address, log_to_driver=False)
    yield made, nodes
    ray.shutdown()
    made.shutdown()


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An empty bucket of a server on loopback, which whoever looks at the environment finds."""
    import boto3
    import s3fs
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()  # which have the server of an earlier test
    boto3.client("s3").create_bucket(Bucket="bucket")
    yield "s3://bucket"
    server.stop()


def upload(folder: Path, address: str) -> None:
    import fsspec

    fsspec.filesystem("s3").put(f"{folder}/", f"{address}/", recursive=True)


def fetch(address: str, folder: Path) -> Path:
    import fsspec

    fsspec.filesystem("s3", skip_instance_cache=True).get(address, str(folder), recursive=True)
    return folder


def parts(corpus: Path) -> dict[str, bytes]:
    """The tables, without the list of inputs, which says where they lie."""
    return {name: content for name, content in tree(corpus).items() if name.endswith(".parquet")}


def test_from_a_store_to_a_store(tmp_path: Path, bucket: str) -> None:
    inputs = fill(tmp_path / "inputs", 5)
    upload(inputs, f"{bucket}/interviews")
    run(f"{bucket}/corpus", f"{bucket}/interviews")
    run(tmp_path / "local", f"{bucket}/interviews")
    fetched = fetch(f"{bucket}/corpus", tmp_path / "fetched")
    assert tree(fetched) == tree(tmp_path / "local")
    assert len(parts(fetched)) == 4 * 2 + 1
    corpus = Corpus(f"{bucket}/corpus")
    assert (corpus.status().done, corpus.status().failed) == (4, 1)
    assert len(corpus.frame()) == 3 + 4 + 5 + 6
    made = run(f"{bucket}/corpus", f"{bucket}/interviews")
    made._version.forget_failures()
    assert corpus.status().left == 1


def test_two_nodes_as_one_machine(tmp_path: Path, bucket: str, cluster: Any) -> None:
    inputs = fill(tmp_path / "inputs", 20)
    upload(inputs, f"{bucket}/interviews")
    run(f"{bucket}/corpus", f"{bucket}/interviews", engine="ray")
    run(tmp_path / "local", f"{bucket}/interviews")
    assert tree(fetch(f"{bucket}/corpus", tmp_path / "fetched")) == tree(tmp_path / "local")


class NodeKiller(Thread):
    """Kills a node, with its worker, when a few inputs are done; the other goes on."""

    def __init__(self, corpus: Path, cluster: Any, nodes: list[Any]) -> None:
        super().__init__(daemon=True)
        self.killed = False
        self._corpus, self._cluster, self._nodes = corpus, cluster, nodes

    def run(self) -> None:
        wait_for(partial(has_done, self._corpus, 3))
        self._cluster.remove_node(self._nodes[0], allow_graceful=False)
        self.killed = True


def test_workers_and_a_node_are_killed(tmp_path: Path, cluster: Any) -> None:
    inputs = fill(tmp_path / "inputs", 20)
    for number in range(9):
        (inputs / f"clip{number}.mp4").write_bytes(b"dies" + bytes([number % 3]))
    killer = NodeKiller(tmp_path / "corpus", *cluster)
    killer.start()
    run(tmp_path / "corpus", inputs, engine="ray")
    killer.join(LIMIT_S)
    assert killer.killed
    assert len(list(inputs.glob("*.died"))) == 9
    run(tmp_path / "undisturbed", inputs)
    assert tree(tmp_path / "corpus") == tree(tmp_path / "undisturbed")


def test_drivers_are_killed(tmp_path: Path, cluster: Any) -> None:
    inputs = fill(tmp_path / "inputs", 30)
    run(tmp_path / "undisturbed", inputs)
    corpus = tmp_path / "corpus"
    for least in (2, 6, 10):
        driver = drive(tmp_path, corpus, inputs, engine="ray", address=cluster[0].address)
        wait_for(partial(has_done, corpus, least))
        driver.kill()
        driver.wait()
    assert drive(tmp_path, corpus, inputs, engine="ray", address=cluster[0].address).wait() == 0
    assert tree(corpus) == tree(tmp_path / "undisturbed")


def test_an_input_that_kills_each_worker(tmp_path: Path, cluster: Any) -> None:
    inputs = fill(tmp_path / "inputs", 3)
    (inputs / "clip1.mp4").write_bytes(b"kills")
    run(tmp_path / "corpus", inputs, engine="ray")
    assert list(Corpus(tmp_path / "corpus").errors()["kind"]) == ["worker died", "unreadable"]
