// A grid of codes to paint, those of one codebook at a time.

async function startPainting(drawTile) {
  const canvas = find("codes");
  if (!canvas) return;
  const [rows, columns] = content.codebook.grid, { palettes, swatches } = content.codebook;
  const drawSwatch = await openSheet(swatches), tile = document.createElement("canvas");
  let codes = indicesOf(0), book = 0, chosen = palettes[0][0], cursor = [0, 0], painting = false;
  const cell = 48;
  [canvas.width, canvas.height] = [columns * cell, rows * cell];
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;

  const nameOf = (code, own = book) => `code ${code}${books > 1 ? ` of codebook ${own + 1}` : ""}`;
  const atCursor = () => (cursor[0] * columns + cursor[1]) * books + book;

  function draw() {
    for (let i = 0; i < rows * columns; i++) {
      const [x, y] = [(i % columns) * cell, Math.floor(i / columns) * cell];
      drawSwatch(tile, book * codesOfBook + codes[i * books + book]);
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
    find("codes-place").textContent = `Row ${cursor[0] + 1}, column ${cursor[1] + 1}: ` +
      `${nameOf(codes[atCursor()])}. Painting with ${nameOf(chosen)}.`;
  }

  function paintHere() {
    codes[atCursor()] = chosen;
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
    if (event.key.toLowerCase() === "p") return choose(book, codes[atCursor()]);
    return update();
  });
  for (const name of ["focus", "blur"]) canvas.addEventListener(name, update);
  const choices = palettes.map((palette, own) => {
    const names = palette.map((code) => nameOf(code, own).replace("c", "C"));
    const drawn = (it, i) => drawSwatch(it, own * codesOfBook + palette[i]);
    return makeChoice(find(`palette-${own}`), names, drawn, (i) => choose(own, palette[i]));
  });

  function choose(own, code) {
    [book, chosen] = [own, code];
    choices.forEach((it, i) => it.mark(i === own ? palettes[i].indexOf(code) : -1));
    update();
  }

  choices[0].mark(0);
  makeStrip("codes-from", drawTile, (i) => { codes = indicesOf(i); update(); }).select(0);
}
