"""Trained weights as files: their format, and the places where they are looked for. Never imports Keras."""
