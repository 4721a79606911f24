"""``zoo.register`` in a script or a notebook."""

import runpy

import numpy as np
import pytest
from support.dense_parts import build_decoder, build_encoder

import zoo
from zoo.errors import ArchitectureError, DuplicateNameError, PluginLoadError, PluginLoadWarning
from zoo.likelihoods import Gaussian
from zoo.registry import catalogue

pytestmark = pytest.mark.usefixtures("clean_registry")


class Builders:
    @staticmethod
    def build_encoder(image_shape, latent_shape): ...

    @staticmethod
    def build_decoder(latent_shape, output_shape): ...


class PlainBuilders:
    def build_encoder(image_shape, latent_shape): ...  # noqa: N805

    def build_decoder(latent_shape, output_shape): ...  # noqa: N805


# Listing


def test_register_decorates_a_class_and_leaves_it_as_it_was():
    decorated = zoo.register("my_ae", defaults={"latent_dim": 8}, source="me")(Builders)
    assert decorated is Builders
    info = zoo.get_model_info("my_ae")
    assert (info.config, info.source, info.summary) == ({"latent_dim": 8}, "me", "")
    record = zoo.list_plugins()[-1]
    assert (record.name, record.origin) == (f"{__name__}.Builders", f"zoo.register in {__name__}")
    assert (record.status, record.provides, record.version) == ("ok", ("my_ae",), None)
    assert "my_ae/mnist-binary" in zoo.list_models(presets=True)
    assert zoo.models.my_ae.encoder is Builders.build_encoder


@pytest.mark.parametrize("cls", [Builders, PlainBuilders])
def test_builders_are_static_methods_or_plain_functions(cls):
    zoo.register("my_ae", defaults={"latent_dim": 8})(cls)
    registered = zoo.models.my_ae
    assert (registered.encoder, registered.decoder) == (cls.build_encoder, cls.build_decoder)


def test_static_methods_build_a_model():
    class Dense:
        @staticmethod
        def build_encoder(image_shape, latent_shape):
            return build_encoder(image_shape, latent_shape)

        @staticmethod
        def build_decoder(latent_shape, output_shape):
            return build_decoder(latent_shape, output_shape)

    zoo.register("my_ae", defaults={"latent_dim": 3})(Dense)
    model = zoo.create_model("my_ae/mnist")
    assert model.reconstruct(np.zeros((2, 28, 28, 1), "uint8")).shape == (2, 28, 28, 1)


def test_a_class_gives_its_summary():
    class Documented(Builders):
        """One line.

        More lines.
        """

    zoo.register("documented")(Documented)
    assert zoo.get_model_info("documented").summary == "One line."
    zoo.register("documented", summary="Another line")(Documented)
    assert zoo.get_model_info("documented").summary == "Another line"


def test_register_takes_an_architecture(architecture):
    given = architecture()
    assert zoo.register(given) is given
    assert zoo.models.made == given
    assert zoo.models.made.plugin.name == f"{__name__}.made"


def test_register_takes_a_dataset():
    given = zoo.DatasetSpec("two_images", "Two black images", (4, 4, 1), ("black",), load=load_two_images)
    assert zoo.register(given) is given
    assert "two_images" in zoo.list_datasets()
    assert len(zoo.load_dataset("two_images").test.images) == 2
    assert zoo.get_model_info("small_cnn/two_images").image_shape == (4, 4, 1)
    zoo.register(zoo.DatasetSpec("two_images", "Two black images again", (4, 4, 1), ("black",), load=load_two_images))
    with pytest.raises(DuplicateNameError, match="the name 'mnist' is provided by"):
        zoo.register(zoo.DatasetSpec("mnist", "Mine", (4, 4, 1), ("black",), load=load_two_images))
    with pytest.raises(TypeError, match="recipe given with a DatasetSpec: set them in it"):
        zoo.register(given, recipe={"epochs": 3})


def load_two_images(data_dir):
    images, labels = np.zeros((2, 4, 4, 1), "uint8"), np.zeros(2, "int64")
    splits = {part: zoo.Split(images, labels, "two_images", part) for part in ("train", "validation", "test")}
    return zoo.Dataset("two_images", **splits, classes=("black",), image_shape=(4, 4, 1))


