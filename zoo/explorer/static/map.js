// The map: dots in a plane of the latent space, and the image of the place that is pointed at.

const AROUND = 12;  // Images nearby.

function startMap() {
  const canvas = find("map");
  if (!canvas) return;
  const points = read(content.map.points), centre = read(content.map.centre), axes = read(content.map.axes);
  const count = points.length / 2;
  const bounds = [0, 1].map((axis) => {
    let low = Infinity, high = -Infinity;
    for (let i = axis; i < points.length; i += 2) [low, high] = [Math.min(low, points[i]), Math.max(high, points[i])];
    return [low, high];
  });
  const middle = bounds.map(([low, high]) => (low + high) / 2);
  const reach = 0.55 * Math.max(...bounds.map(([low, high]) => high - low));
  let place = [...middle], nearest = -1, shown = -1, pictured = null;

  const toPixel = ([x, y], size) =>
    [(((x - middle[0]) / reach + 1) * size) / 2, ((1 - (y - middle[1]) / reach) * size) / 2];

  function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }

  // The dots are drawn once for each size and colour scheme.
  function drawDots(size) {
    const dots = document.createElement("canvas");
    dots.width = dots.height = size;
    const context = dots.getContext("2d"), radius = Math.max(1.5, size / 260);
    if (!labels) drawDensity(context, size);
    context.globalAlpha = labels ? 0.75 : 0.35;
    const colours = labels ? images.classes.map((_, i) => classColour(i, colour)) : [colour("--accent")];
    for (let i = 0; i < count; i++) {
      const [x, y] = toPixel([points[2 * i], points[2 * i + 1]], size);
      context.fillStyle = colours[labels ? labels[i] : 0];
      context.beginPath();
      context.arc(x, y, radius, 0, 2 * Math.PI);
      context.fill();
    }
    return dots;
  }

  function drawDensity(context, size) {
    const cells = 48, counts = new Float32Array(cells * cells), width = 1.5;
    for (let i = 0; i < count; i++) {
      const [x, y] = toPixel([points[2 * i], points[2 * i + 1]], cells);
      for (let row = Math.max(0, Math.floor(y) - 4); row < Math.min(cells, y + 4); row++) {
        for (let column = Math.max(0, Math.floor(x) - 4); column < Math.min(cells, x + 4); column++) {
          const distance = ((row + 0.5 - y) ** 2 + (column + 0.5 - x) ** 2) / (width * width);
          counts[row * cells + column] += Math.exp(-distance / 2);
        }
      }
    }
    const most = counts.reduce((a, b) => Math.max(a, b), 0), step = size / cells;
    context.fillStyle = colour("--accent");
    counts.forEach((value, i) => {
      context.globalAlpha = 0.45 * Math.sqrt(value / most);
      context.fillRect((i % cells) * step, Math.floor(i / cells) * step, step + 0.5, step + 0.5);
    });
  }

  function draw() {
    const size = Math.max(1, Math.round(canvas.clientWidth * Math.min(2, devicePixelRatio || 1)));
    if (!pictured || pictured.width !== size) pictured = drawDots(size);
    if (canvas.width !== size) canvas.width = canvas.height = size;
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, size, size);
    context.drawImage(pictured, 0, 0);
    const [x, y] = toPixel(place, size), unit = size / canvas.clientWidth;
    context.lineWidth = 3.5 * unit;
    for (const [stroke, thickness] of [[colour("--surface"), 5], [colour("--ink"), 2]]) {
      context.strokeStyle = stroke;
      context.lineWidth = thickness * unit;
      context.beginPath();
      context.arc(x, y, 8 * unit, 0, 2 * Math.PI);
      context.stroke();
    }
  }

  // All that the plane leaves open, as in images nearby: how much each of them counts.
  function weigh() {
    const distances = new Float32Array(coded);
    for (let i = 0; i < coded; i++) {
      distances[i] = (points[2 * i] - place[0]) ** 2 + (points[2 * i + 1] - place[1]) ** 2;
    }
    const width = distances.slice().sort()[Math.min(AROUND, coded - 1)] || 1;
    return distances.map((it) => Math.exp((-2 * it) / width));
  }

  function add(z, code, at, weight) {
    for (let d = 0; d < latents; d++) z[d] += weight * (code[d] - at[0] * axes[d] - at[1] * axes[latents + d]);
  }

  function latentsAt() {
    const chosen = document.querySelector('input[name="others"]:checked'), z = new Float32Array(latents);
    if (!chosen || chosen.value === "mean") add(z, centre, [0, 0], 1);
    else if (chosen.value === "nearest") add(z, codeOf(nearest), points.subarray(2 * nearest), 1);
    else {
      const weights = weigh(), sum = weights.reduce((a, b) => a + b, 0);
      weights.forEach((weight, i) => {
        if (weight > 0.001 * sum) add(z, codeOf(i), points.subarray(2 * i), weight / sum);
      });
    }
    for (let d = 0; d < latents; d++) z[d] += place[0] * axes[d] + place[1] * axes[latents + d];
    return asCode(z);
  }

  // The image whose code is on the page and nearest on the map.
  function findNearest() {
    let best = Infinity, found = -1;
    for (let i = 0; i < coded; i++) {
      const distance = (points[2 * i] - place[0]) ** 2 + (points[2 * i + 1] - place[1]) ** 2;
      if (distance < best) [best, found] = [distance, i];
    }
    return found;
  }

  function move(x, y) {
    place = [x, y].map((it, axis) => Math.min(middle[axis] + reach, Math.max(middle[axis] - reach, it)));
    nearest = findNearest();
    draw();
    find("map-place").textContent = `At ${show(place[0])}, ${show(place[1])}`;
    showNearest();
    decodeInto("map", [[latentsAt(), find("map-image")]]);
  }

  function showNearest() {
    if (nearest === shown) return;
    shown = nearest;
    find("map-nearest-name").textContent = `Nearest image, as the model reconstructs it: ${className(nearest)}`;
    decodeInto("nearest", [[codeOf(nearest), find("map-nearest")]]);
  }

  function point(event) {
    const box = canvas.getBoundingClientRect();
    const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    move(middle[0] + (2 * x - 1) * reach, middle[1] + (1 - 2 * y) * reach);
  }

  canvas.addEventListener("pointermove", point);
  canvas.addEventListener("pointerdown", (event) => { canvas.focus({ preventScroll: true }); point(event); });
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!step) return;
    event.preventDefault();
    const far = (event.shiftKey ? 0.2 : 0.02) * reach;
    move(place[0] + step[0] * far, place[1] + step[1] * far);
  });
  for (const choice of document.querySelectorAll('input[name="others"]')) {
    choice.addEventListener("change", () => move(...place));
  }
  new ResizeObserver(draw).observe(canvas);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { pictured = null; draw(); });
  addLegend();
  move(...middle);
}

const classColour = (i, colour) =>
  images.classes.length <= 10 ? colour(`--series-${i}`) : `hsl(${(360 * i) / images.classes.length} 60% 50%)`;

function addLegend() {
  if (!labels) return;
  const space = "http://www.w3.org/2000/svg";
  find("legend").append(...images.classes.map((name, i) => {
    const item = document.createElement("li"), mark = document.createElementNS(space, "svg");
    const dot = document.createElementNS(space, "circle");
    mark.setAttribute("viewBox", "0 0 10 10");
    mark.setAttribute("aria-hidden", "true");
    for (const [key, value] of [["cx", 5], ["cy", 5], ["r", 5]]) dot.setAttribute(key, value);
    dot.setAttribute("fill", classColour(i, (it) => `var(${it})`));
    mark.append(dot);
    item.append(mark, name);
    return item;
  }));
}
