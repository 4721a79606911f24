"""The zoo's own architectures, imported as ``zoo.plugins``."""

if __name__ != "zoo.plugins":
    # Under a second name, every layer would be registered with Keras twice.
    raise ImportError(f"this folder is the package zoo.plugins, not {__name__}: import zoo.plugins")

__all__: list[str] = []  # The architectures are modules, imported on demand.
