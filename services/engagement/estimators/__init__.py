"""What an action caused, what another strategy would have earned, how long groups lived, at what cost."""
