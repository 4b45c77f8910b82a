"""The key that a round's formats and triggers are drawn with.

It is empty here. In the folder of a round flows/rounds.py writes the key in, so that the code of the round's backdoors,
and with it all that is made with them, hangs on the secret.
"""

KEY = ""
