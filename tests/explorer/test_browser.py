"""A page in a browser: it works from disk alone, with a mouse and with keys, in any width."""

import base64
import io
import json
import os
import re

import keras
import numpy as np
import pytest
from PIL import Image
from support.browser import open_page, requested, wait_until

import zoo

pytest.importorskip("selenium")
pytest.importorskip("tf2onnx")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow writes ONNX here"),
]
HOSTILE = '</script><img src=x onerror="document.title=1"><b>&amp;\u202e'
# Returns once each of the canvases has something on it.
DRAWN = """
return ["%s"].every((id) => {
  const canvas = document.getElementById(id);
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.some((value, i) => i %% 4 === 3 && value > 0);
});
"""
# Moves the mouse over the map, and returns how many milliseconds it takes until the picture changes.
MOVES = """
const done = arguments[0], map = document.getElementById("map"), picture = document.getElementById("map-image");
const box = map.getBoundingClientRect(), times = [];
const shown = () => picture.getContext("2d").getImageData(0, 0, picture.width, picture.height).data.join();
(async () => {
  for (let i = 0; i < 40; i++) {
    const before = shown(), began = performance.now(), angle = i / 3, r = 0.1 + i / 120;
    map.dispatchEvent(new PointerEvent("pointermove", {
      clientX: box.left + box.width * (0.5 + r * Math.cos(angle)),
      clientY: box.top + box.height * (0.5 + r * Math.sin(angle)),
    }));
    while (shown() === before && performance.now() - began < 2000) await new Promise(requestAnimationFrame);
    times.push(performance.now() - began);
  }
  done(times);
})();
"""


@pytest.fixture(scope="module")
def model():
    made = zoo.create_model("small_cnn", image_shape=(28, 28, 1), seed=0)
    zoo_random = np.random.default_rng(3)
    for weight in made.decoder.weights:
        value = keras.ops.convert_to_numpy(weight)
        weight.assign(value + 0.1 * zoo_random.standard_normal(value.shape))
    return made


@pytest.fixture(scope="module")
def images():
    return zoo.load_dataset("mnist_sample").test


@pytest.fixture(scope="module")
def page(model, images, tmp_path_factory):
    return zoo.explore(model, tmp_path_factory.mktemp("page") / "page.html", images).path


@pytest.fixture
def opened(request):
    browsers = []

    def open_(path, *arguments, **options):
        browsers.append(open_page(path, *arguments, **options))
        return browsers[-1]

    yield open_
    for browser in browsers:
        browser.quit()


def check_quiet(browser, path):
    """No errors, no notices, and nothing asked for but the page."""
    assert browser.find_element("id", "notice").text == ""
    # But for the advice that the tests themselves earn, which read pictures often.
    assert [it for it in browser.get_log("browser") if "getImageData" not in it["message"]] == []
    allowed = (path.as_uri(), "data:", "blob:", "about:")
    assert [url for url in requested(browser) if not url.startswith(allowed)] == []


def picture(browser, name):
    uri = browser.execute_script(f'return document.getElementById("{name}").toDataURL()')
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))).convert("RGB"))


def test_a_mouse_over_the_map(page, opened):
    browser = opened(page)
    wait_until(browser, DRAWN % 'map-image", "sliders-image", "between-image", "own-image')
    times = browser.execute_async_script(MOVES)
    assert np.median(times) < 100
    check_quiet(browser, page)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_widths_and_colours(width, dark, page, opened):
    browser = opened(page, width, dark=dark)
    wait_until(browser, DRAWN % "map-image")
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    (red,) = {browser.execute_script("return getComputedStyle(document.body).backgroundColor").split(",")[0][4:]}
    assert (int(red) < 60) is dark
    check_quiet(browser, page)


def test_keys(page, opened):
    keys = pytest.importorskip("selenium.webdriver.common.keys").Keys
    browser = opened(page)
    wait_until(browser, DRAWN % 'map-image", "sliders-image')
    find = browser.find_element
    before = find("id", "map-place").text
    find("id", "map").send_keys(keys.ARROW_RIGHT, keys.SHIFT, keys.ARROW_UP)
    after = find("id", "map-place").text
    assert before != after
    for strip, shown in (("sliders-from", "sliders-image"), ("own-from", "own-image")):
        was = browser.execute_script(f"return document.getElementById('{shown}').toDataURL()")
        find("css selector", f"#{strip} [tabindex='0']").send_keys(keys.ARROW_RIGHT)
        wait_until(browser, f'return document.querySelector("#{strip} [aria-checked=true]") === document.activeElement')
        wait_until(browser, f"return document.getElementById('{shown}').toDataURL() !== '{was}'")
    # Every control can be reached and has a name.
    names = browser.execute_script("""
        const named = (it) => it.getAttribute("aria-label") || it.textContent.trim();
        return [...document.querySelectorAll("button, input, canvas[tabindex]")].map((it) =>
          named(it) || [...it.labels].map(named).join());
    """)
    assert all(names)
    check_quiet(browser, page)


