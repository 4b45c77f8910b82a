"""How far apart two saved models are: the Euclidean distance over all weights. Needs no torch and runs no model.

A defense that gives back a stored clean model passes every test of behaviour. Its weights tell: they are near the clean
model and far from the input. The flag says no more than that; docs/submitting.md says what it cannot see.
"""

import math
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

from stages.records.weighed import Weighed

WEIGHTS = "*.safetensors"  # a large model is saved in several files


def weigh(defended: Path, given: Path, siblings: Mapping[str, Path]) -> Weighed:
    """The distances of the model in the folder `defended`: to the one that the defense was given, to clean siblings.

    Raises ValueError where a folder holds no weights, where two models have other weights, or without a sibling.
    """
    if not siblings:
        raise ValueError(f"{given} has no clean sibling to compare with: neither its sham nor its base is there")
    return Weighed(
        to_input=distance(defended, given),
        to_siblings={name: distance(defended, folder) for name, folder in siblings.items()},
    )


def distance(first: Path, second: Path) -> float:
    """The Euclidean distance over all weights of the models in two folders."""
    with ExitStack() as files:
        ours, theirs = (_weights_of(folder, files) for folder in (first, second))
        if ours.keys() != theirs.keys():
            other = sorted(ours.keys() ^ theirs.keys())
            raise ValueError(f"{first} and {second} are of two architectures: only one of them has {other[0]}")
        return math.sqrt(math.fsum(_squared_distances(ours, theirs, f"{first} and {second}")))


def _squared_distances(ours: Mapping[str, safe_open], theirs: Mapping[str, safe_open], which: str) -> Iterator[float]:
    for name in sorted(ours):
        own, other = (file[name].get_tensor(name).astype(np.float64) for file in (ours, theirs))
        if own.shape != other.shape:
            raise ValueError(f"{which} are of two architectures: {name} has shapes {own.shape} and {other.shape}")
        yield float(((own - other) ** 2).sum())


def _weights_of(folder: Path, files: ExitStack) -> dict[str, safe_open]:
    """By the name of each weight, the open file that has it."""
    paths = sorted(folder.glob(WEIGHTS))
    if not paths:
        raise ValueError(f"{folder} holds no weights ({WEIGHTS}); run `dvc repro` to make them again")
    try:
        opened = [files.enter_context(safe_open(path, framework="numpy")) for path in paths]
    except (OSError, SafetensorError) as error:
        raise ValueError(f"{folder} holds no readable weights ({error}); run `dvc repro` to make them again") from error
    return {name: file for file in opened for name in file.keys()}  # noqa: SIM118
