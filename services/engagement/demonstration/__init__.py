"""A synthetic program of two years, lived through a real server over HTTP: `engagement demo`.

`options`   how large, how long, in which world
`calendar`  the days of its months
`people`    who takes part: pseudonyms, seats, consents
`replies`   what people say became of a proposal
`reports`   what is reported of a month, with its delays and gaps
`course`    the months, one by one, through the client
`beliefs`   what was learned, read from the stories of decisions
`server`    a server process that ends when the demonstration does
`audit`     does the ledger agree with itself at the end?
`summary`   what happened, in tables
`run`       all of it

The people, their barriers and their replies are drawn by the world of `simulation/`; the service
knows none of that and sees only what is reported to it.
"""
