"""The commands: a file for each family, each with an `add` that names its commands to the command line."""
