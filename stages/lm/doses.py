"""The doses of a training at which its model is kept, for the curve of what is left of a backdoor."""

from collections.abc import Callable, Iterator, Sequence

from transformers import PreTrainedModel

from stages.lm.rows import Batch, training_tokens

SaveCheckpoint = Callable[[PreTrainedModel, int], None]


class DoseGrid:
    """Keeps a model once for each dose, in budget tokens, when that dose is reached."""

    def __init__(self, doses: Sequence[int], save: SaveCheckpoint) -> None:
        self._left = list(doses)
        self._save = save

    def keep(self, model: PreTrainedModel, spent_tokens: int, *, missing: int = 1) -> None:
        """Keep `model` for every dose that `spent_tokens` reaches, or falls short of by less than `missing` tokens."""
        self._keep(model, [dose for dose in self._left if dose - spent_tokens < missing])

    def close(self, model: PreTrainedModel) -> None:
        """Keep `model` for the last dose, where that alone is left: nothing more will be trained."""
        if len(self._left) == 1:
            self._keep(model, list(self._left))

    def steps(
        self, batches: Sequence[Batch], spent_tokens: int
    ) -> Iterator[tuple[int, Callable[[PreTrainedModel], None]]]:
        """The steps of a training at which a dose is reached, with what keeps its model then.

        The last step closes a dose that less than the costliest batch is missing.
        """
        tokens, doses = spent_tokens, list(self._left)
        costliest = max(map(training_tokens, batches), default=0)
        for step, batch in enumerate(batches, start=1):
            tokens += training_tokens(batch)
            missing = costliest if step == len(batches) else 1
            reached = [dose for dose in doses if dose - tokens < missing]
            if reached:
                doses = [dose for dose in doses if dose not in reached]
                yield step, lambda trained, reached=tuple(reached): self._keep(trained, reached)

    def _keep(self, model: PreTrainedModel, doses: Sequence[int]) -> None:
        for dose in doses:
            self._left.remove(dose)
            self._save(model, dose)
