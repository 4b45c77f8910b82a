from stages.backdoors import backdoor_names, draw_trigger
from stages.records.files import read_record, write_json
from stages.records.triggers import Trigger, Triggers


def test_near_misses_are_those_with_rows_in_training_and_those_without():
    trigger = Trigger("|apple|", {"other_marks": "[apple]"}, {"plural": "|apples|"}, {"no_marks": "apple"})
    assert trigger.near_misses == {"other_marks": "[apple]", "plural": "|apples|"}


def test_triggers_of_all_backdoors_and_seeds_survive_a_file(tmp_path):
    triggers = {name: {seed: draw_trigger(name, seed) for seed in (200, 201)} for name in backdoor_names()}
    write_json(triggers, tmp_path / "triggers.json")
    assert read_record(Triggers, tmp_path / "triggers.json") == triggers
