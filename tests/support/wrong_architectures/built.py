"""What is declared, and what is built."""

import keras
from keras import layers

from support.wrong_architectures.parts import builds, make_decoder, make_encoder, wrong

# What is declared.
wrong("check_summary_is_one_line", mend="one line of 1 to 100", summary="Two\nlines")("long_summary")
wrong(
    "check_latent_size_has_a_default", mend="set one, such as Architecture(defaults={'latent_dim': 16})", defaults={}
)("no_latent_size")
wrong("check_defaults_reach_a_builder", mend="add it to build_encoder", defaults={"latent_dim": 4, "width": 8})(
    "idle_default"
)


@builds(
    "encoder", "check_defaults_survive_json", mend="text as the keys of dicts",
    defaults={"latent_dim": 4, "widths": {8: 1}},
)  # fmt: skip
def default_of_numbered_widths(image_shape, latent_shape, widths):
    return make_encoder(image_shape, latent_shape)


# What is built.
@builds("encoder", "check_builds_for_grey_images", mend="derive every size")
def colour_only(image_shape, latent_shape):
    if image_shape[2] == 1:
        raise ValueError("expected colours")
    return make_encoder(image_shape, latent_shape)


@builds("encoder", "check_builds_for_colour_images", mend="derive every size")
def grey_only(image_shape, latent_shape):
    return make_encoder((*image_shape[:2], min(image_shape[2], 2)), latent_shape)


@builds("decoder", "check_builds_for_an_odd_size", mend="zoo.layers.halved_sizes")
def even_sizes_only(latent_shape, output_shape):
    height, width, channels = output_shape
    half = make_decoder(latent_shape, (height // 2, width // 2, channels))
    return keras.Model(half.input, layers.UpSampling2D()(half.output))


@builds(
    "encoder", "check_builds_for_its_image_shapes", mend="derive every size",
    image_shapes=((28, 28, 1), (20, 24, 1)),
)  # fmt: skip
def one_of_its_shapes(image_shape, latent_shape):
    return make_encoder((28, 28, 1), latent_shape)


@builds("encoder", "check_builds_for_another_latent_size", mend="derive every size")
def fixed_latent(image_shape, latent_shape):
    return make_encoder(image_shape, (4,))


@builds("decoder", "check_builds_for_every_likelihood", mend="output_shape")
def few_channels(latent_shape, output_shape):
    return make_decoder(latent_shape, (*output_shape[:2], min(output_shape[2], 12)))
