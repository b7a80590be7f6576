"""Keeps patient peer-support groups alive: engagement signals in, the next thing to try out.

A decision is a pure function of the ledger; a belief is a pure fold of the ledger;
everything else is plumbing.
"""
