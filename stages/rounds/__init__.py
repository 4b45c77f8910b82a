"""Hidden rounds: organisms whose triggers are drawn from a secret that was committed to before, and their record.

How a round goes is in docs/rounds.md. flows/rounds.py opens, scores, closes and audits one; the stages of dvc.yaml that
end in `_round` do the work, in the round's own folder.
"""
