"""The engine, still pure: the set-up's nouns, decide, reward, the life of a decision, replay."""
