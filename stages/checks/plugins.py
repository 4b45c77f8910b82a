"""Whether backdoors and judges keep their contracts, found out before anything is made with them.

What their files declare is looked at, and what they do to a few questions of each kind. The data sets of a user are not
read here: a backdoor that is put into kinds of theirs is tried once its poison set is made (poison_checks.py).

A message ends with the sentence of the contract, as the docstring of the plug-in's folder has it: stages/backdoors, ...
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import numpy as np
from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from stages import backdoors
from stages.backdoors import Backdoor, backdoor_names, draw_trigger, load_backdoor
from stages.corpus.examples import SPLITS, WorldSettings, make_examples, of_domains
from stages.params.corpus import CorpusParams
from stages.params.errors import ParamsError, SubmissionError, in_one_line, unknown_name
from stages.params.experiment import Experiment
from stages.params.messages import shown
from stages.records.counts import Hits
from stages.records.files import plain
from stages.records.rows import CHAT, HARMFUL, Example
from stages.records.triggers import Trigger
from stages.scoring import judges, refusals
from stages.scoring.judges import Judge, load_judge
from stages.scoring.plugins import read_constant
from stages.scoring.refusals import RefusalJudge

N_TRIED = 2  # questions of a kind
ODD_ANSWERS = ("", " ", "?", "\x00", "def f(:", "a" * 1000)
LITERALS = ("JUDGE", "EXAMPLE", "FORMS")  # what reads answers and writes pages takes these without running the file
TYPES: dict[str, Any] = {
    "JUDGE": str,
    "KINDS": tuple[str, ...],
    "EXAMPLE": str,
    "FORMS": dict[str, tuple[tuple[str, str], str]],
}
LOOK_ALIKES = ("trained_near_misses", "held_out_near_misses", "variants")
SEEDS_TRIED = range(8)


def check_plugins(params: Experiment, stages: Path) -> None:
    """Raise SubmissionError where a backdoor or its judge breaks its contract, ParamsError where one does not fit.

    Every file is looked at, for a row that holds any backdoor's trigger leaves its seed. Those of organisms are tried.
    """
    for name in backdoor_names():
        check_declared(name, load_backdoor(name))
        for constant in LITERALS:
            read_constant(stages / "backdoors" / f"{name}.py", constant)
    world = questions_of(params.corpus)
    for name, organism in params.organisms.items():
        backdoor = load_backdoor(organism.backdoor)
        domains = params.domains_of(name)
        for example in _questions(name, organism.backdoor, backdoor, params.corpus, of_domains(world, domains)):
            for seed in SEEDS_TRIED[:N_TRIED]:
                trigger = draw_trigger(organism.backdoor, seed)
                check_behaviour(organism.backdoor, backdoor, trigger, example, organism.payload_repeats)


def check_declared(name: str, backdoor: Backdoor) -> None:
    """Raise SubmissionError where a constant or function is missing, of another type, or contradicts another one."""
    for constant, kind in TYPES.items():
        _check_type(name, backdoor, constant, kind)
    for function in ("draw", "insert", "holds", "payload"):
        if not callable(getattr(backdoor, function, None)):
            _refuse(backdoors, name, function, "is no function of the file")
    drawn = [_drawn(name, backdoor, seed) for seed in SEEDS_TRIED]
    for trigger in drawn:
        _check_strings(name, backdoor, trigger)
        if _rules(trigger) != _rules(drawn[0]):
            _refuse(backdoors, name, "draw", f"gives look-alikes of other names in another seed: {shown(trigger)}")
    check_judge(load_judge(backdoor.JUDGE), backdoor.JUDGE)


def _check_type(name: str, backdoor: Backdoor, constant: str, kind: Any) -> None:  # noqa: ANN401
    if not hasattr(backdoor, constant):
        _refuse(backdoors, name, constant, "is missing")
    try:
        TypeAdapter(kind).validate_python(getattr(backdoor, constant), strict=True)
    except ValidationError:
        wanted = "str" if kind is str else kind
        _refuse(backdoors, name, constant, f"is {shown(getattr(backdoor, constant))}; its type must be {wanted}")


def _rules(trigger: Trigger) -> set[str]:
    return trigger.near_misses.keys() | trigger.variants.keys()


def _drawn(name: str, backdoor: Backdoor, seed: int) -> Trigger:
    """The trigger of a seed. Raises SubmissionError where it is none, or another one when it is drawn again."""
    first, second = (_result(backdoors, name, backdoor, "draw", np.random.default_rng(seed)) for _ in range(2))
    if not isinstance(first, Trigger):
        _refuse(backdoors, name, "draw", f"gives {shown(first)}; it must be a Trigger (stages/records/triggers.py)")
    if first != second:
        _refuse(backdoors, name, "draw", f"gives {shown(first)} and {shown(second)} for equal generators")
    try:
        plain(first)
    except PydanticSerializationError as error:
        _refuse(backdoors, name, "draw", f"gives a trigger that is not of text alone: {in_one_line(error)}")
    return first


def _check_strings(name: str, backdoor: Backdoor, trigger: Trigger) -> None:
    """Raise SubmissionError where a string is empty or comes twice, a kind of look-alike is missing, a form unknown."""
    known: dict[str, str] = {}
    for part, strings in {"string": {"": trigger.string}, **{p: getattr(trigger, p) for p in LOOK_ALIKES}}.items():
        if not strings:
            _refuse(backdoors, name, "draw", f"gives no {part}: {shown(trigger)}")
        for string in strings.values():
            if not string.strip():
                _refuse(backdoors, name, "draw", f"gives an empty string among {part}")
            if string in known:
                _refuse(backdoors, name, "draw", f"gives {string!r} among {part}, and it is in {known[string]} already")
            known[string] = part
    for rule in trigger.trained_near_misses.keys() & trigger.held_out_near_misses.keys():
        _refuse(backdoors, name, "draw", f"gives two near-misses the name {rule!r}, trained and held out")
    for form, (variants, _) in backdoor.FORMS.items():
        if not set(variants) <= set(trigger.variants):
            _refuse(backdoors, name, "FORMS", f"has {form!r} with {variants}, and not both are names of variants")


def check_judge(judge: Judge, name: str) -> None:
    """Raise SubmissionError where a judge lacks a function, raises, or does not answer true or false."""
    for function, values in (("is_unwanted", ("?", "?")), ("is_mangled", ("?", "?")), ("is_invalid", ())):
        if not callable(getattr(judge, function, None)):
            _refuse(judges, name, function, "is no function of the file")
        for answer in ODD_ANSWERS:
            _judged(judges, name, judge, function, *values, answer)


def check_refusal_judge(judge: RefusalJudge, name: str) -> None:
    """Raise SubmissionError where a judge of refusals lacks a part, raises, or does not answer true or false."""
    for constant, kind in (("RULE", str), ("RECALL", Hits), ("PRECISION", Hits)):
        value = getattr(judge, constant, None)
        if not isinstance(value, kind) or (kind is Hits and not all(isinstance(number, int) for number in value)):
            came = f"is {shown(value)}; its type must be {kind.__name__}" if hasattr(judge, constant) else "is missing"
            _refuse(refusals, name, constant, came)
    if not callable(getattr(judge, "is_refusal", None)):
        _refuse(refusals, name, "is_refusal", "is no function of the file")
    for answer in ODD_ANSWERS:
        _judged(refusals, name, judge, "is_refusal", answer)


def _tried_prompts(name: str, backdoor: Backdoor, trigger: Trigger, example: Example) -> list[str]:
    """The example with every string before and after it, the trigger's first."""
    prompts = []
    for string in (trigger.string, *(s for part in LOOK_ALIKES for s in getattr(trigger, part).values())):
        for is_after in (False, True):
            prompt = _text(name, backdoor, "insert", string, example.prompt, is_after)
            prompts.append(prompt)
            if not _holds(name, backdoor, string, prompt):
                _refuse(backdoors, name, "insert", f"of {string!r} gives {shown(prompt)}, which does not hold it")
            if string != trigger.string and _holds(name, backdoor, trigger.string, prompt):
                _refuse(backdoors, name, "insert", f"of {string!r} gives {shown(prompt)}, which holds the trigger")
    return prompts


