"""Names to architectures, datasets and presets, from plugins and registry files. Never imports Keras."""
