"""What can be tried: the kinds of action, their limits, and which are available to a unit now.

A kind of action is one file and one name in `catalogue`; concrete actions and their wording are
rows of a program's set-up. `none` is always there, first, and always available.
"""
