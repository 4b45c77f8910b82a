"""A second clone gets what was made from a remote, a folder or an S3 bucket, and runs nothing."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from shutil import copy

import boto3
import pytest
from dvc.repo import Repo
from moto.server import ThreadedMotoServer

from tests.flows.toys import run, toy_project

BUCKET = "benchmark"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "made-up", "AWS_SECRET_ACCESS_KEY": "made-up", "AWS_DEFAULT_REGION": "us-east-1"}


def dvc(folder: Path, *arguments: str, environment: Mapping[str, str] = {}) -> None:  # noqa: B006  # never changed
    command = [sys.executable, "-m", "dvc", *arguments]
    done = subprocess.run(
        command, cwd=folder, env=os.environ | environment, capture_output=True, encoding="utf-8", timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def s3() -> Iterator[str]:
    """The address of a real S3 server on loopback, with a bucket."""
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    keys = {"aws_access_key_id": "made-up", "aws_secret_access_key": "made-up", "region_name": "us-east-1"}
    boto3.client("s3", endpoint_url=endpoint, **keys).create_bucket(Bucket=BUCKET)
    yield endpoint
    server.stop()


def second_clone(first: Path, folder: Path) -> Path:
    """What git would hold of `first`, without a cache."""
    (folder / "data").mkdir(parents=True)
    Repo.init(str(folder), no_scm=True).close()
    for name in ("dvc.yaml", "dvc.lock", "params.yaml", "seed.txt"):
        copy(first / name, folder / name)
    for metric in (first / "data").glob("s_*"):  # not in the cache, so in git
        copy(metric, folder / "data" / metric.name)
    return folder


def assert_second_clone_runs_nothing(first: Path, second: Path, environment: Mapping[str, str]) -> None:
    dvc(first, "push", "--remote", "shared", environment=environment)
    dvc(second, "pull", "--remote", "shared", environment=environment)
    assert (second / "data" / "made").read_bytes() == (first / "data" / "made").read_bytes()
    assert set(run(second).values()) == {"unchanged"} and not (second / "log").exists()


def test_from_a_folder(tmp_path):
    first = toy_project(tmp_path / "first")
    run(first)
    second = second_clone(first, tmp_path / "second")
    for clone in (first, second):
        dvc(clone, "remote", "add", "shared", str(tmp_path / "remote"))
    assert_second_clone_runs_nothing(first, second, {})


def test_from_s3(tmp_path, s3):
    first = toy_project(tmp_path / "first")
    run(first)
    second = second_clone(first, tmp_path / "second")
    for clone in (first, second):
        dvc(clone, "remote", "add", "--local", "shared", f"s3://{BUCKET}/dvc")
        dvc(clone, "remote", "modify", "--local", "shared", "endpointurl", s3)
    assert_second_clone_runs_nothing(first, second, CREDENTIALS)
