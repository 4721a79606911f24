"""Models with another kind of latent than one vector of a Gaussian posterior."""
