"""What every contender does alike."""

BATCH = 128
SCORED, SAMPLES = 20, 1000  # Images, and k of the importance-weighted bound.
LATENTS = {"small_cnn": 16, "deep_cnn": 64, "residual": 64}
