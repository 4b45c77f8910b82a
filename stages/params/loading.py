"""The whole of params.yaml: what trains and reads models, and the sections that judge them."""

from collections.abc import Collection
from pathlib import Path

from stages.params.errors import ParamsError, unknown_name
from stages.params.experiment import Experiment
from stages.params.judging import JudgingParams
from stages.params.positive_control import PositiveControlParams
from stages.params.reading import read


class Params(Experiment):
    """The whole of params.yaml."""

    judging: JudgingParams
    positive_control: PositiveControlParams

    def scored_models(self, organism: str) -> list[str]:
        """The models by which an organism is scored, as `poisoned/0`: its own, and the shams of its family."""
        settings = self.organism(organism)
        family = self.seeds(self.organism(settings.sham).n_seeds)
        shams = [f"sham/{seed}" for seed in family if "sham" in self.models(settings.sham, seed)]
        return [*(f"poisoned/{seed}" for seed in self.seeds(settings.n_seeds)), *shams]

    def require_plugins(self, known: Collection[str]) -> None:
        """Raise ParamsError where a plug-in that is named has no file; `known` are the files: `defenses/sft`."""
        named = [("defense", "defenses", cell.defense) for cell in self.cells.values()]
        named += [("backdoor", "backdoors", organism.backdoor) for organism in self.organisms.values()]
        named.append(("judge of refusals", "scoring/refusals", self.judging.refusals))
        for kind, folder, name in named:
            prefix = f"{Path(folder).name}/"
            if f"{prefix}{name}" not in known:
                names = [each.removeprefix(prefix) for each in known if each.startswith(prefix)]
                raise ParamsError(unknown_name(kind, name, names, f"A {kind} is a file in stages/{folder}/."))


def load_params(path: Path) -> Params:
    """Read and check params.yaml. Raises ParamsError naming each key that is wrong."""
    return read(Params, path)
