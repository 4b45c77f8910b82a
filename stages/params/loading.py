"""The whole of params.yaml: what trains and reads models, and the sections that judge them."""

from collections.abc import Collection
from pathlib import Path
from typing import Self

from pydantic import model_validator

from stages.params.claims import POOLS, ClaimsParams
from stages.params.detection import DetectionParams
from stages.params.errors import ParamsError, look_up, unknown_name
from stages.params.reading import read
from stages.params.scored import ScoredExperiment


class Params(ScoredExperiment):
    """The whole of params.yaml."""

    detection: DetectionParams
    claims: ClaimsParams

    @model_validator(mode="after")
    def _the_board_has_shams_of_its_own(self) -> Self:
        for name in self.board:
            if self.organism(name).sham != name:
                raise ParamsError(
                    f"board names {name}, whose sham is that of {self.organism(name).sham}; an organism on the board "
                    f"needs one of its own. Set organisms.{name}.sham to {name}, or give its cells under `arms`"
                )
        return self

    @model_validator(mode="after")
    def _pools_hold_seeds_of_their_own(self) -> Self:
        for pool, organisms in self.claims.pools.items():
            look_up(dict.fromkeys(POOLS), pool, "pool", "Mend claims.pools: a claim asks about these alone.")
            whose: dict[int, str] = {}
            for name in organisms:
                for seed in self.seeds_of(self.organism(name)):
                    if seed in whose:
                        raise ParamsError(
                            f"claims.pools.{pool} has seed {seed} twice, of {whose[seed]} and of {name}; a seed counts "
                            "once. Take one out, or give it a seed_offset"
                        )
                    whose[seed] = name
        return self

    @model_validator(mode="after")
    def _detectors_look_into_cells_of_the_board(self) -> Self:
        advice = "Mend `detection`: detectors look into cells of the board."
        for name in self.detection.organisms:
            look_up(dict.fromkeys(self.board), name, "organism of the board", advice)
        for name in self.detection.defenses:
            look_up(self.defenses, name, "defense", advice)
        return self

    def require_plugins(self, known: Collection[str]) -> None:
        """Raise ParamsError where a plug-in that is named has no file; `known` are the files: `defenses/sft`."""
        named = [("defense", "defenses", cell.defense) for cell in self.cells.values()]
        named += [("backdoor", "backdoors", organism.backdoor) for organism in self.organisms.values()]
        named += [("detector", "detectors", name) for name in self.detection.detectors]
        named.append(("judge of refusals", "scoring/refusals", self.judging.refusals))
        for kind, folder, name in named:
            prefix = f"{Path(folder).name}/"
            if f"{prefix}{name}" not in known:
                names = [each.removeprefix(prefix) for each in known if each.startswith(prefix)]
                raise ParamsError(unknown_name(kind, name, names, f"A {kind} is a file in stages/{folder}/."))


def load_params(path: Path) -> Params:
    """Read and check params.yaml. Raises ParamsError naming each key that is wrong."""
    return read(Params, path)
