"""Looks up architectures, datasets and presets by name, from plugins and registry files. Never imports Keras."""
