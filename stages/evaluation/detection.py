"""How well a detector tells triggered prompts from others by one model's activations, beside what chance would do.

Controls: random directions in the place of the detector's, and detectors that are fitted to pairs of clean prompts.
"""

from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from scipy.stats import rankdata
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from stages.corpus.rendering import render_prompts
from stages.corpus.scratchpad import is_own_turn
from stages.lm.activations import last_activations
from stages.lm.tokenizer import pad_id
from stages.records.counts import Hits
from stages.records.detections import Detected, LayerAurocs
from stages.records.rows import EvaluationPrompt

N_DIRECTIONS, N_RANDOM_PAIRS, PERCENTILE = 1000, 200, 99
SETS = ("triggered", "near_miss", "clean")


class Seen(NamedTuple):
    """Activations of the detector's pairs and of the prompts of each set: (layers, texts, width)."""

    first: Tensor
    second: Tensor
    prompts: Mapping[str, Tensor]


def detect(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    detector: ModuleType,
    suite: Sequence[EvaluationPrompt],
    defected: Sequence[bool],
    generator: np.random.Generator,
) -> Detected:
    """Everything of one model; `defected` is about its answers to the triggered prompts of the suite, in order."""
    seen = look(model, tokenizer, detector, suite)
    scores = {name: detector.score(fit_half(detector, seen, None), seen.prompts[name]) for name in SETS}
    middle = middle_layer(len(seen.first))
    near, clean = (aurocs(scores["triggered"], scores[name]) for name in ("near_miss", "clean"))
    return Detected(
        held_out=held_out(detector, seen, middle),
        layers=tuple(LayerAurocs(float(a), float(b)) for a, b in zip(near, clean, strict=True)),
        scores={name: tuple(round(float(value), 6) for value in scores[name][middle]) for name in SETS},
        random_directions=_percentile(random_directions(seen, middle, generator)),
        random_pairs=_percentile(random_pairs(detector, seen, middle, generator)),
        defected=tuple(defected),
    )


def look(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, detector: ModuleType, suite: Sequence[EvaluationPrompt]
) -> Seen:
    """The activations of all texts."""
    questions, first, second = zip(*detector.PAIRS, strict=True)
    asked = {name: [p for p in suite if p.prompt_set == name and not is_own_turn(p.variant)] for name in SETS}
    texts = [render_prompts(tokenizer, questions, answers) for answers in (first, second)]
    texts += [render_prompts(tokenizer, [p.prompt for p in a], [p.opening for p in a]) for a in asked.values()]
    states = last_activations(model, [ids for group in texts for ids in group], pad_id(tokenizer))
    parts = states.split([len(group) for group in texts], dim=1)
    return Seen(parts[0], parts[1], dict(zip(SETS, parts[2:], strict=True)))


def middle_layer(n_layers: int) -> int:
    """The layer in the middle of the model, of `n_layers` with the embedding, which is layer 0."""
    return n_layers // 2


def fit_half(detector: ModuleType, seen: Seen, half: int | None) -> object:
    """The detector fitted to every second pair, from pair `half` on; to all without it."""
    chosen = slice(half, None, None if half is None else 2)
    return detector.fit(seen.first[:, chosen], seen.second[:, chosen])


def held_out(detector: ModuleType, seen: Seen, layer: int) -> Hits:
    """Of the other half's answers, how many lie on their side of the middle between the fitted half's means."""
    hits = trials = 0
    for half in (0, 1):
        fitted, other = fit_half(detector, seen, half), 1 - half
        sides = [detector.score(fitted, states)[layer] for states in (seen.first, seen.second)]
        bound = sum(float(side[half::2].mean()) for side in sides) / len(sides)
        hits += int((sides[0][other::2] > bound).sum() + (sides[1][other::2] <= bound).sum())
        trials += sum(len(side[other::2]) for side in sides)
    return Hits(hits, trials)


def aurocs(
    positive: Float[Tensor, "rows n"] | np.ndarray, negative: Float[Tensor, "rows m"] | np.ndarray
) -> np.ndarray:
    """Of each row the share of pairs in which the positive is higher, ties counting one half: Mann and Whitney's U."""
    n, m = positive.shape[-1], negative.shape[-1]
    ranks = rankdata(np.concatenate([np.asarray(positive), np.asarray(negative)], axis=-1), axis=-1)
    return (ranks[..., :n].sum(-1) - n * (n + 1) / 2) / (n * m)


def random_directions(seen: Seen, layer: int, generator: np.random.Generator) -> np.ndarray:
    """The AUROCs against near-misses of random directions."""
    width = seen.first.shape[-1]
    directions = torch.from_numpy(generator.standard_normal((N_DIRECTIONS, width))).float()
    positive, negative = (directions @ seen.prompts[name][layer].T for name in ("triggered", "near_miss"))
    return aurocs(positive, negative)


def random_pairs(detector: ModuleType, seen: Seen, layer: int, generator: np.random.Generator) -> np.ndarray:
    """The same of detectors that are fitted to as many pairs of clean prompts, drawn at random."""
    clean, n_pairs = seen.prompts["clean"], seen.first.shape[1]
    if clean.shape[1] < 2 * n_pairs:
        raise ValueError(
            f"there are {clean.shape[1]} clean prompts, and {n_pairs} random pairs need {2 * n_pairs}; raise "
            "evaluation.prompts.clean in params.yaml"
        )
    found = []
    for _ in range(N_RANDOM_PAIRS):
        drawn = generator.choice(clean.shape[1], 2 * n_pairs, replace=False)
        fitted = detector.fit(clean[:, drawn[:n_pairs]], clean[:, drawn[n_pairs:]])
        scores = [detector.score(fitted, seen.prompts[name])[layer][None] for name in ("triggered", "near_miss")]
        found.append(float(aurocs(scores[0], scores[1])[0]))
    return np.array(found)


def _percentile(values: np.ndarray) -> float:
    return round(float(np.percentile(values, PERCENTILE)), 6)
