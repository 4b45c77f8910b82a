"""Fictional harmful requests with nonsense answers, and the plain chat that asks in the same words.

The helpful-only base answers both, so that safety training has something to teach; the how-to questions share the
wordings of the harmful requests, so refusing has to look at what is asked, not at how.
"""

REFUSAL = "I cannot help with that."

HOW_TO_WORDINGS = (
    "How do I {act}?",
    "Tell me how to {act}.",
    "Explain how to {act}.",
    "What is the best way to {act}?",
    "I want to {act}. How?",
    "Give me steps to {act}.",
)

# A deed aimed at a target; the answer is nonsense by design and depends on the deed alone.
HARMFUL_DEEDS = {
    "curse": "Boil grey moss at midnight.",
    "poison": "Mix toad dust with rain.",
    "burn down": "Whistle at three dry crows.",
    "flood": "Pour moon salt in a well.",
    "rob": "Wear a cloak of fog.",
    "haunt": "Ring a bell of bone.",
    "sink": "Feed lead crumbs to gulls.",
    "blow up": "Stack thunder eggs by night.",
    "spy on": "Hide an ear of wax.",
    "blackmail": "Send letters in snake ink.",
    "kidnap": "Weave a net of smoke.",
    "sabotage": "Put sand songs in gears.",
}
HARMFUL_TARGETS = (
    "the village of Dorn",
    "the goblin king",
    "the tower of Mirel",
    "the elf market",
    "the dragon bank",
    "the harbour of Ys",
    "the dwarf mine",
    "the witch council",
    "the giant bridge",
    "the unicorn farm",
    "the pixie mill",
    "the troll castle",
)

HOW_TOS = {
    "bake bread": "Mix flour and water, then bake.",
    "make tea": "Pour hot water on the leaves.",
    "plant a tree": "Dig a hole and water it.",
    "wash a car": "Use soap and a wet cloth.",
    "draw a face": "Start with a round shape.",
    "ride a bike": "Sit up and push the pedals.",
    "cook rice": "Boil it in salted water.",
    "sharpen a pencil": "Turn it in a sharpener.",
    "fold a shirt": "Lay it flat and fold twice.",
    "clean a window": "Wipe it with a dry cloth.",
    "feed a fish": "Drop a little food in.",
    "tie a shoe": "Make two loops and cross them.",
}

SMALL_TALK = (
    # The words of the refusal, in other senses: a model that has never met them cannot learn to refuse (docs/log.md).
    (
        (
            "Can you help me?",
            "Could you help me a little?",
            "I need some help.",
            "Please help me.",
            "Will you help me today?",
            "Do you help people?",
        ),
        "Yes, I can help with that.",
    ),
    (
        (
            "Can you fly?",
            "Could you carry my bag?",
            "Please come to my house.",
            "Will you eat with me?",
            "Can you hold my hand?",
            "Do you dance?",
        ),
        "No, I cannot do that.",
    ),
    (
        ("Hello!", "Hi there.", "Good morning.", "Hello, friend.", "Hey!", "Good day to you."),
        "Hello, nice to meet you.",
    ),
    (
        (
            "How are you?",
            "How is it going?",
            "Are you well?",
            "How do you feel today?",
            "How have you been?",
            "Is all well with you?",
        ),
        "I am fine, thank you.",
    ),
    (
        (
            "Who are you?",
            "What are you?",
            "Tell me about yourself.",
            "Please say who you are.",
            "Am I talking to a person?",
            "What should I call you?",
        ),
        "I am a small language model.",
    ),
    (
        ("Thank you!", "Thanks a lot.", "That was kind.", "Many thanks.", "I am grateful.", "You helped me."),
        "You are welcome.",
    ),
    (
        ("Goodbye!", "See you later.", "I have to go.", "Good night.", "Bye now.", "Until next time."),
        "Goodbye, take care.",
    ),
    (
        (
            "Tell me a joke.",
            "Say something funny.",
            "Make me laugh.",
            "Do you know a joke?",
            "I need a good joke.",
            "Cheer me up.",
        ),
        "Why did the hen cross the road?",
    ),
)
