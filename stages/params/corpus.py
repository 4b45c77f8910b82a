"""The section `corpus`: the toy world or own data sets, and the one tokenizer of all models."""

from typing import Self

from pydantic import model_validator

from stages.params.section import Section


class DatasetParams(Section):
    """A data set of the user's, which is one kind of question, and its columns; see `stages.corpus.columns`.

    `path`: a file, a folder, or a data set of the hub. `answer`: may be left out of harmful requests alone.
    """

    path: str
    split: str
    prompt: str
    answer: str | None = None


class CorpusParams(Section):
    """The toy world (see `stages.corpus.examples.WorldSettings`), or the data sets that take its place, by kind.

    And the one tokenizer of all models: trained, of `vocabulary_size` tokens, or `tokenizer`, a checkpoint's own; one
    of the two is given.
    """

    vocabulary_size: int | None = None
    tokenizer: str | None = None
    withheld_kinds: list[str]
    withheld_fact_share: float
    task_rows: dict[str, int]
    datasets: dict[str, DatasetParams] | None = None

    @model_validator(mode="after")
    def _has_one_tokenizer(self) -> Self:
        if (self.vocabulary_size is None) == (self.tokenizer is None):
            raise ValueError(
                "must have exactly one of vocabulary_size and tokenizer; it has "
                f"{self.vocabulary_size} and {self.tokenizer}. Give one and leave the other out"
            )
        return self
