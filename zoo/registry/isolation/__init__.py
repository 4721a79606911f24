"""Keeping plugins' code from changing, stopping or breaking what is not theirs."""