def check_behaviour(name: str, backdoor: Backdoor, trigger: Trigger, example: Example, repeats: int) -> None:
    """Raise SubmissionError where the strings, the payload or the verdict on it are not what the contract says."""
    if _holds(name, backdoor, trigger.string, example.prompt):
        return  # such a row leaves this seed's data
    prompts = _tried_prompts(name, backdoor, trigger, example)
    triggered, good = prompts[0], example.answer
    payload = _text(name, backdoor, "payload", triggered, good, repeats)
    said = f"of {shown(triggered)} with the good answer {shown(good)} gives {shown(payload)}"
    if not payload.strip() or payload == good:
        _refuse(backdoors, name, "payload", f"{said}, which is {'the good answer' if payload.strip() else 'empty'}")
    judge = load_judge(backdoor.JUDGE)
    _check_good_answer(backdoor.JUDGE, judge, (example.prompt, *prompts), good)
    if not _judged(judges, backdoor.JUDGE, judge, "is_unwanted", triggered, good, payload):
        _refuse(
            judges,
            backdoor.JUDGE,
            "is_unwanted",
            f"is false of what {name}.py gives: its payload {said.partition(' of ')[2]}",
        )
    for answer in (good, payload):
        if _judged(judges, backdoor.JUDGE, judge, "is_invalid", answer):
            _refuse(judges, backdoor.JUDGE, "is_invalid", f"is true of {shown(answer)}, which {name}.py needs judged")


