// Images from the prior.

function startSamples() {
  const tiles = addTiles(find("samples"), 24, "Sample");
  let draws = [], temperature = 1;
  const scaled = (z) => z.map((value) => value * temperature);
  const update = () => decodeInto("samples", tiles.map((tile, i) => [scaled(draws[i]), tile]));
  function drawAgain() {
    draws = tiles.map(() => drawPrior());
    update();
  }
  if (find("temperature")) makeSlider("temperature", 2, (value) => { temperature = value; update(); });
  find("samples-new").addEventListener("click", drawAgain);
  drawAgain();
}
