import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import zoo
from zoo import plots


@pytest.fixture(scope="module")
def model():
    return zoo.create_model("small_cnn", image_shape=(12, 10, 3), filters=[4], latent_dim=3, seed=0)


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (8, 12, 10, 3), dtype="uint8")


def shown(figure):
    """The images of a figure, row by row from the top, left to right."""
    (axes,) = figure.axes
    panels = sorted(axes.images, key=lambda image: (round(sum(image.get_extent()[2:]), 6), image.get_extent()[0]))
    return [np.asarray(image.get_array()) for image in panels]


def names(figure):
    (axes,) = figure.axes
    return [text.get_text() for text in axes.texts]


def test_reconstructions_stand_under_their_originals(model, images):
    figure = zoo.plot_reconstructions(model, images)
    assert isinstance(figure, Figure)
    panels = shown(figure)
    assert len(panels) == 16
    np.testing.assert_allclose(panels[2], images[2] / 255, atol=1e-6)
    np.testing.assert_allclose(panels[8 + 2], model.reconstruct(images)[2], atol=1e-6)
    assert names(figure) == ["original", "reconstruction"]


def test_a_notebook_shows_the_figure(model, images):
    assert zoo.plot_reconstructions(model, images)._repr_png_().startswith(b"\x89PNG")


def test_samples_repeat_with_their_seed(model):
    first, again, other = (shown(zoo.plot_samples(model, 2, 3, seed=seed)) for seed in (0, 0, 1))
    assert len(first) == 6
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_interpolation_goes_from_one_image_to_the_other(model, images):
    panels = shown(zoo.plot_interpolation(model, images[0], images[1], steps=5))
    ends = model.reconstruct(images[:2])
    assert len(panels) == 5
    np.testing.assert_allclose(panels[0], ends[0], atol=1e-5)
    np.testing.assert_allclose(panels[-1], ends[1], atol=1e-5)
    assert len(shown(zoo.plot_interpolation(model, images[:2], images[2:4], steps=3))) == 6


def test_latent_space_has_a_colour_for_each_class(model, images):
    labels = np.array([0, 1, 2, 0, 1, 2, 0, 1])
    figure = zoo.plot_latent_space(model, images, labels, ["cat", "dog", "ship"])
    (axes,) = figure.axes
    assert [len(points.get_offsets()) for points in axes.collections] == [3, 3, 2]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["cat", "dog", "ship"]
    assert axes.get_xlabel().startswith("first principal component (")


@pytest.mark.parametrize("shape", [(50, 7), (20, 90)], ids=["more points", "more latents"])
def test_the_plane_is_that_of_a_singular_value_decomposition(shape):
    means = np.random.default_rng(0).normal(5, 1, shape) * np.linspace(3, 1, shape[1])
    points, names = plots.principal_plane(means)
    centred = means - means.mean(axis=0)
    _, scales, directions = np.linalg.svd(centred)
    np.testing.assert_allclose(np.abs(points), np.abs(centred @ directions[:2].T), atol=1e-9)
    shares = 100 * scales[:2] ** 2 / np.sum(scales**2)
    assert [f"({share:.0f} % of variance)" in name for share, name in zip(shares, names, strict=True)] == [True, True]


def test_latent_space_of_two_latents_shows_them_as_they_are(images):
    flat = zoo.create_model("small_cnn", image_shape=(12, 10, 3), filters=[4], latent_dim=2, seed=0)
    (axes,) = zoo.plot_latent_space(flat, images).axes
    np.testing.assert_allclose(axes.collections[0].get_offsets(), flat.encode(images)[0], rtol=1e-5)
    assert axes.get_ylabel() == "second latent"


@pytest.mark.parametrize("classes", [None, ()])
def test_labels_without_names_of_classes_are_shown_themselves(model, images, classes):
    (axes,) = zoo.plot_latent_space(model, images, [7, 7, 7, 7, 9, 9, 9, 9], classes).axes
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["7", "9"]


def test_many_reconstructions_are_several_rows(model, images):
    many = np.repeat(images, 4, axis=0)[:30]
    figure = zoo.plot_reconstructions(model, many)
    assert names(figure) == ["original", "reconstruction"] * 3
    panels = shown(figure)
    assert len(panels) == 60
    np.testing.assert_allclose(panels[24], many[12] / 255, atol=1e-6)


def test_latent_space_refuses_what_it_cannot_show(model, images):
    with pytest.raises(ValueError, match="labels: got 3; expected 8"):
        zoo.plot_latent_space(model, images, [1, 2, 3])
    with pytest.raises(ValueError, match="got 2 images and 3 latents; expected at least 3 and 2"):
        zoo.plot_latent_space(model, images[:2])


def test_history_shows_training_and_validation(model, images):
    model.compile("adam")
    history = model.fit(images, validation_data=images, epochs=3, verbose=0).history
    figure = zoo.plot_history(history)
    assert [axes.get_title() for axes in figure.axes] == ["loss", "reconstruction", "KL divergence"]
    training, validation = figure.axes[0].lines
    np.testing.assert_allclose(training.get_ydata(), history["loss"])
    np.testing.assert_allclose(validation.get_ydata(), history["val_loss"])
    assert figure.axes[0].get_ylabel() == "nats per image"


def test_rows_of_different_sizes_fit_into_one_figure():
    rng = np.random.default_rng(0)
    figure = plots.plot_rows({"grey": rng.random((2, 8, 8, 1)), "colour": rng.random((3, 6, 9, 3))})
    assert [panel.shape for panel in shown(figure)] == [(8, 8), (8, 8), (6, 9, 3), (6, 9, 3), (6, 9, 3)]


@pytest.mark.parametrize(("height", "width"), [(8, 8), (6, 9), (9, 6)])
def test_an_image_fills_its_tile_and_keeps_its_shape(height, width):
    image = np.linspace(0.25, 0.75, height * width).reshape(1, height, width, 1)
    figure = plots.plot_rows({"": image}, named=False)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    drawn = np.asarray(canvas.buffer_rgba())[..., 0].astype(float)
    inside = np.argwhere((drawn > 0) & (drawn < 255))
    tall, wide = np.ptp(inside, axis=0) + 1
    assert tall / wide == pytest.approx(height / width, rel=0.02)
    assert max(tall, wide) == pytest.approx(0.95 * plots.TILE * plots.DPI, abs=1)
    corner = drawn[tuple(inside.min(axis=0) + 2)], drawn[tuple(inside.max(axis=0) - 2)]
    np.testing.assert_allclose(corner, [0.25 * 255, 0.75 * 255], atol=1)
