"""A real browser for tests: the system's Chromium, without a window, driven by Selenium."""

import base64
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
needs_browser = pytest.mark.skipif(
    CHROMIUM is None or DRIVER is None,
    reason="no Chromium here: apt-get install chromium chromium-driver",
)

_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
)


def key_hash(certificate: Path) -> str:
    """Base64 of the SHA-256 of a certificate's public key, by which Chromium can be told to trust just that."""
    public = subprocess.run(
        ["openssl", "x509", "-in", str(certificate), "-noout", "-pubkey"], capture_output=True, check=True
    ).stdout
    der = subprocess.run(
        ["openssl", "pkey", "-pubin", "-outform", "der"], input=public, capture_output=True, check=True
    ).stdout
    return base64.b64encode(hashlib.sha256(der).digest()).decode()


@contextmanager
def browser(profile: Path, *flags: str, certificate: Path | None = None) -> Iterator[Any]:
    """A browser with a profile of its own.

    Parameters
    ----------
    certificate : Path
        The only certificate, beside those of the system's authorities, that it trusts.
    """
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for flag in (*_FLAGS, f"--user-data-dir={profile}", *flags):
        options.add_argument(flag)
    if certificate is not None:
        options.add_argument(f"--ignore-certificate-errors-spki-list={key_hash(certificate)}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    # Nothing is downloaded: driver and browser are the system's.
    environment = {**os.environ, "SE_OFFLINE": "true", "SE_AVOID_STATS": "true"}
    service = webdriver.ChromeService(executable_path=str(DRIVER), env=environment)
    driver = webdriver.Chrome(options=options, service=service)
    try:
        driver.set_page_load_timeout(60)
        driver.set_script_timeout(60)
        yield driver
    finally:
        driver.quit()


def size(driver: Any, width: int, height: int) -> None:
    """Give the page so much room."""
    driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600},
    )


def colours(driver: Any, scheme: str) -> None:
    """Prefer "light" or "dark"."""
    driver.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )


def picture(driver: Any, file: Path) -> None:
    """Save what the whole page looks like, below its visible part, too."""
    shot = driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png", "captureBeyondViewport": True})
    file.write_bytes(base64.b64decode(shot["data"]))


def said(driver: Any) -> list[str]:
    """What the browser complains of: scripts' errors, what a policy forbids."""
    return [entry["message"] for entry in driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]


OVERLAPS = """
function clipped(e) {
  for (; e; e = e.parentElement) if (getComputedStyle(e).clipPath !== "none") return true;
  return false;
}
const shown = [...document.querySelectorAll(arguments[0])].filter(
  (e) => e.getClientRects().length > 0 && e.checkVisibility() && !clipped(e));
const boxes = shown.map((e) => [e, e.getBoundingClientRect()]);
const found = [];
for (const [one, a] of boxes) for (const [other, b] of boxes) {
  if (one === other || one.contains(other) || other.contains(one)) continue;
  const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const tall = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  if (wide > 1 && tall > 1) found.push(`${one.textContent.slice(0, 40)} | ${other.textContent.slice(0, 40)}`);
}
return found;
"""
"""Pairs of elements that match a selector and lie on each other."""

OUTSIDE = """
const room = document.documentElement.clientWidth;
return [...document.querySelectorAll("body *")].filter((e) => {
  const style = getComputedStyle(e);
  if (style.clipPath !== "none" || e.closest("dialog:not([open]), .hidden, .skip, thead")) return false;
  const box = e.getBoundingClientRect();
  return box.width > 0 && (box.right > room + 1 || box.left < -1);
}).map((e) => `${e.tagName}.${e.className} ${e.textContent.slice(0, 40)}`);
"""
"""Elements that stick out of the page to the side."""

CONTRAST = """
function parsed(colour) {
  const parts = colour.match(/[\\d.]+/g).map(Number);
  return colour.startsWith("color(") ? parts.map((one, i) => (i < 3 ? 255 * one : one)) : parts;
}
function light(colour) {
  const [r, g, b] = colour.slice(0, 3).map((one) => {
    const c = one / 255;
    return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
function behind(element) {
  for (let e = element; e; e = e.parentElement) {
    const colour = parsed(getComputedStyle(e).backgroundColor);
    if (colour.length < 4 || colour[3] > 0.99) return colour;
  }
  return [255, 255, 255];
}
const found = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  if (!walker.currentNode.textContent.trim() || !element.checkVisibility()) continue;
  if (element.closest("noscript, script, style, title, option")) continue;
  const style = getComputedStyle(element);
  const colour = parsed(element.namespaceURI.endsWith("svg") ? style.fill : style.color);
  const [a, b] = [light(colour), light(behind(element))].sort((x, y) => y - x);
  const ratio = (a + 0.05) / (b + 0.05);
  if (ratio < 4.5) found.push(`${ratio.toFixed(2)}: ${element.tagName} ${element.textContent.slice(0, 40)}`);
}
return found;
"""
"""Texts with less contrast than WCAG's level AA wants."""
