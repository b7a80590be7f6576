"""What the pages say is held against the code: commands run, names are explained, links lead somewhere."""
