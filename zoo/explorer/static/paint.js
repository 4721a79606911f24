// A grid of codes to paint.

async function startPainting(drawTile) {
  const canvas = find("codes");
  if (!canvas) return;
  const [rows, columns] = content.codebook.grid, { palette, swatches } = content.codebook;
  const drawSwatch = await openSheet(swatches), tile = document.createElement("canvas");
  let codes = indicesOf(0), chosen = palette[0], cursor = [0, 0], painting = false;
  const cell = 48;
  [canvas.width, canvas.height] = [columns * cell, rows * cell];
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;

  function draw() {
    for (let i = 0; i < rows * columns; i++) {
      const [x, y] = [(i % columns) * cell, Math.floor(i / columns) * cell];
      drawSwatch(tile, codes[i]);
      context.drawImage(tile, x + 1, y + 1, cell - 2, cell - 2);
    }
    if (document.activeElement !== canvas) return;
    context.lineWidth = 4;
    context.strokeStyle = getComputedStyle(canvas).getPropertyValue("--accent");
    context.strokeRect(cursor[1] * cell + 2, cursor[0] * cell + 2, cell - 4, cell - 4);
  }

  function update() {
    context.clearRect(0, 0, canvas.width, canvas.height);
    draw();
    decodeInto("codes", [[fromIndices(codes), find("codes-image")]]);
    const code = codes[cursor[0] * columns + cursor[1]];
    find("codes-place").textContent =
      `Row ${cursor[0] + 1}, column ${cursor[1] + 1}: code ${code}. Painting with code ${chosen}.`;
  }

  function paintHere() {
    codes[cursor[0] * columns + cursor[1]] = chosen;
    update();
  }

  function point(event) {
    const box = canvas.getBoundingClientRect();
    const place = [((event.clientY - box.top) / box.height) * rows, ((event.clientX - box.left) / box.width) * columns];
    cursor = place.map((it, axis) => Math.min([rows, columns][axis] - 1, Math.max(0, Math.floor(it))));
    paintHere();
  }

  canvas.addEventListener("pointerdown", (event) => {
    painting = true;
    canvas.setPointerCapture(event.pointerId);
    point(event);
  });
  canvas.addEventListener("pointermove", (event) => { if (painting) point(event); });
  for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => { painting = false; });
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (!step && event.key !== " " && event.key.toLowerCase() !== "p") return;
    event.preventDefault();
    if (step) cursor = cursor.map((it, axis) => Math.min([rows, columns][axis] - 1, Math.max(0, it + step[axis])));
    if (event.key === " ") return paintHere();
    if (event.key.toLowerCase() === "p") {
      chosen = codes[cursor[0] * columns + cursor[1]];
      choice.mark(palette.indexOf(chosen));
    }
    return update();
  });
  for (const name of ["focus", "blur"]) canvas.addEventListener(name, update);
  const names = palette.map((code) => `Code ${code}`);
  const choice = makeChoice(find("palette"), names, (it, i) => drawSwatch(it, palette[i]), (i) => {
    chosen = palette[i];
    update();
  });
  choice.mark(0);
  makeStrip("codes-from", drawTile, (i) => { codes = indicesOf(i); update(); }).select(0);
}
