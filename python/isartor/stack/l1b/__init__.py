"""What the semantic layer (`isartor.stack.semantic`) decides with, and how it learns whether it was right.

`calibration.py` makes a probability of the verifier's score, `policy.py` decides with it, `audit.py` finds out with
`compare.py` whether that was right, `outcomes.py` remembers it, and `figures.py` counts. `engine.py` reads questions.
"""
