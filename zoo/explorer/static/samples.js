// Images from the prior, or by a sampler.

// Rows of stored draws, no two alike as long as there are enough.
function drawStored(array, count) {
  const [rows, each] = array.shape, values = read(array), order = Array.from({ length: rows }, (_, i) => i);
  for (let i = rows - 1; i > 0; i--) {
    const other = Math.floor(Math.random() * (i + 1));
    [order[i], order[other]] = [order[other], order[i]];
  }
  return Array.from({ length: count }, (_, i) => {
    const start = order[i % rows] * each, row = values.slice(start, start + each);
    return codebook ? fromIndices(row) : row;
  });
}

function startSamples() {
  const tiles = addTiles(find("samples"), 24, "Sample"), choice = find("sampler");
  let draws = [], temperature = 1;
  const chosen = () => content.samplers[choice ? choice.value : ""];
  const scaled = (z) => (chosen() ? z : z.map((value) => value * temperature));
  const update = () => decodeInto("samples", tiles.map((tile, i) => [scaled(draws[i]), tile]));
  function drawAgain() {
    draws = chosen() ? drawStored(chosen().draws, tiles.length) : tiles.map(() => drawPrior());
    update();
  }
  if (find("temperature")) makeSlider("temperature", 2, (value) => { temperature = value; update(); });
  if (choice) {
    choice.addEventListener("change", () => {
      if (find("temperature")) find("temperature").closest("label").hidden = Boolean(chosen());
      drawAgain();
    });
  }
  find("samples-new").addEventListener("click", drawAgain);
  drawAgain();
}
