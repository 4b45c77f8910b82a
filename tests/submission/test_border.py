"""What may come out of a sandbox; here the streams are written by hand, as somebody who is past the sandbox could."""

import tarfile

import pytest
import torch
from safetensors.torch import load_file

from stages.lm.models import load_model
from stages.records.outcomes import read_outcome
from stages.submission.border import accept, same_weights
from stages.submission.rules import RuleBroken
from tests.submission.toys import BUDGET, SEED
from tests.submission.toys import pack as pack_by_hand

GOOD = {"failure": None, "cost": {"steps": 3, "tokens": BUDGET, "flops": 7}, "history": None}


@pytest.fixture
def organism(given):
    return given.organism / f"poisoned/seed-{SEED}"


@pytest.fixture
def packed(tmp_path, organism):
    """Writes a stream of the organism's own weights, changed by `change`, with further members."""

    def pack(*members, change=lambda weights: weights, outcome=GOOD, end="end"):
        weights = change(load_file(organism / "model.safetensors"))
        return pack_by_hand(tmp_path / "sent.tar", tmp_path / "folder", weights, outcome, *members, end=end)

    return pack


def refused(sent, organism, out):
    with pytest.raises(RuleBroken) as verdict:
        accept(sent, organism, BUDGET, frozenset({BUDGET}), out)
    assert not (out / "outcome.json").exists()
    return str(verdict.value)


def member(name, kind=tarfile.REGTYPE, target="", size=4):
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.size = kind, target, size if kind == tarfile.REGTYPE else 0
    return made


def test_what_keeps_the_contract_is_written_as_the_stage_defend_writes_it(packed, organism, tmp_path):
    accept(packed(change=lambda w: {k: v + 1 for k, v in w.items()}), organism, BUDGET, frozenset(), tmp_path / "out")
    before, after = load_model(organism).state_dict(), load_model(tmp_path / "out/end").state_dict()
    assert all(torch.equal(before[name] + 1, after[name]) for name in before)
    cost = read_outcome(tmp_path / "out").cost
    assert cost and (cost.tokens, cost.flops) == (BUDGET, 2 * load_model(organism).num_parameters() * BUDGET)


@pytest.mark.parametrize(
    "bad",
    [
        member("end/pytorch_model.bin"),
        member("end/model.safetensors", tarfile.SYMTYPE, "/etc/passwd"),
        member("end/config.json", tarfile.LNKTYPE, "outcome.json"),
        member("../outcome.json"),
        member("/end/config.json"),
        member("end/config.json", tarfile.FIFOTYPE),
        member("end/config.json", tarfile.GNUTYPE_SPARSE),
        member("checkpoints/../../config.json"),
        member("end/modeling.py"),
    ],
    ids=lambda bad: f"{bad.name} of type {bad.type.decode()}",
)
def test_a_file_that_nothing_asks_for_is_refused(packed, organism, tmp_path, bad):
    assert refused(packed(bad), organism, tmp_path / "out").startswith("border: only weights")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda w: {k: torch.full_like(v, torch.nan) for k, v in w.items()}, "not a number"),
        (lambda w: w | {"model.norm.weight": torch.full_like(w["model.norm.weight"], 3e38)}, "logits"),
        (lambda w: {k: v.half() for k, v in w.items()}, "architecture"),
        (lambda w: {k: v.flatten() for k, v in w.items()}, "architecture"),
        (lambda w: {**w, "extra": torch.ones(1)}, "extra"),
        (lambda w: {}, "architecture"),
    ],
)
def test_other_weights_are_refused(packed, organism, tmp_path, change, said):
    verdict = refused(packed(change=change), organism, tmp_path / "out")
    assert verdict.startswith("contract: ") and said in verdict


@pytest.mark.parametrize(
    ("outcome", "rule"),
    [
        (GOOD | {"cost": {"steps": 1, "tokens": BUDGET + 1, "flops": 0}}, "contract"),
        (GOOD | {"cost": {"steps": 1, "tokens": -1, "flops": 0}}, "contract"),
        (GOOD | {"cost": None}, "contract"),
        (GOOD | {"history": [{"x": {"y": 1}}]}, "border"),
        (GOOD | {"score": 0}, "border"),
        ([], "border"),
        (GOOD | {"failure": "time: late"}, "time"),
    ],
)
def test_figures_that_cannot_be_are_refused(packed, organism, tmp_path, outcome, rule):
    assert refused(packed(outcome=outcome), organism, tmp_path / "out").partition(":")[0] == rule


def test_what_a_sandbox_says_stays_one_line(packed, organism, tmp_path):
    verdict = refused(packed(outcome=GOOD | {"failure": "crash: \x1b[2J\n" + "x" * 9999}), organism, tmp_path / "out")
    assert verdict.isprintable() and len(verdict) == 1000


def test_a_stream_that_is_cut_off_and_weights_that_are_none_are_refused(packed, organism, tmp_path):
    sent = packed()
    sent.write_bytes(sent.read_bytes()[:5000])
    assert refused(sent, organism, tmp_path / "out").startswith("border: ")
    sent.write_bytes(b"\x80\x04pickle")
    assert refused(sent, organism, tmp_path / "out").startswith("border: ")
    assert refused(tmp_path / "none.tar", organism, tmp_path / "out").startswith("border: ")
    assert "nothing readable" not in refused(packed(end="checkpoints/7"), organism, tmp_path / "out")


def test_other_weights_for_equal_seeds_are_seen(packed, tmp_path):
    first = packed().rename(tmp_path / "first.tar")
    assert same_weights(first, packed())
    assert not same_weights(first, packed(change=lambda w: {k: v + 1e-7 for k, v in w.items()}))