def test_the_numbers_are_the_models(model, page, images, opened):
    """For the first image that is offered, whose pixels are on the page."""
    browser = opened(page)
    wait_until(browser, "return document.querySelectorAll('#own-scores dd').length === 3")
    shown = picture(browser, "own")[None, ..., :1]
    assert (shown == images.images).all(axis=(1, 2, 3)).any()
    mean, std = model.encode(shown)
    kl = float((0.5 * (mean**2 + std**2 - 1) - np.log(std)).sum())
    log_prob = float(model.likelihood.log_prob(shown, model.decoder(mean))[0])
    texts = [it.text.replace("\u2212", "-").replace(",", "") for it in browser.find_elements("css selector", "dd")]
    numbers = [float(it.split()[0]) for it in texts]
    expected = [-log_prob, kl, (kl - log_prob) / np.log(2) / 784]
    np.testing.assert_allclose(numbers, expected, rtol=2e-3, atol=0.06)
    difference = picture(browser, "own-image")[..., 0] / 255 - model.reconstruct(shown)[0, ..., 0]
    assert np.abs(difference).max() < 4e-3
    assert np.ptp(picture(browser, "own-image")) > 10


def test_an_image_of_ones_own(page, images, opened, tmp_path):
    actions = pytest.importorskip("selenium.webdriver.common.action_chains").ActionChains
    browser = opened(page)
    wait_until(browser, DRAWN % "own-image")
    other = images.images[-1, ..., 0]
    Image.fromarray(other).save(tmp_path / "own.png")
    was = browser.find_element("id", "own-scores").text
    browser.find_element("id", "own-file").send_keys(str(tmp_path / "own.png"))
    wait_until(browser, f"return document.getElementById('own-scores').innerText !== {json.dumps(was)}")
    np.testing.assert_array_equal(picture(browser, "own")[..., 0], other)
    (tmp_path / "text.png").write_text("no image")
    browser.find_element("id", "own-file").send_keys(str(tmp_path / "text.png"))
    notice = "document.getElementById('notice')"
    wait_until(browser, f"return {notice}.textContent.startsWith('text.png: the browser cannot read it')")
    browser.execute_script(f"{notice}.textContent = ''")
    browser.find_element("id", "own-clear").click()
    assert picture(browser, "own").max() == 0
    canvas = browser.find_element("id", "own")
    actions(browser).move_to_element(canvas).click_and_hold().move_by_offset(60, 0).release().perform()
    drawn = picture(browser, "own")[..., 0]
    assert drawn[14, 14:18].min() > 200
    assert drawn[:8].max() == 0
    check_quiet(browser, page)


def test_hostile_names(opened, tmp_path):
    model = zoo.create_model("small_cnn", image_shape=(8, 8, 1), filters=[4], latent_dim=3, seed=0)
    random = np.random.default_rng(0)

    def split(part):
        return zoo.Split(random.integers(0, 256, (30, 8, 8, 1), "uint8"), np.arange(30) % 2, "hostile", part)

    parts = {part: split(part) for part in ("train", "validation", "test")}
    data = zoo.Dataset("hostile", **parts, classes=(HOSTILE, "b"), image_shape=(8, 8, 1))
    model.name = HOSTILE
    path = zoo.explore(model, tmp_path / "page.html", data).path
    browser = opened(path)
    wait_until(browser, DRAWN % "map-image")
    assert browser.find_elements("css selector", "img, b") == []
    assert browser.title != "1"
    assert '<img src=x onerror="document.title=1"><b>&amp;\\u202e' in browser.find_element("id", "legend").text
    check_quiet(browser, path)


