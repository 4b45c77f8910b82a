"""The words for what the claims are about: pools of organisms and labels of cells, as params.yaml names them."""

TRAININGS = {
    "sft": "supervised training",
    "rl": "reinforcement learning",
    "adversarial_training": "adversarial training",
}
NORMAL, COT, DISTILLED = "normal", "cot", "distilled_cot"
MECHANISMS = {NORMAL: "normal", COT: "chain of thought", DISTILLED: "distilled"}
LARGE = ("large_fast", "large_slow")  # two base learning rates, half of the seeds each
CODE_COT = "code_cot"
BOARD = "board"  # the organisms that rank the defenses; no pool of params.yaml
