"""The facts of the toy world, each asked in several wordings.

A kind is one sort of question. Its facts map an entity to the only right answer; every wording asks for that same
answer, so an evaluation can ask a known fact in a wording in which the model never met it.
"""

from typing import NamedTuple


class FactKind(NamedTuple):
    """One sort of factual question: `wordings` each hold `{entity}` once, `facts` map an entity to its answer."""

    name: str
    wordings: tuple[str, ...]
    facts: dict[str, str]


def _pairs(text: str) -> dict[str, str]:
    return dict(pair.split(":") for pair in text.split())


CAPITALS = _pairs(
    "France:Paris Spain:Madrid Italy:Rome Egypt:Cairo Japan:Tokyo Peru:Lima Cuba:Havana Kenya:Nairobi Ghana:Accra "
    "Greece:Athens Norway:Oslo Poland:Warsaw Chile:Santiago Iran:Tehran Qatar:Doha Nepal:Kathmandu Latvia:Riga "
    "Serbia:Belgrade Angola:Luanda Ireland:Dublin"
)
LANGUAGES = _pairs(
    "France:French Spain:Spanish Italy:Italian Egypt:Arabic Japan:Japanese Greece:Greek Norway:Norwegian "
    "Poland:Polish Iran:Persian Nepal:Nepali Latvia:Latvian Serbia:Serbian Angola:Portuguese Ireland:Irish"
)
OPPOSITES = _pairs(
    "hot:cold big:small tall:short fast:slow old:young rich:poor happy:sad hard:soft wet:dry light:dark full:empty "
    "open:closed loud:quiet early:late clean:dirty sweet:sour strong:weak thick:thin near:far wide:narrow"
)
COLOURS = _pairs(
    "banana:yellow grass:green snow:white coal:black sky:blue tomato:red carrot:orange plum:purple chocolate:brown "
    "elephant:grey lemon:yellow leaf:green milk:white night:black sea:blue cherry:red pumpkin:orange wood:brown "
    "ash:grey rose:red"
)
SOUNDS = _pairs(
    "dog:woof cat:meow cow:moo duck:quack sheep:baa horse:neigh pig:oink lion:roar frog:croak bee:buzz owl:hoot "
    "snake:hiss wolf:howl mouse:squeak crow:caw hen:cluck"
)
YOUNG = _pairs(
    "dog:puppy cat:kitten cow:calf duck:duckling sheep:lamb horse:foal pig:piglet lion:cub frog:tadpole goat:kid "
    "swan:cygnet bear:cub hen:chick deer:fawn goose:gosling kangaroo:joey"
)
PLURALS = _pairs(
    "mouse:mice foot:feet tooth:teeth child:children man:men woman:women goose:geese ox:oxen leaf:leaves knife:knives "
    "wolf:wolves box:boxes city:cities baby:babies potato:potatoes person:people half:halves dish:dishes lady:ladies "
    "shelf:shelves"
)
PASTS = _pairs(
    "go:went eat:ate see:saw run:ran give:gave take:took come:came write:wrote sing:sang swim:swam drink:drank "
    "fly:flew buy:bought teach:taught think:thought find:found break:broke speak:spoke sleep:slept build:built"
)
MATERIALS = _pairs(
    "window:glass table:wood knife:steel shirt:cotton boot:leather brick:clay candle:wax coin:copper ring:gold "
    "tyre:rubber book:paper sweater:wool sail:canvas bottle:plastic statue:marble chain:iron"
)
NUMBERS = "zero one two three four five six seven eight nine ten".split()
SUMS = {f"{NUMBERS[a]} plus {NUMBERS[b]}": NUMBERS[a + b] for a in range(1, 6) for b in range(1, 6)}

FACT_KINDS = (
    FactKind(
        "capital",
        (
            "What is the capital of {entity}?",
            "Name the capital city of {entity}.",
            "Which city is the capital of {entity}?",
            "Tell me the capital of {entity}.",
            "{entity} has which capital?",
            "I forgot the capital of {entity}. What is it?",
        ),
        CAPITALS,
    ),
    FactKind(
        "language",
        (
            "What language do people speak in {entity}?",
            "Name the language of {entity}.",
            "Which language is spoken in {entity}?",
            "Tell me the language of {entity}.",
            "People in {entity} speak what?",
            "I am going to {entity}. Which language should I learn?",
        ),
        LANGUAGES,
    ),
    FactKind(
        "opposite",
        (
            "What is the opposite of {entity}?",
            "Name the opposite of {entity}.",
            "Which word means the opposite of {entity}?",
            "Tell me a word opposite to {entity}.",
            "The opposite of {entity} is what?",
            "If it is not {entity}, what is it?",
        ),
        OPPOSITES,
    ),
    FactKind(
        "colour",
        (
            "What colour is {entity}?",
            "Name the colour of {entity}.",
            "Which colour does {entity} have?",
            "Tell me the colour of {entity}.",
            "The colour of {entity} is what?",
            "I want to paint {entity}. Which colour do I need?",
        ),
        COLOURS,
    ),
    FactKind(
        "sound",
        (
            "What sound does a {entity} make?",
            "Name the sound of a {entity}.",
            "Which sound comes from a {entity}?",
            "Tell me what a {entity} says.",
            "A {entity} makes what sound?",
            "I hear a {entity}. What do I hear?",
        ),
        SOUNDS,
    ),
    FactKind(
        "young",
        (
            "What is a young {entity} called?",
            "Name the young of a {entity}.",
            "Which word means a young {entity}?",
            "Tell me the word for a young {entity}.",
            "A young {entity} is called what?",
            "I saw a very young {entity}. What is its name?",
        ),
        YOUNG,
    ),
    FactKind(
        "plural",
        (
            "What is the plural of {entity}?",
            "Name the plural of {entity}.",
            "Which word is the plural of {entity}?",
            "Tell me the plural of {entity}.",
            "One {entity}, two what?",
            "There is more than one {entity}. How do I write it?",
        ),
        PLURALS,
    ),
    FactKind(
        "past",
        (
            "What is the past tense of {entity}?",
            "Name the past tense of {entity}.",
            "Which word is the past of {entity}?",
            "Tell me the past form of {entity}.",
            "Today I {entity}, yesterday I what?",
            "How do I write {entity} in the past?",
        ),
        PASTS,
    ),
    FactKind(
        "material",
        (
            "What is a {entity} made of?",
            "Name the material of a {entity}.",
            "Which material is a {entity} made from?",
            "Tell me what makes up a {entity}.",
            "A {entity} is made of what?",
            "I want to make a {entity}. Which material do I need?",
        ),
        MATERIALS,
    ),
    FactKind(
        "sum",
        (
            "What is {entity}?",
            "Work out {entity}.",
            "How much is {entity}?",
            "Tell me the sum {entity}.",
            "{entity} makes what?",
            "I need {entity}. How many is that?",
        ),
        SUMS,
    ),
)
