// Groups of latents: the upper ones as in an image, those below drawn anew.

function startLevels(drawTile) {
  const parent = find("levels-images");
  if (!parent) return;
  const tiles = addTiles(parent, 8, "Image with new lower groups,");
  let code = null, draws = [];
  const update = () => {
    const kept = sliders[0].value, start = kept < content.groups.length ? content.groups[kept][0] : latents;
    const names = content.groups.map(([, , shape]) => shape.join(" x "));
    find("levels-names").textContent =
      `Kept: ${names.slice(0, kept).join(", ") || "none"}. Drawn: ${names.slice(kept).join(", ") || "none"}.`;
    decodeInto("levels", tiles.map((tile, i) => [
      code.map((value, d) => (d < start ? value : draws[i][d] * sliders[1].value)), tile,
    ]));
  };
  const sliders = [makeSlider("levels-kept", 0, update), makeSlider("levels-temperature", 2, update)];
  function drawAgain() {
    draws = tiles.map(() => drawPrior());
    if (code) update();
  }
  drawAgain();
  find("levels-new").addEventListener("click", drawAgain);
  makeStrip("levels-from", drawTile, (i) => { code = codeOf(i); update(); }).select(0);
}
