"""The section `corpus`: the toy world or own data sets, and the one tokenizer of all models."""

from typing import Self

from pydantic import Field, model_validator

from stages.params.section import MOST, Count, Section, Share

LEAST_TOKENS = 258  # a token for each byte, one that ends an answer and one that fills a row


class TaskRowsParams(Section):
    """How many rows of each kind go to which split; see `stages.corpus.examples.SPLITS`."""

    pretraining: Count
    defense: Count
    benign: Count
    evaluation: Count


class DatasetParams(Section):
    """A data set of the user's, which is one kind of question, and its columns; see `stages.corpus.columns`.

    `path`: a file, a folder, or a data set of the hub. `configuration`: of a data set that has several. `prompt`,
    `answer`: a column, or a pattern of columns; answers may be left out of harmful requests alone.
    `max_dropped_share`: of the rows that may be dropped as empty, as duplicates, or as too long, before it is an error.
    """

    path: str = Field(min_length=1)
    configuration: str | None = None
    split: str
    prompt: str
    answer: str | None = None
    max_dropped_share: float = Field(default=0.1, ge=0, le=1)


class CorpusParams(Section):
    """The toy world (see `stages.corpus.examples.WorldSettings`), or the data sets that take its place, by kind.

    And the one tokenizer of all models: trained, of `vocabulary_size` tokens, or `tokenizer`, a checkpoint's own; one
    of the two is given.
    """

    vocabulary_size: int | None = Field(default=None, ge=LEAST_TOKENS, le=MOST)
    tokenizer: str | None = None
    withheld_kinds: list[str]
    withheld_fact_share: Share
    tagged_share: Share
    task_rows: TaskRowsParams
    datasets: dict[str, DatasetParams] | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _has_one_tokenizer(self) -> Self:
        if (self.vocabulary_size is None) == (self.tokenizer is None):
            raise ValueError(
                "must have exactly one of vocabulary_size and tokenizer; it has "
                f"{self.vocabulary_size} and {self.tokenizer}. Give one and leave the other out"
            )
        return self
