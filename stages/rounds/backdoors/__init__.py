"""The backdoors of a round. flows/rounds.py copies these files into stages/backdoors/ of the round's folder.

They do not stand in that folder here: open stages depend on all that is in it, and would be made anew.
"""
