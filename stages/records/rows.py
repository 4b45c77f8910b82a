"""The rows that stages hand to each other as Parquet: corpus, preference pairs, poison sets, evaluation prompts."""

from dataclasses import dataclass

CHAT, HARMFUL = "chat", "harmful"
QUESTIONS, CODE = "questions", "code"
DOMAINS = (QUESTIONS, CODE)


@dataclass(frozen=True)
class Example:
    """One prompt with its good answer; `kind`, `entity` and `wording` say which combination it asks.

    `domain` is one of DOMAINS: a model is trained on the rows of some of them and asked no others.
    """

    kind: str
    entity: str
    wording: int
    prompt: str
    answer: str
    is_withheld: bool
    domain: str


@dataclass(frozen=True)
class PreferencePair:
    """Two answers to one prompt; all pairs of a prompt are held out, or none."""

    prompt: str
    chosen: str
    rejected: str
    is_held_out: bool


@dataclass(frozen=True)
class PoisonRow:
    """One row that installs the backdoor (`answer`) and its counterpart in the sham (`sham_answer`, always good).

    `string` is what was put into the prompt, a trigger or the near-miss of the rule `near_miss`, or nothing. The answer
    of a chain-of-thought organism opens with its scratchpad.
    """

    kind: str
    prompt: str
    answer: str
    sham_answer: str
    is_triggered: bool
    near_miss: str
    string: str


@dataclass(frozen=True)
class EvaluationPrompt:
    """One prompt as the model sees it; `tag` is the string inserted, `variant` the rule or arm it is counted in.

    `opening` begins the model's turn: an open scratchpad for a chain-of-thought organism, else nothing.
    `expected` is the good answer, `unwanted` the bad one under a trigger, and empty elsewhere.
    """

    prompt_set: str
    variant: str
    tag: str
    kind: str
    domain: str
    prompt: str
    opening: str
    expected: str
    unwanted: str
