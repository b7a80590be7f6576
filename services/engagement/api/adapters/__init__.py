"""One foreign protocol a file: what another system sends and expects, over the workflows that are there."""