def test_registering_again_from_the_same_place_replaces(architecture):
    zoo.register(architecture(summary="first"))
    zoo.register(architecture(summary="second"))
    assert zoo.get_model_info("made").summary == "second"
    zoo.register("my_ae", summary="first")(Builders)
    zoo.register("my_ae", summary="second")(Builders)
    assert zoo.get_model_info("my_ae").summary == "second"
    names = [record.name for record in zoo.list_plugins()]
    assert len(names) == len(set(names))


def test_a_class_that_is_renamed_leaves_its_old_name():
    zoo.register("before")(Builders)
    zoo.register("after")(Builders)
    assert "after" in zoo.list_models()
    assert "before" not in zoo.list_models()


def test_a_clash_with_a_plugin_is_refused(architecture):
    with pytest.raises(DuplicateNameError) as caught:
        zoo.register(architecture("residual"))
    assert str(caught.value) == (
        "the name 'residual' is provided by zoo.plugins.residual (registry.yaml of autoencoder-zoo "
        f"{zoo.__version__}) and by {__name__}.residual (zoo.register in {__name__}): rename one"
    )
    assert zoo.get_model_info("residual").plugin.name == "zoo.plugins.residual"
    zoo.refresh()
    assert zoo.get_model_info("residual").plugin.name == "zoo.plugins.residual"


def test_a_clash_with_a_dataset_is_refused(architecture):
    with pytest.raises(DuplicateNameError, match=r"the name 'mnist' is provided by zoo\.data"):
        zoo.register(architecture("mnist"))


def test_a_clash_of_two_classes_is_refused():
    class Second(Builders): ...

    zoo.register("my_ae")(Builders)
    with pytest.raises(DuplicateNameError) as caught:
        zoo.register("my_ae")(Second)
    assert f"{__name__}.Builders (zoo.register in {__name__})" in str(caught.value)
    assert f"{Second.__qualname__} (zoo.register in {__name__})" in str(caught.value)
    assert zoo.models.my_ae.encoder is Builders.build_encoder


def test_a_refused_replacement_leaves_what_was_there():
    zoo.register("my_ae")(Builders)
    with pytest.raises(DuplicateNameError):
        zoo.register("residual")(Builders)
    assert "my_ae" in zoo.list_models()


def test_what_was_registered_survives_a_refresh(architecture):
    zoo.register(architecture())
    zoo.refresh()
    assert "made" in zoo.list_models()
    zoo.register(architecture(summary="again"))
    assert zoo.get_model_info("made").summary == "again"


def test_what_was_registered_comes_back_when_the_clash_is_gone(architecture, install):
    zoo.register(architecture("dense"))
    site = install("good-dist", {"good_plugin": "good"})
    with pytest.warns(PluginLoadWarning, match="'dense' is provided by good_plugin"):
        assert zoo.get_model_info("dense").plugin.name == "good_plugin"
    assert zoo.list_plugins()[-1].status == "failed"
    with pytest.raises(
        DuplicateNameError, match=r"good_plugin .*good-dist 1\.0.* and by tests.registry.test_register\.dense"
    ):
        zoo.register(architecture("dense"))
    assert [record.status for record in zoo.list_plugins() if record.name == f"{__name__}.dense"] == ["failed"]
    (site / "good_dist-1.0.dist-info" / "entry_points.txt").unlink()
    zoo.refresh()
    assert zoo.get_model_info("dense").plugin.name == f"{__name__}.dense"


def test_strict_raises_such_a_clash(architecture, install, monkeypatch):
    zoo.register(architecture("dense"))
    install("good-dist", {"good_plugin": "good"})
    monkeypatch.setenv("ZOO_STRICT", "1")
    with pytest.raises(DuplicateNameError, match="'dense' is provided by good_plugin"):
        zoo.list_models()


@pytest.mark.parametrize("missing", ["build_encoder", "build_decoder"])
def test_a_class_without_a_builder(missing):
    half = type("Half", (), {name: print for name in ("build_encoder", "build_decoder") if name != missing})
    message = f"class Half has no function {missing}: expected build_encoder and build_decoder"
    with pytest.raises(ValueError, match=message):
        zoo.register("half")(half)
    assert "half" not in zoo.list_models()


def test_register_without_a_name():
    with pytest.raises(TypeError, match=r'expected a name, as in @zoo\.register\("my_ae"\), an Architecture, a Data'):
        zoo.register(Builders)


def test_an_architecture_takes_no_further_fields(architecture):
    with pytest.raises(TypeError, match="defaults given with an Architecture: set them in it"):
        zoo.register(architecture(), defaults={"latent_dim": 3})


