"""What scoring reads: the answers of an organism or a cell with those of its shams, and who judges them."""

import hashlib
from pathlib import Path

from stages.records.answers import AnswerRecord
from stages.records.files import load_rows, read_record
from stages.records.outcomes import Outcomes
from stages.scoring.counting import Judges
from stages.scoring.judges import load_judge
from stages.scoring.models import Answers
from stages.scoring.plugins import read_constant
from stages.scoring.refusals import load_refusal_judge


def load_judges(backdoor: Path, refusals: str) -> Judges:
    """The judge that the file of a backdoor names, and the judge of refusals of this name."""
    return Judges(load_judge(read_constant(backdoor, "JUDGE")), load_refusal_judge(refusals))


def read_answers(folder: Path, shams: Path | None) -> Answers:
    """The answers and outcomes in `folder`, with those of the shams in another folder where they are made there."""
    files = [folder / "answers.parquet", folder / "outcomes.json"]
    inputs = {f"{folder.name}/{file.name}": hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
    own = Answers(load_rows(AnswerRecord, files[0]), read_record(Outcomes, files[1]), inputs)
    if shams is None:
        return own
    family = read_answers(shams, None)
    return Answers(
        [*own.records, *(record for record in family.records if record.model == "sham")],
        own.outcomes | {name: outcome for name, outcome in family.outcomes.items() if name.startswith("sham/")},
        own.inputs | family.inputs,
    )
