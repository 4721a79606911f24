"""A plugin with a likelihood and metrics: the hooks, and what they name, which need Keras in part."""

from zoo import LikelihoodSpec, Metric, hookimpl


@hookimpl
def zoo_likelihoods():
    yield LikelihoodSpec("laplace", "A Laplace density of each value, of a learned scale", "laplace_density.py:Laplace")
    yield LikelihoodSpec("wide_laplace", "The same, at least 0.1 wide", "laplace_density.py:make_wide")


@hookimpl
def zoo_metrics():
    yield Metric(
        "mae", "mean absolute error", mean_absolute_error, digits=4, lower_is_better=True,
        definition="mean absolute error of the reconstruction, values in [0, 1]",
    )  # fmt: skip
    yield Metric("largest_mean", "largest mean", largest_mean, unit="sd", of="model", definition="of the posterior")


def mean_absolute_error(images, reconstructions):
    return abs(images - reconstructions).mean(axis=(1, 2, 3))


def largest_mean(model, images):
    return abs(model.encode(images)[0]).max()