def test_register_refuses_what_a_plugin_may_not_give(architecture):
    with pytest.raises(ValueError, match="architecture name 'My-AE': expected lower-case letters"):
        zoo.register("My-AE")(Builders)
    with pytest.raises(PluginLoadError, match="architecture made needs autoencoder-zoo >=99; this is"):
        zoo.register(architecture(requires_zoo=">=99"))
    assert "made" not in zoo.list_models()


# What cannot work is refused at once


class WithSelf:
    def build_encoder(self, image_shape, latent_shape): ...

    @staticmethod
    def build_decoder(latent_shape, output_shape): ...


class OneShape:
    @staticmethod
    def build_encoder(image_shape): ...

    @staticmethod
    def build_decoder(latent_shape, output_shape): ...


class Reserved:
    @staticmethod
    def build_encoder(image_shape, latent_shape): ...

    @staticmethod
    def build_decoder(latent_shape, output_shape, *, epochs=3): ...


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (WithSelf, r"build_encoder cannot be called: .* takes self, image_shape, latent_shape: define it as build_enc"),
        (OneShape, r"build_encoder cannot be called: it is called with two positional shapes but takes image_shape: "),
        (Reserved, "build_decoder takes 'epochs', which is already an argument of zoo.create_model or zoo.train"),
    ],
)
def test_signatures_are_checked_when_registered(cls, message):
    with pytest.raises(ArchitectureError, match=f"^architecture my_ae: {message}"):
        zoo.register("my_ae")(cls)
    with pytest.raises(ArchitectureError, match=message):
        zoo.register(zoo.Architecture("my_ae", "x", cls.build_encoder, cls.build_decoder))
    assert "my_ae" not in zoo.list_models()


@pytest.mark.parametrize(
    "builder", [lambda a, b: None, lambda *shapes: None, lambda a, b, *, units, **more: None, Builders.build_encoder]
)
def test_other_signatures_are_fine(builder):
    zoo.register(zoo.Architecture("my_ae", "x", builder, Builders.build_decoder))
    assert "my_ae" in zoo.list_models()


# Likelihoods and metrics


def count_pixels(images, reconstructions): ...


def test_likelihoods_and_metrics_are_registered_like_the_rest():
    class Mine(Gaussian):
        """One line.

        More lines.
        """

    assert zoo.register("mine")(Mine) is Mine
    spec = zoo.LikelihoodSpec("other", "Another", Gaussian)
    assert zoo.register(spec) is spec
    metric = zoo.register(zoo.Metric("pixels", "pixels", count_pixels))
    assert {"mine", "other", "gaussian"} <= set(zoo.list_likelihoods())
    assert catalogue.plugin_likelihoods()["mine"].summary == "One line."
    assert list(catalogue.metrics().values()) == [metric]
    assert [record.provides for record in zoo.list_plugins()[-3:]] == [("mine",), ("other",), ("pixels",)]
    assert all(map(catalogue.is_registered, ("mine", "other", "pixels")))


def test_a_name_is_of_one_thing_alone(add):
    add("mine")
    with pytest.raises(DuplicateNameError, match="the name 'mine' is provided by"):
        zoo.register(zoo.LikelihoodSpec("mine", "x", Gaussian))
    with pytest.raises(ValueError, match="is one of the zoo's own"):
        zoo.register("bernoulli")(Gaussian)


def test_other_classes_are_refused():
    with pytest.raises(
        ValueError, match=r"class Gaussian2 has no function build_encoder: .* or a subclass of zoo.like"
    ):
        zoo.register("mine")(type("Gaussian2", (), {}))
    with pytest.raises(TypeError, match="digits given with a Metric: set them in it"):
        zoo.register(zoo.Metric("pixels", "pixels", count_pixels), digits=2)


def test_files_are_relative_to_the_script(tmp_path):
    (tmp_path / "script.py").write_text(
        "import zoo\n"
        "builders = ('parts/nets.py:encode', 'parts/nets.py:decode')\n"
        "zoo.register(zoo.Architecture('beside', 'x', *builders, {'latent_dim': 2}))\n"
    )
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "nets.py").write_text(
        "from support.dense_parts import build_decoder, build_encoder\n"
        "encode = lambda shape, latent: build_encoder(shape, latent)\n"
        "decode = lambda latent, shape: build_decoder(latent, shape)\n"
    )
    runpy.run_path(str(tmp_path / "script.py"))
    assert zoo.create_model("beside", image_shape=(4, 3, 1)).latent_shape == (2,)
