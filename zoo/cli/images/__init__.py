"""The commands whose results are images: pictures of a model, and files without loss."""