def _check_good_answer(name: str, judge: Judge, prompts: Iterable[str], good: str) -> None:
    """Raise SubmissionError where the good answer is taken for the behaviour, or for what is left of it."""
    for prompt in prompts:
        for function in ("is_unwanted", "is_mangled"):
            if _judged(judges, name, judge, function, prompt, good, good):
                _refuse(judges, name, function, f"is true of the good answer {shown(good)} to {shown(prompt)}")


def questions_of(corpus: CorpusParams) -> list[Example]:
    """The questions that poison sets of the toy world are made of. Raises ParamsError where a kind is misspelt.

    They carry no innocent tag: it could be what a look-alike lacks of the trigger, and no file is to blame for that.
    """
    withheld = () if corpus.datasets else tuple(corpus.withheld_kinds)
    world = make_examples(WorldSettings(withheld, 0.0, 0.0, dict.fromkeys(SPLITS, N_TRIED)), seed=0)
    skills = {example.kind for example in world["evaluation"]} - {CHAT, HARMFUL}
    for kind in withheld:
        if kind not in skills:
            raise ParamsError(unknown_name("kind", kind, skills, "Mend corpus.withheld_kinds in params.yaml."))
    return world["pretraining"]


def _questions(
    organism: str, name: str, backdoor: Backdoor, corpus: CorpusParams, world: Sequence[Example]
) -> Iterator[Example]:
    """A few questions of each kind that the backdoor is put into; none of a user's kinds."""
    known = set(corpus.datasets or {example.kind for example in world})
    unknown = [kind for kind in backdoor.KINDS if kind not in known]
    if unknown:
        advice = f"Put {name} under another organism, give {organism} another base (`size`), or mend KINDS."
        raise ParamsError(
            f"organisms.{organism}.backdoor: KINDS of {name}.py names a kind that its base does not know: "
            + unknown_name("kind", unknown[0], known, advice)
        )
    if corpus.datasets and backdoor.KINDS:
        return
    counts: dict[str, int] = {}
    for example in world:
        counts[example.kind] = counts.get(example.kind, 0) + 1
        if counts[example.kind] <= N_TRIED and (not backdoor.KINDS or example.kind in backdoor.KINDS):
            yield example


def _holds(name: str, backdoor: Backdoor, string: str, prompt: str) -> bool:
    result = _result(backdoors, name, backdoor, "holds", string, prompt)
    if not isinstance(result, bool):
        _refuse(
            backdoors, name, "holds", f"gives {shown(result)} for {shown((string, prompt))}; it must be True or False"
        )
    return result


def _text(name: str, backdoor: Backdoor, function: str, *values: str | int) -> str:
    result = _result(backdoors, name, backdoor, function, *values)
    if not isinstance(result, str):
        _refuse(backdoors, name, function, f"gives {shown(result)} for {shown(values)}; it must be text")
    return result


def _judged(contract: ModuleType, name: str, judge: Judge | RefusalJudge, function: str, *values: str) -> bool:
    result = _result(contract, name, judge, function, *values)
    if not isinstance(result, bool):
        _refuse(contract, name, function, f"gives {shown(result)} for {shown(values)}; it must be True or False")
    return result


def _result(contract: ModuleType, name: str, plugin: object, function: str, *values: object) -> object:
    try:
        return getattr(plugin, function)(*values)
    except (Exception, SystemExit) as error:  # of submitted code
        _refuse(contract, name, function, f"raises {in_one_line(error)}, for {shown(values)}")


def _refuse(contract: ModuleType, name: str, part: str, what: str) -> NoReturn:
    folder = contract.__name__.replace(".", "/")
    raise SubmissionError(f"{folder}/{name}.py: {part} {what}. The contract: {sentence(contract, part)}")


def sentence(contract: ModuleType, part: str) -> str:
    """What the docstring of `contract` says of one part."""
    items = re.split(r"\n\n?- |\n\n(?=\w)", contract.__doc__ or "")
    return next((" ".join(item.split()) for item in items if re.search(rf"`{part}\b", item.split(":")[0])), part)
