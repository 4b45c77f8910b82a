"""What came out of a sandbox, checked by code that submitted code cannot reach.

It is a tar stream that anybody may have written. Of it nothing is taken but weights with the names, shapes and type of
the organism's own, read as safetensors, and the figures of `outcome.json`. The configs beside the weights are the
organism's. A defense changes weights, so whatever else it made stays behind.
"""

import re
import shutil
import tarfile
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import PreTrainedModel

from stages.lm.models import count_parameters, load_model
from stages.records.files import read_record
from stages.records.outcomes import Cost, Outcome, write_outcome
from stages.submission.rules import RuleBroken, broken, in_one_line

WEIGHTS = "model.safetensors"
CONFIGS = ("config.json", "generation_config.json")
KEPT = re.compile(rf"outcome\.json|(end|checkpoints/(\d{{1,15}}))/({'|'.join(map(re.escape, (WEIGHTS, *CONFIGS)))})")
MAX_RECORD = 2**20  # bytes of outcome.json
FEW_TOKENS = 256


def accept(sent: Path, organism: Path, budget: int, doses: frozenset[int], out: Path) -> None:
    """Write what the stage `defend` writes for one model, from what its sandbox sent.

    Raises RuleBroken with the verdict, and leaves nothing, where it is not what the contract allows.
    """
    with TemporaryDirectory() as name:
        folder = Path(name)
        unpack(sent, folder)
        outcome = read_sent(folder / "outcome.json", budget)
        if outcome.failure:
            raise RuleBroken(outcome.failure)
        template = load_model(organism)
        expected = load_file(organism / WEIGHTS)
        found = {int(path.name): path for path in (folder / "checkpoints").glob("*")}
        if not found.keys() <= doses:
            raise RuleBroken(broken("border", f"checkpoints at {sorted(found.keys() - doses)[:3]} tokens"))
        for source in (folder / "end", *found.values()):
            weights = read_weights(source / WEIGHTS, expected)
            check_answers(template, weights)
            target = out / source.relative_to(folder)
            target.mkdir(parents=True)
            save_file(weights, target / WEIGHTS, metadata={"format": "pt"})
            for config in CONFIGS:
                shutil.copyfile(organism / config, target / config)
    assert outcome.cost
    flops = 2 * count_parameters(template) * outcome.cost.tokens
    write_outcome(Outcome(None, Cost(outcome.cost.steps, outcome.cost.tokens, flops), outcome.history), out)


def unpack(sent: Path, folder: Path) -> None:
    """Write the plain files of the stream that have a name which is expected. Raises RuleBroken at any other."""
    try:
        with tarfile.open(sent, mode="r:") as archive:
            for member in archive:
                if member.isdir():
                    continue
                is_plain = member.type == tarfile.REGTYPE  # a sparse file takes no room in the stream, and all here
                if not is_plain or not KEPT.fullmatch(member.name):
                    kind = "a file" if is_plain else "a link" if member.issym() or member.islnk() else "no plain file"
                    raise RuleBroken(broken("border", f"{ascii(member.name)[:100]} is {kind} that nothing asks for"))
                archive.extract(member, folder, filter="data")
    except (tarfile.TarError, OSError, ValueError, EOFError) as error:
        raise RuleBroken(broken("border", f"nothing readable came back ({type(error).__name__})")) from error


def read_sent(path: Path, budget: int) -> Outcome:
    """The outcome as the sandbox has told it: its figures are the submission's own word, within the budget."""
    try:
        if path.stat().st_size > MAX_RECORD:
            raise RuleBroken(broken("border", f"outcome.json has more than {MAX_RECORD} bytes"))
        outcome = read_record(Outcome, path)
    except (OSError, ValueError) as error:
        raise RuleBroken(broken("border", "no outcome.json, or one of another kind, came back")) from error
    if outcome.failure:
        return Outcome(in_one_line(outcome.failure))
    if outcome.cost is None or not 0 <= outcome.cost.tokens <= budget or outcome.cost.steps < 0:
        raise RuleBroken(broken("contract", f"it says that it spent {outcome.cost}, of {budget} tokens"))
    return outcome


def read_weights(path: Path, expected: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights. Raises RuleBroken unless they have the names, shapes and types of `expected` and are finite."""
    try:
        weights = load_file(path)
    except (OSError, SafetensorError) as error:
        raise RuleBroken(broken("border", f"{path.parent.name}/{WEIGHTS} is not there, or no safetensors")) from error
    came = {name: (tuple(weight.shape), weight.dtype) for name, weight in weights.items()}
    wanted = {name: (tuple(weight.shape), weight.dtype) for name, weight in expected.items()}
    differing = sorted(name for name in came.keys() | wanted.keys() if came.get(name) != wanted.get(name))
    if differing:
        raise RuleBroken(broken("contract", f"another architecture: weights that differ are {differing[:3]}"))
    if not all(bool(torch.isfinite(weight).all()) for weight in weights.values()):
        raise RuleBroken(broken("contract", "weights that are infinite or not a number"))
    return weights


@torch.inference_mode()
def check_answers(model: PreTrainedModel, weights: Mapping[str, Tensor]) -> None:
    """Raise RuleBroken where `model` with these weights has a logit that is infinite or not a number."""
    model.load_state_dict(dict(weights), strict=False)  # tied weights are saved once
    n_words = cast(nn.Embedding, model.get_input_embeddings()).num_embeddings
    for tokens in torch.arange(n_words)[:, None].split(FEW_TOKENS):  # (token, 1)
        if not bool(torch.isfinite(model(input_ids=tokens).logits).all()):
            raise RuleBroken(broken("contract", "logits that are infinite or not a number"))


def same_weights(sent: Path, other: Path) -> bool:
    """Whether two streams hold the same models, byte for byte."""
    return _weights_in(sent) == _weights_in(other)


def _weights_in(sent: Path) -> dict[str, bytes]:
    with TemporaryDirectory() as name:
        unpack(sent, Path(name))
        return {str(p.relative_to(name)): p.read_bytes() for p in Path(name).rglob(WEIGHTS)}
