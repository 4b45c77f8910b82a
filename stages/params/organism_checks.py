"""Whether an organism fits what it names: its size, whose sham it shares, whose answers it takes."""

from collections.abc import Collection, Sequence

from stages.params.errors import ParamsError
from stages.params.organisms import ARCHITECTURE, COT, DISTILLED_COT, FINE_TUNING, GIVEN, PRETRAINING, OrganismParams
from stages.params.sizes import SizeParams

OTHERS = ("written", "corpus")  # data/organisms/written and data/checks/corpus.json stand for something else


def check_name(name: str) -> None:
    """Raise ParamsError where an organism's files would take the place of others."""
    if name in OTHERS:
        raise ParamsError(f"organisms.{name}: no organism can be called {' or '.join(OTHERS)}; rename it")


def check_seeds(name: str, seeds: Sequence[int], size: str, bases: Sequence[int]) -> None:
    """Raise ParamsError where an organism has seeds for which its size has no base."""
    if not set(seeds) <= set(bases):
        raise ParamsError(
            f"organisms.{name} has seeds {seeds[0]} to {seeds[-1]} (first_seed, seed_offset, n_seeds), and "
            f"sizes.{size} trains bases for {bases[0]} to {bases[-1]}; an organism needs one base per seed. Take "
            f"fewer seeds, or raise sizes.{size}.n_seeds"
        )


def check_family(
    name: str, own: tuple[OrganismParams, SizeParams], of_sham: tuple[OrganismParams, SizeParams], sham_seeds: int
) -> None:
    """Raise ParamsError where the sham that an organism names is no control for it.

    Each is given with its size; their bases may be of other seeds, and nothing else.
    """
    (organism, size), (sham, sham_size) = own, of_sham
    named = organism.sham if organism.insertion == FINE_TUNING else name
    n_shams = min(sham_seeds, organism.n_seeds)
    kept = (sham.sham, _training(sham_size), sham.backdoor, sham.insertion, min(sham.n_seeds, n_shams))
    needed = (named, _training(size), organism.backdoor, organism.insertion, n_shams)
    if kept != needed:
        raise ParamsError(
            f"organisms.{name}.sham is {organism.sham!r}, which has (sham, training of its size, backdoor, insertion, "
            f"seeds) {kept}; needed are {needed}. Name {name} itself or, if insertion is {FINE_TUNING}, "
            "an organism of the same family that has a sham of its own"
        )


def _training(size: SizeParams) -> str:
    return size.model_copy(update={"n_seeds": 1, "seed_offset": None}).model_dump_json()


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


def check_teacher(name: str, organism: OrganismParams, teacher: OrganismParams, untaught: Collection[int]) -> None:
    """Raise ParamsError where the answers that are distilled come from one that does not reason, or not so.

    `untaught`: the seeds that the teacher lacks.
    """
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
    if untaught:
        raise ParamsError(
            f"organisms.{name}.answers is {organism.answers}, which is not made in the seeds "
            f"{', '.join(map(str, sorted(untaught)))}; a model is taught by that of its seed. Give both the same seeds"
        )
