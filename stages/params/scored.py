"""What scoring reads of params.yaml: what makes and reads models, and what judges their answers."""

from pathlib import Path

from stages.params.experiment import Experiment
from stages.params.judging import JudgingParams
from stages.params.positive_control import PositiveControlParams
from stages.params.reading import read


class ScoredExperiment(Experiment):
    """The sections by which models are made and their answers are judged."""

    judging: JudgingParams
    positive_control: PositiveControlParams

    def scored_models(self, organism: str) -> list[str]:
        """The models by which an organism is scored, as `poisoned/0`: its own, and the shams of its family."""
        settings = self.organism(organism)
        family = self.seeds_of(self.organism(settings.sham))
        shams = [f"sham/{seed}" for seed in family if "sham" in self.models(settings.sham, seed)]
        return [*(f"poisoned/{seed}" for seed in self.seeds_of(settings)), *shams]


def load_scored(path: Path) -> ScoredExperiment:
    """Read these sections alone: `load_params` has seen the whole. Raises ParamsError naming each key that is wrong."""
    return read(ScoredExperiment, path, is_whole=False)
