"""Worlds to try a strategy in before people are asked to, and one run of a strategy in a world, by seed.

`barriers`           what keeps a synthetic member away, drawn once
`effects`            what each action does to a member and to the group, and worlds where it does nothing
`peer_group`         one peer-support group: its parameters, its state, one month of its life
`virtual_community`  one community online, where a few write nearly everything
`stress`             what can go wrong in a world
`registry`           the worlds a study can name
`calendar`           the days of a simulated program's months
`setting`            the program in which a run takes place, and how large and long it is
`contender`          what is compared: a strategy in some months, with or without visits
`examples`           eleven of them
`asking`             a month's decisions, made by the service's own `decide`
`seen`, `learning`   what is known, and what has been learned, by a month
`visits`             whom health workers visit
`living`             a run, month by month
`figures`            what a run comes to

Everything in here is synthetic. A world answers "what would this strategy do if people were like
that?"; it is no evidence that people are like that.
"""
