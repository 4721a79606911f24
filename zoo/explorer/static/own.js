// An image of one's own: drawn, dropped, chosen from a file or from the page.

function startOwn(drawTile) {
  const canvas = find("own"), scale = Math.max(1, Math.round(280 / Math.max(width, height)));
  const large = document.createElement("canvas");
  [large.width, large.height] = [width * scale, height * scale];
  const pen = large.getContext("2d", { willReadFrequently: true });
  let last = null, strip = null;

  // Each value is the mean of a square of the large canvas, so that an image from the page stays exactly as it is.
  function readImage() {
    const { data } = pen.getImageData(0, 0, large.width, large.height);
    const values = new Float32Array(width * height * channels);
    for (let i = 0; i < width * height; i++) {
      const mean = [0, 0, 0, 0], top = Math.floor(i / width) * scale, left = (i % width) * scale;
      for (let y = top; y < top + scale; y++) {
        for (let x = left; x < left + scale; x++) {
          for (let c = 0; c < 4; c++) mean[c] += data[(y * large.width + x) * 4 + c] / (scale * scale);
        }
      }
      const grey = 0.299 * mean[0] + 0.587 * mean[1] + 0.114 * mean[2];
      for (let c = 0; c < channels; c++) {
        const value = channels < 3 || c > 3 || (c === 3 && channels > 4) ? grey : mean[c];
        values[i * channels + c] = Math.round(value) / 255;
      }
    }
    return content.binarized ? values.map((value) => (value >= 0.5 ? 1 : 0)) : values;
  }

  function update() {
    const image = readImage();
    paint(canvas, image);
    client.ask("own", [[{ call: "encode", image }, (mean, std) => {
      client.ask("own score", [[{ call: "score", z: mean, image, channels }, (decoded, [logProb]) => {
        paint(find("own-image"), decoded);
        showScores(divergence(mean, std), logProb);
      }]]);
    }]]);
  }

  function divergence(mean, std) {
    if (codebook) return (latents / codeSize) * Math.log(codesOfBook);
    if (!std) return null;
    return mean.reduce((sum, m, d) => sum + (m * m + std[d] * std[d] - 1) / 2 - Math.log(std[d]), 0);
  }

  function showScores(kl, logProb) {
    const { proper, title, bytes } = content.likelihood, known = Number.isFinite(logProb), both = known && kl !== null;
    const rows = [], cost = proper ? "\u2212log p(x | z), z the code" : `Cross-entropy (${title})`;
    if (known) rows.push([cost, show(-logProb, 1), "nats"]);
    if (kl !== null) rows.push(["KL divergence from the prior", show(kl, 1), "nats"]);
    const bits = (kl - logProb) / Math.LN2 / (width * height * channels);
    const together = bytes ? [show(bits), "bits per dimension"] : [show(kl - logProb, 1), "nats"];
    if (both) rows.push(["Both together", ...together]);
    const parts = rows.map(([name, value, what]) => {
      const [row, term, given, unit] = ["div", "dt", "dd", "small"].map((tag) => document.createElement(tag));
      term.textContent = name;
      unit.textContent = ` ${what}`;
      given.append(value, unit);
      row.append(term, given);
      return row;
    });
    if (!known) {
      const row = document.createElement("div"), term = document.createElement("dt");
      term.textContent = `The page does not know the likelihood ${title}, so it shows no log p(x | z).`;
      row.append(term);
      parts.push(row);
    }
    find("own-scores").replaceChildren(...parts);
  }

  function clear() {
    pen.fillStyle = "#000000";
    pen.fillRect(0, 0, large.width, large.height);
  }

  function forget() {
    if (strip) strip.mark(-1);
  }

  // Fill the whole image; what stands out is cut off.
  function take(source, wide, high) {
    clear();
    const factor = Math.max(large.width / wide, large.height / high);
    const [w, h] = [wide * factor, high * factor];
    pen.imageSmoothingEnabled = factor < 1;
    pen.drawImage(source, (large.width - w) / 2, (large.height - h) / 2, w, h);
    update();
  }

  async function open(file) {
    try {
      const bitmap = await createImageBitmap(file);
      forget();
      take(bitmap, bitmap.width, bitmap.height);
    } catch {
      notify(`${file.name}: the browser cannot read it as an image`);
    }
  }

  function place(event) {
    const box = canvas.getBoundingClientRect();
    const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    return [x * large.width, y * large.height];
  }

  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    if (strip && last === null) forget();
    last = place(event);
    stroke(last);
  });
  canvas.addEventListener("pointermove", (event) => { if (last && event.buttons) stroke(place(event)); });
  for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => { last = null; });

  function stroke(to) {
    const colour = find("own-colour");
    pen.strokeStyle = colour ? colour.value : "#ffffff";
    pen.lineWidth = Math.max(large.width, large.height) / 12;
    pen.lineCap = pen.lineJoin = "round";
    pen.beginPath();
    pen.moveTo(...last);
    pen.lineTo(...to);
    pen.stroke();
    last = to;
    update();
  }

  for (const [name, over] of [["dragenter", true], ["dragover", true], ["dragleave", false], ["drop", false]]) {
    canvas.addEventListener(name, (event) => {
      event.preventDefault();
      canvas.classList.toggle("over", over);
      if (name === "drop" && event.dataTransfer.files.length) open(event.dataTransfer.files[0]);
    });
  }
  find("own-file").addEventListener("change", ({ target }) => {
    if (target.files.length) open(target.files[0]);
    target.value = "";  // So that the same file can be chosen again.
  });
  find("own-clear").addEventListener("click", () => { forget(); clear(); update(); });
  clear();
  if (!find("own-from")) return update();
  strip = makeStrip("own-from", drawTile, (i) => {
    const tile = document.createElement("canvas");
    drawTile(tile, i);
    take(tile, tile.width, tile.height);
  });
  return strip.select(0);
}
