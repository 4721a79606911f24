// The way from one image's code to another's.

function startBetween(drawTile) {
  const path = find("between-path");
  if (!path) return;
  const tiles = addTiles(path, 9, "Image on the way,");
  const ends = [0, Math.min(1, coded - 1)];
  const at = (share) => {
    const [first, second] = ends.map(codeOf);
    return asCode(first.map((value, d) => value * (1 - share) + second[d] * share));
  };
  const slider = makeSlider("between-at", 2, (value) => decodeInto("between", [[at(value), find("between-image")]]));
  function update() {
    decodeInto("path", tiles.map((tile, i) => [at(i / (tiles.length - 1)), tile]));
    decodeInto("between", [[at(slider.value), find("between-image")]]);
  }
  ["between-first", "between-second"].forEach((id, end) => {
    makeStrip(id, drawTile, (i) => { ends[end] = i; update(); }).mark(ends[end]);
  });
  update();
}
