"""One HTML file in which a model's latent space is explored; the model runs in the page."""

from zoo.explorer.write import Explored, explore

__all__ = ["Explored", "explore"]
