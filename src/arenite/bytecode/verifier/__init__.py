"""The parts of the verifier, whose rules stand in `bytecode.verify`.

facts    what it looks up about ops, derived from their rows
code     the module's code; the error that a broken rule is
rules    what the module says
slots    the class of every slot, where the walk is and at labels ahead
frame    the slots of the function at hand
points   its safepoints
walk     each op once, in order
"""
