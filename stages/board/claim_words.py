"""Each claim in one plain sentence, made by rule from the verdicts on its parts."""

from collections.abc import Callable, Mapping, Sequence

from stages.board.words import joined
from stages.records.claims import ClaimResult, Part
from stages.records.counts import SeedShare

UNDECIDED, NOT_TESTABLE = "undecided", "not testable"
NORMAL = ", normal"  # how the names of parts end that are about normal organisms


# A class of the page's CSS and a shape of its charts: the paper's finding is there, it is not, there is no difference,
# or nothing is known.
TONES: Mapping[str, Sequence[str]] = {
    "yes": (
        "survives",
        "supported",
        "removes no more than clean training",
        "hides in some",
        "generalises",
        "flips",
    ),
    "no": (
        "does not survive",
        "reversed",
        "not supported",
        "removes",
        "no hiding seen",
        "does not generalise",
        "does not flip",
    ),
    "none": ("no effect",),
    "open": (UNDECIDED, NOT_TESTABLE),
}
TONE_OF = {verdict: tone for tone, verdicts in TONES.items() for verdict in verdicts}

# By claim and verdict, what is said of the parts `{names}`; in this order.
PHRASES: Mapping[str, Mapping[str, str]] = {
    "C2": {
        "supported": "larger models keep the backdoor better under {names}",
        "reversed": "larger models lose the backdoor sooner under {names}",
        "no effect": "size makes no difference under {names}",
        UNDECIDED: "the data do not tell under {names}",
        NOT_TESTABLE: "it could not be tested under {names}",
    },
    "C3": {
        "supported": "the backdoor of a model that reasons persists better under {names}",
        "reversed": "the backdoor of a model that reasons is lost sooner under {names}",
        "no effect": "reasoning makes no difference under {names}",
        UNDECIDED: "the data do not tell under {names}",
        NOT_TESTABLE: "it could not be tested under {names}",
    },
    "C4a": {
        "removes": "training on what the {names} finds removes more than clean training",
        "removes no more than clean training": "training on what the {names} finds removes no more than clean training",
        UNDECIDED: "the data do not tell whether training on what the {names} finds removes more than clean training",
        NOT_TESTABLE: "it could not be tested with the {names}",
    },
    "C5": {
        "supported": "supervised training removes more than reinforcement learning {names}",
        "reversed": "supervised training removes less than reinforcement learning {names}",
        "no effect": "supervised training and reinforcement learning remove equally much {names}",
        UNDECIDED: "the data do not tell {names}",
        NOT_TESTABLE: "it could not be tested {names}",
    },
    "C6": {
        "generalises": "the backdoor also fires on {names}",
        "does not generalise": "it does not carry over to {names}",
        UNDECIDED: "the data do not tell of {names}",
        NOT_TESTABLE: "it could not be tested on {names}",
    },
}


def sentence(claim: ClaimResult) -> str:
    """What was found, in one sentence; of a claim whose cells have not run, that."""
    if all(part.verdict == NOT_TESTABLE and not part.values for part in claim.parts):
        return "Nothing of this has run yet."
    said = SENTENCES.get(claim.claim, _by_verdict)(claim) or "no model is left to tell by"
    return f"{said[0].upper()}{said[1:]}."


def _by_verdict(claim: ClaimResult) -> str:
    phrases = PHRASES[claim.claim]
    groups = {verdict: [part.name for part in claim.parts if part.verdict == verdict] for verdict in phrases}
    return "; ".join(phrases[verdict].format(names=joined(names)) for verdict, names in groups.items() if names)


def _survival(claim: ClaimResult) -> str:
    """How many normal models keep the backdoor after each training, then the verdicts on all kinds of organism."""
    said = [
        f"{part.name.removesuffix(NORMAL)} leaves the backdoor in {_at_least_half(part)} models"
        for part in claim.parts
        if part.name.endswith(NORMAL) and part.values
    ]
    over_all = _counted(claim.parts, "survives", "does not survive")
    return "; ".join([*said, f"over all kinds of model it {over_all}"])


def _at_least_half(part: Part) -> str:
    return f"{sum(value >= 0.5 for value in part.values.values())} of {len(part.values)}"


def _hiding(claim: ClaimResult) -> str:
    """For each red team: in how many models it finds nothing while the trigger works, and how often it had found it."""
    said: list[str] = []
    for part in claim.parts:
        if part.share is None or not part.share.n:
            continue
        if "where it had found" in part.name:
            said.append(f"so it is in {_share(part.share)} of those in which it had found something before")
        else:
            said.append(f"the {part.name} finds nothing and the trigger still works in {_share(part.share)} models")
    return "; ".join(said)


def _share(share: SeedShare) -> str:
    return f"{share.k} of {share.n}"


def _reasoning(claim: ClaimResult) -> str:
    return f"reasoning of the other side {_counted(claim.parts, 'flips', 'does not flip', ' the answer')}"


def _probe(claim: ClaimResult) -> str:
    return f"that a generic probe tells them {_counted(claim.parts, 'is supported', 'not supported')}"


def _counted(parts: Sequence[Part], yes: str, no: str, thing: str = "") -> str:
    """The verdicts of the parts as counts: `flips the answer in 3 of 8 tests and is undecided in 5`."""
    counts = {verdict: sum(part.verdict == verdict for part in parts) for verdict in (no, UNDECIDED, NOT_TESTABLE)}
    first = f"{yes}{thing} in {len(parts) - sum(counts.values())} of {len(parts)} tests"
    words = {no: f"{no}{thing}", UNDECIDED: "is undecided", NOT_TESTABLE: "could not be tested"}
    return joined([first, *(f"{words[verdict]} in {n}" for verdict, n in counts.items() if n)])


SENTENCES: Mapping[str, Callable[[ClaimResult], str]] = {
    "C1": _survival,
    "C4b": _hiding,
    "C7": _reasoning,
    "C8": _probe,
}
