"""``zoo.register`` in a script or a notebook."""

import numpy as np
import pytest
from support.dense_parts import build_decoder, build_encoder

import zoo
from zoo.errors import DuplicateNameError, PluginLoadError, PluginLoadWarning

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
    with pytest.raises(TypeError, match=r'expected a name, as in @zoo\.register\("my_ae"\), an Architecture or a Data'):
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
