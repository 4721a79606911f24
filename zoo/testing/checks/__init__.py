"""The checks themselves, by what they are about."""
