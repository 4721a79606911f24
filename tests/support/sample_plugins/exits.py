"""Ends the process at import, as a script without a main guard does."""

raise SystemExit("usage: exits FILE")
