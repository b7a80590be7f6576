"""Worlds to try a strategy in before people are asked to: synthetic groups, moved on month by month.

`barriers`    what keeps a synthetic member away, drawn once
`effects`     what each action does to a member and to the group, and worlds where it does nothing
`peer_group`  one peer-support group: its parameters, its state, one month of its life
`registry`    the worlds a study can name

Everything in here is synthetic. A world answers "what would this strategy do if people were like
that?"; it is no evidence that people are like that.
"""
