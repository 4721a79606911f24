"""The report in a browser: sorting, pages, contrast, narrow and dark screens, no request."""

import json
import shutil
import time

import pytest
from support.report_runs import train_runs

from zoo.report import write_report


@pytest.fixture
def browser():
    """Headless Chromium that notes console messages and requests; ``browser(width, height, dark)``."""
    webdriver = pytest.importorskip("selenium.webdriver")
    binary, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if binary is None or driver is None:
        pytest.skip("needs chromium and chromedriver")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    made = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield made
    made.quit()


def resize(browser, width, height, dark=False):
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})


def wait_until(condition):
    for _ in range(100):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it did not happen within five seconds")


@pytest.mark.slow
def test_in_a_browser(tiny, few_pictures, browser, tmp_path):
    train_runs(tmp_path / "my runs")
    url = write_report(tmp_path / "my runs").absolute().as_uri()
    resize(browser, 1280, 900)
    browser.get(url)
    ask = browser.execute_script
    check_sorting(browser)
    check_pages(browser, url)
    for width, height, dark in ((1280, 900, False), (390, 844, False), (1280, 900, True), (360, 740, True)):
        resize(browser, width, height, dark)
        for place in ("", "#model-tiny-tiny_cnn"):
            browser.get("about:blank")
            browser.get(url + place)
            assert ask("return document.documentElement.scrollWidth") <= width
            kind = f"{width}-{'dark' if dark else 'light'}{'-model' if place else ''}"
            assert browser.save_screenshot(str(tmp_path / f"{kind}.png"))
            check_contrast(ask)
    assert browser.get_log("browser") == []
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    requests = [it["params"]["request"]["url"] for it in messages if it["method"] == "Network.requestWillBeSent"]
    assert any(it.startswith("file:") for it in requests)
    assert {it.partition(":")[0] for it in requests} <= {"file", "data", "about"}


def check_sorting(browser):
    from selenium.webdriver.common.keys import Keys

    def names():
        return [it.text for it in browser.find_elements("css selector", ".board tbody th a")]

    def sort():
        return browser.find_elements("css selector", ".board thead th")[0].get_attribute("aria-sort")

    button = browser.find_element("css selector", ".board thead button")
    button.click()
    assert (names(), sort()) == (["small_cnn", "tiny_cnn"], "ascending")
    button.send_keys(Keys.ENTER)
    assert (names(), sort()) == (["tiny_cnn", "small_cnn"], "descending")
    assert len(browser.find_elements("css selector", "[aria-sort]")) == 1
    # By number: 1,000 after 999, and what has no value last, whichever way.
    heads = browser.find_elements("css selector", ".board thead th")
    for index in range(1, len(heads)):
        for _ in range(2):
            heads[index].find_element("css selector", "button").click()
            cells = browser.find_elements("css selector", f".board tbody tr > :nth-child({index + 1})")
            values = [it.get_attribute("data-value") for it in cells]
            known = [float(it) for it in values if it]
            down = heads[index].get_attribute("aria-sort") == "descending"
            assert known == sorted(known, reverse=down)
            assert values[len(known) :] == [""] * (len(values) - len(known))


def check_pages(browser, url):
    def shown():
        pages = browser.find_elements("css selector", "[data-page]")
        return [it.get_attribute("id") for it in pages if it.is_displayed()]

    from selenium.webdriver.common.keys import Keys

    assert shown() == ["top"]
    link = browser.find_element("link text", "tiny_cnn")
    link.send_keys(Keys.ENTER)
    wait_until(lambda: shown() == ["model-tiny-tiny_cnn"])
    assert browser.title.startswith("tiny_cnn · ")
    assert browser.switch_to.active_element.get_attribute("id") == "model-tiny-tiny_cnn"
    assert browser.execute_script("return [...document.images].every((it) => it.naturalWidth > 0 || !it.offsetParent)")
    browser.back()
    wait_until(lambda: shown() == ["top"])
    assert browser.switch_to.active_element.text == "tiny_cnn"
    browser.forward()
    wait_until(lambda: shown() == ["model-tiny-tiny_cnn"])
    browser.find_element("partial link text", "← tiny").click()
    wait_until(lambda: shown() == ["top"])
    browser.get(f"{url}#nothing-of-this-name")
    assert shown() == ["top"]


def check_contrast(ask):
    """Check that ink, muted text and links can be read on both surfaces (WCAG 2, 4.5 to 1)."""
    read = "return getComputedStyle(document.documentElement).getPropertyValue('--{}').trim()"
    for surface in ("paper", "surface"):
        for ink in ("ink", "muted", "accent"):
            assert contrast(ask(read.format(ink)), ask(read.format(surface))) >= 4.5
        for index in range(10):
            assert contrast(ask(read.format(f"series-{index}")), ask(read.format(surface))) >= 3


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour):
    parts = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    linear = [it / 12.92 if it <= 0.04045 else ((it + 0.055) / 1.055) ** 2.4 for it in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
