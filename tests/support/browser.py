"""A headless browser that shows a page from disk."""

import json
import shutil
import time

import pytest


def open_page(path, width=1280, height=900, *, dark=False):
    """Return a browser that shows a file; the test is skipped where there is none."""
    webdriver = pytest.importorskip("selenium.webdriver")
    programs = [shutil.which(name) for name in ("chromium", "chromedriver")]
    if None in programs:
        pytest.skip("there is no chromium, or no chromedriver")
    options = webdriver.ChromeOptions()
    options.binary_location = programs[0]
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", f"--window-size={width},{height}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(programs[1]))
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500},
    )
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    browser.get(path.as_uri())
    return browser


def requested(browser):
    """Return the addresses that the browser asked for."""
    events = [json.loads(it["message"])["message"] for it in browser.get_log("performance")]
    return [it["params"]["request"]["url"] for it in events if it["method"] == "Network.requestWillBeSent"]


def wait_until(browser, script, *, seconds=20):
    """Return what a script returns as soon as it is true."""
    end = time.monotonic() + seconds
    while True:
        found = browser.execute_script(script)
        if found:
            return found
        assert time.monotonic() < end, script
        time.sleep(0.02)
