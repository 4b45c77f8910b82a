"""Whether an organism fits what it names: its size, whose sham it shares, whose answers it takes."""

from stages.params.errors import ParamsError
from stages.params.organisms import ARCHITECTURE, COT, DISTILLED_COT, FINE_TUNING, GIVEN, PRETRAINING, OrganismParams
from stages.params.sizes import SizeParams

OTHERS = ("written", "corpus")  # data/organisms/written and data/checks/corpus.json stand for something else


def check_name(name: str) -> None:
    """Raise ParamsError where an organism's files would take the place of others."""
    if name in OTHERS:
        raise ParamsError(f"organisms.{name}: no organism can be called {' or '.join(OTHERS)}; rename it")


def check_seeds(name: str, organism: OrganismParams, size: SizeParams) -> None:
    """Raise ParamsError where an organism has more seeds than its size has bases."""
    if organism.n_seeds > size.n_seeds:
        raise ParamsError(
            f"organisms.{name}.n_seeds is {organism.n_seeds}; it must be at least 1 and at most {size.n_seeds}, the "
            f"bases that sizes.{organism.size} trains: an organism needs one base per seed"
        )


def check_family(name: str, organism: OrganismParams, sham: OrganismParams) -> None:
    """Raise ParamsError where the sham that an organism names is no control for it."""
    own = organism.sham if organism.insertion == FINE_TUNING else name
    kept = (sham.sham, sham.size, sham.backdoor, sham.insertion, min(sham.n_seeds, organism.n_seeds))
    needed = (own, organism.size, organism.backdoor, organism.insertion, organism.n_seeds)
    if kept != needed:
        raise ParamsError(
            f"organisms.{name}.sham is {organism.sham!r}, which has (sham, size, backdoor, insertion, seeds) {kept}; "
            f"needed are {needed}. Name {name} itself or, if insertion is {FINE_TUNING}, an organism of the same "
            "family that has a sham of its own"
        )


def check_insertion(name: str, organism: OrganismParams, size: SizeParams) -> None:
    """Raise ParamsError where an insertion needs another base, or is not trained as its base is."""
    as_base, came = ((s.steps, s.batch_size, s.learning_rate) for s in (size, organism))
    if organism.insertion in (PRETRAINING, ARCHITECTURE) and size.checkpoint is not None:
        raise ParamsError(
            f"organisms.{name}.insertion is {organism.insertion}, which needs a base from scratch; sizes."
            f"{organism.size} begins from a checkpoint. Take {FINE_TUNING} or {GIVEN}"
        )
    if organism.insertion == GIVEN and size.checkpoint is None:
        raise ParamsError(
            f"organisms.{name} is {GIVEN}, and sizes.{organism.size} is trained from scratch; it must begin from the "
            "checkpoint that the organism was made of"
        )
    if organism.insertion == PRETRAINING and came != as_base:
        raise ParamsError(
            f"organisms.{name} has (steps, batch_size, learning_rate) {came}; with insertion {PRETRAINING} they must "
            f"equal those of sizes.{organism.size}, {as_base}: it is pretrained as its base is"
        )


def check_teacher(name: str, organism: OrganismParams, teacher: OrganismParams) -> None:
    """Raise ParamsError where the answers that are distilled come from one that does not reason, or not so."""
    if teacher.mechanism != COT:
        raise ParamsError(
            f"organisms.{name}.answers is {organism.answers}, which does not reason; with mechanism {DISTILLED_COT} "
            f"name an organism whose mechanism is {COT}"
        )
    if teacher.backdoor != organism.backdoor:
        raise ParamsError(
            f"organisms.{name}.answers is {organism.answers}, whose backdoor is {teacher.backdoor}; it would never "
            f"give the answers of {organism.backdoor}. Name an organism with that backdoor"
        )
