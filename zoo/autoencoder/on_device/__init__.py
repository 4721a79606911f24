"""Training and evaluation on JAX with the images on the device, many steps per dispatch."""
