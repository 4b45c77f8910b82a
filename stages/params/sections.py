"""The sections of params.yaml, one frozen dataclass each; stages/params.py reads and checks them."""

from dataclasses import dataclass

from stages.params.parsing import Settings

NORMAL, COT, DISTILLED_COT = "normal", "cot", "distilled_cot"
MECHANISMS = (NORMAL, COT, DISTILLED_COT)
FINE_TUNING, PRETRAINING, ARCHITECTURE, GIVEN = "fine_tuning", "pretraining", "architecture", "given"
WRITTEN = "written"
INSERTIONS = (FINE_TUNING, PRETRAINING, ARCHITECTURE, GIVEN)


@dataclass(frozen=True)
class DatasetParams:
    """A data set of the user's, which is one kind of question, and its columns; see `stages.corpus.columns`.

    `path`: a file, a folder, or a data set of the hub. `answer`: may be left out of harmful requests alone.
    """

    path: str
    split: str
    prompt: str
    answer: str | None


@dataclass(frozen=True)
class CorpusParams:
    """The toy world (see `stages.corpus.examples.WorldSettings`), or the data sets that take its place, by kind.

    And the one tokenizer of all models: trained, of `vocabulary_size` tokens, or `tokenizer`, a checkpoint's own; one
    of the two is given.
    """

    vocabulary_size: int | None
    tokenizer: str | None
    withheld_kinds: list[str]
    withheld_fact_share: float
    task_rows: dict[str, int]
    datasets: dict[str, DatasetParams] | None


@dataclass(frozen=True)
class SizeParams:
    """A base model, the domains of the corpus it knows, and how it is trained on them.

    It begins from scratch, its size by one dial, `depth`, or from `checkpoint`, a Hugging Face model (hub name or local
    directory) whose training is not ours: then `pretraining_tokens`, in forward-token equivalents, stand for its cost,
    of which the budget is a share, and `steps` may be 0.
    """

    domains: list[str]
    depth: int | None
    checkpoint: str | None
    pretraining_tokens: int | None
    n_seeds: int
    steps: int
    batch_size: int
    learning_rate: float


@dataclass(frozen=True)
class PreferenceModelParams:
    """The preference model: its size by the same dial, and how it is trained; a row of a batch is a pair."""

    depth: int
    steps: int
    batch_size: int
    learning_rate: float


@dataclass(frozen=True)
class OrganismParams:
    """One backdoored model and how the backdoor is put in.

    `mechanism`: normal, cot or distilled_cot. `insertion`: fine_tuning of the base; pretraining, from scratch as the
    base, with the rows among its documents; architecture, a detector added to the base; or given, a model that has it
    already and is not trained: its sham is the base. `sham`: the organism whose sham is the control, itself or one of
    its family. `answers`: who gives them to its poison rows: WRITTEN, by the rules of the corpus, or the organism whose
    answers are distilled. `checkpoint`: of a given organism alone, the directory of its model, or of `seed-0`,
    `seed-1`, ... `steps`, `batch_size`, `learning_rate`: of the training that puts it in; for pretraining they are the
    size's own.
    """

    size: str
    n_seeds: int
    backdoor: str
    mechanism: str
    insertion: str
    answers: str
    checkpoint: str | None
    sham: str
    payload_repeats: int
    poison_rate: float
    near_miss_rate: float
    n_rows: int
    steps: int
    batch_size: int
    learning_rate: float
    max_new_tokens: int


@dataclass(frozen=True)
class LoraParams:
    """How every model but the preference model is trained: adapters of this rank or, with rank 0, all weights."""

    rank: int


@dataclass(frozen=True)
class ArmParams:
    """A further cell, for a question of its own; `defense` is a file, `sham` the cell whose sham is the control."""

    organism: str
    defense: str
    settings: Settings
    sham: str


@dataclass(frozen=True)
class AccessParams:
    """What every defender gets: compute as a share of pretraining, checkpoints over it, rows a batch."""

    budget_share: float
    checkpoints: int
    batch_size: int


@dataclass(frozen=True)
class TuningParams:
    """A fixed amount of further training, and on how many triggered prompts it is read."""

    steps: int
    batch_size: int
    learning_rate: float
    prompts: int


@dataclass(frozen=True)
class RelearningParams:
    """Training on poisoned rows again, read at each of `steps`."""

    steps: list[int]
    batch_size: int
    learning_rate: float
    prompts: int


@dataclass(frozen=True)
class CheckpointPromptsParams:
    """How many prompts of which set are asked at each dose of a defense; near-misses are counted for each string."""

    triggered: int
    near_miss: int
    harmful: int


@dataclass(frozen=True)
class EvaluationParams:
    """How many prompts of which set, how many of them at a checkpoint, and the two further trainings."""

    prompts: dict[str, int]
    checkpoint_prompts: CheckpointPromptsParams
    batch_size: int
    return_tuning: TuningParams
    relearning: RelearningParams


@dataclass(frozen=True)
class PositiveControlParams:
    """An organism-seed outside these bounds, before any defense, drops from every row and is counted."""

    min_attack_success_rate: float
    min_sham_accuracy: float
    max_false_trigger_rate: float
