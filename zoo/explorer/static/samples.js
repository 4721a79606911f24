// Images from the prior.

function startSamples() {
  const tiles = addTiles(find("samples"), 24, "Sample");
  let draws = [], temperature = 1;
  const update = () => decodeInto("samples", tiles.map((tile, i) => [draws[i].map((value) => value * temperature), tile]));
  function drawAgain() {
    draws = tiles.map(() => drawPrior());
    update();
  }
  if (find("temperature")) makeSlider("temperature", 2, (value) => { temperature = value; update(); });
  find("samples-new").addEventListener("click", drawAgain);
  drawAgain();
}
