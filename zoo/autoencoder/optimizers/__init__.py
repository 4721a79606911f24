"""The optimizers of recipes, where they are not Keras' own."""