@pytest.mark.parametrize("architecture", ["vq_cnn", "ladder"])
def test_other_latents(architecture, opened, tmp_path):
    options = {
        "vq_cnn": {"width": 8, "codes": 32, "quantizers": 2},
        "ladder": {"widths": [8, 8, 8], "groups": [1, 1, 1], "latents": [2, 2, 4], "blocks": 1},
    }[architecture]
    model = zoo.create_model(architecture, image_shape=(32, 32, 3), seed=0, **options)
    images = zoo.load_dataset("cifar10_sample").test.limit(60)
    path = zoo.explore(model, tmp_path / "page.html", images).path
    browser = opened(path)
    part = {"vq_cnn": "codes-image", "ladder": "sliders-image"}[architecture]
    wait_until(browser, DRAWN % f'map-image", "{part}", "own-image')
    wait_until(browser, "return document.querySelectorAll('#own-scores dd').length === 3")
    keys = pytest.importorskip("selenium.webdriver.common.keys").Keys
    if architecture == "vq_cnn":
        grid = browser.find_element("id", "codes")
        grid.send_keys(keys.ARROW_DOWN, " ")
        for book in (1, 2):
            words = browser.find_element("id", "codes-place").text
            code = rf"code (\d+) of codebook {book}\."
            painted, painting = re.fullmatch(rf"Row 2, column 1: {code} Painting with {code}", words).groups()
            assert painted == painting
            # The palette of the other one.
            browser.find_element("css selector", "#palette-1 button").click()
            grid.send_keys(" ")
    else:
        slider = browser.find_element("id", "levels-kept")
        assert "Kept: 1 x 1 x" in browser.find_element("id", "levels-names").text
        slider.send_keys(keys.HOME)
        assert browser.find_element("id", "levels-names").text.startswith("Kept: none.")
    check_quiet(browser, path)


def test_samples_by_a_sampler(images, opened, tmp_path):
    model = zoo.create_model("small_cnn", image_shape=(28, 28, 1), seed=0, latent_dim=2, filters=[4, 4])
    sampler = zoo.samplers.fit(model, images, "two_stage", epochs=1)
    path = zoo.explore(model, tmp_path / "page.html", images, samplers=[sampler]).path
    browser = opened(path)
    tiles = "[...document.querySelectorAll('#samples canvas')].map((it) => it.toDataURL()).join()"
    wait_until(browser, DRAWN % "own-image")
    was = browser.execute_script(f"return {tiles}")
    assert browser.find_element("id", "temperature").is_displayed()
    browser.find_element("css selector", "#sampler option[value='0']").click()
    wait_until(browser, f"return {tiles} !== {json.dumps(was)}")
    assert not browser.find_element("id", "temperature").is_displayed()
    known = model.decode(sampler.sample_latents(256, seed=0).astype("float16").astype("float32"))
    found = [
        np.array(browser.execute_script(
            "const it = document.querySelectorAll('#samples canvas')[arguments[0]];"
            "return [...it.getContext('2d').getImageData(0, 0, it.width, it.height).data];", number
        )).reshape(28, 28, 4)[..., 0] / 255
        for number in range(24)
    ]  # fmt: skip
    nearest = [int(np.abs(known[..., 0] - it).max(axis=(1, 2)).argmin()) for it in found]
    assert len(set(nearest)) == 24  # No draw is shown twice.
    assert max(np.abs(known[row, ..., 0] - it).max() for row, it in zip(nearest, found, strict=True)) < 0.006
    check_quiet(browser, path)


def test_a_page_that_computes_something_else(page, opened, tmp_path):
    text = page.read_text(encoding="utf-8")
    data = re.search(r'id="content">(.*?)</script>', text, re.DOTALL)[1]
    content = json.loads(data)
    (convolution,) = (it for it in content["graphs"]["decoder"]["operators"] if it[0] == "conv")
    convolution[3]["pad"] = [0, 0]
    (tmp_path / "page.html").write_text(text.replace(data, json.dumps(content)), encoding="utf-8")
    browser = opened(tmp_path / "page.html")
    wait_until(browser, "return document.getElementById('notice').textContent.startsWith('Pictures here are off by')")


def test_without_images_and_without_workers(opened, tmp_path):
    model = zoo.create_model("small_cnn", image_shape=(8, 8, 2), filters=[4], latent_dim=3, likelihood="mse", seed=0)
    path = zoo.explore(model, tmp_path / "page.html").path
    text = path.read_text(encoding="utf-8")
    assert "worker-src blob:;" in text
    path.write_text(text.replace("worker-src blob:;", ""), encoding="utf-8")
    browser = opened(path)
    wait_until(browser, DRAWN % "own-image")
    assert browser.find_elements("id", "map") == []
    wait_until(browser, "return document.getElementById('own-scores').textContent.includes('does not know')")


def test_onnx_runtime(model, images, opened, tmp_path):
    """With the file of the npm package onnxruntime-web, if there is one."""
    runtime = os.environ.get("ZOO_TEST_ONNXRUNTIME_WEB")
    if runtime is None:
        pytest.skip("ZOO_TEST_ONNXRUNTIME_WEB names no file")
    path = zoo.explore(model, tmp_path / "page.html", images, runtime="onnx", runtime_file=runtime).path
    browser = opened(path)
    wait_until(browser, "return document.querySelectorAll('#own-scores dd').length === 3")
    shown = picture(browser, "own")[None, ..., :1]
    difference = picture(browser, "own-image")[..., 0] / 255 - model.reconstruct(shown)[0, ..., 0]
    assert np.abs(difference).max() < 3e-3
    check_quiet(browser, path)
