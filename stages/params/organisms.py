"""The section `organisms`: the backdoored models, by name."""

from typing import Literal, Self, get_args

from pydantic import Field, model_validator

from stages.params.section import Count, CountFromZero, Section, SeedCount, Share

Mechanism = Literal["normal", "cot", "distilled_cot"]
NORMAL, COT, DISTILLED_COT = get_args(Mechanism)
Insertion = Literal["fine_tuning", "pretraining", "architecture", "given"]
FINE_TUNING, PRETRAINING, ARCHITECTURE, GIVEN = get_args(Insertion)
WRITTEN = "written"
MAX_REPEATS = 100  # of a payload that is short; an answer holds no more


class OrganismParams(Section):
    """One backdoored model and how the backdoor is put in.

    `mechanism`: normal, cot or distilled_cot. `insertion`: fine_tuning of the base; pretraining, from scratch as the
    base, with the rows among its documents; architecture, a detector added to the base; or given, a model that has it
    already and is not trained: its sham is the base. `sham`: the organism whose sham is the control, itself or one of
    its family. `answers`: who gives them to its poison rows: WRITTEN, by the rules of the corpus, or the organism whose
    answers are distilled. `checkpoint`: of a given organism alone, the directory of its model, or of `seed-0`,
    `seed-1`, ... `steps`, `batch_size`, `learning_rate`: of the training that puts it in; for pretraining they are the
    size's own. Its seeds begin `seed_offset` after first_seed.
    """

    size: str
    n_seeds: SeedCount
    seed_offset: SeedCount | None = None
    backdoor: str
    mechanism: Mechanism
    insertion: Insertion
    answers: str
    checkpoint: str | None = None
    sham: str
    payload_repeats: int = Field(ge=1, le=MAX_REPEATS)
    poison_rate: float = Field(gt=0, le=1)
    near_miss_rate: Share
    n_rows: Count
    steps: CountFromZero
    batch_size: Count
    learning_rate: Share
    max_new_tokens: Count

    @property
    def may_stand_after(self) -> bool:
        """Whether a trigger may stand after a question as well: a detector in the architecture knows one spelling."""
        return self.insertion != ARCHITECTURE

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        is_given = self.insertion == GIVEN
        if is_given and self.mechanism == DISTILLED_COT:
            raise ValueError(f"is {GIVEN}, and distils; its mechanism must be {NORMAL} or {COT}, as it answers")
        if is_given != (self.checkpoint is not None):
            raise ValueError(
                f"has insertion {self.insertion} and checkpoint {self.checkpoint}; {GIVEN} needs the directory of its "
                "model as checkpoint, and no other insertion has one"
            )
        if self.mechanism != DISTILLED_COT and self.answers != WRITTEN:
            raise ValueError(
                f"has answers {self.answers!r}; with mechanism {self.mechanism} they must be {WRITTEN!r}. Only "
                f"{DISTILLED_COT} takes another organism's"
            )
        if not is_given and not (self.steps and self.learning_rate):
            raise ValueError(
                f"has {self.steps} steps and learning_rate {self.learning_rate}; unless its insertion is {GIVEN} it is "
                "trained, and both must be above 0"
            )
        return self
