// Images on canvases, one pixel for each of the image's; styles enlarge them.

const SHARP = 64;  // Images up to this size are enlarged with sharp pixels.

function prepare(canvas) {
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  canvas.classList.toggle("sharp", Math.max(width, height) <= SHARP);
  return canvas.getContext("2d");
}

// Paint values in [0, 1], (height, width, channels); what is no colour is shown as the mean in grey.
function paint(canvas, values) {
  const context = prepare(canvas), picture = context.createImageData(width, height);
  const coloured = channels === 3 || channels === 4;
  for (let i = 0; i < width * height; i++) {
    const start = i * channels;
    let grey = 0;
    for (let c = 0; c < channels; c++) grey += values[start + c] / channels;
    for (let c = 0; c < 3; c++) picture.data[i * 4 + c] = 255 * (coloured ? values[start + c] : grey);
    picture.data[i * 4 + 3] = channels === 4 ? 255 * values[start + 3] : 255;
  }
  context.putImageData(picture, 0, 0);
}

function addTiles(parent, count, label) {
  const tiles = Array.from({ length: count }, (_, i) => {
    const canvas = document.createElement("canvas");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `${label} ${i + 1}`);
    prepare(canvas);
    return canvas;
  });
  parent.append(...tiles);
  return tiles;
}

// A sheet of tiles: a function that draws one of them.
async function openSheet(sheet) {
  const image = new Image();
  image.src = sheet.uri;
  await image.decode();
  return (canvas, index) => {
    [canvas.width, canvas.height] = [sheet.width, sheet.height];
    canvas.classList.toggle("sharp", Math.max(sheet.width, sheet.height) <= SHARP);
    const left = (index % sheet.columns) * sheet.width, top = Math.floor(index / sheet.columns) * sheet.height;
    canvas.getContext("2d").drawImage(image, left, top, sheet.width, sheet.height, 0, 0, sheet.width, sheet.height);
  };
}

// A choice of one among pictures, with the keys of radio buttons.
function makeChoice(parent, names, draw, choose) {
  const buttons = names.map((name, i) => {
    const button = document.createElement("button"), canvas = document.createElement("canvas");
    button.type = "button";
    button.setAttribute("role", "radio");
    button.setAttribute("aria-label", name);
    button.title = name;
    draw(canvas, i);
    button.append(canvas);
    button.addEventListener("click", () => select(i));
    return button;
  });
  function mark(index) {
    buttons.forEach((button, i) => {
      button.setAttribute("aria-checked", String(i === index));
      button.tabIndex = i === Math.max(0, index) ? 0 : -1;
    });
  }
  function select(index) {
    mark(index);
    choose(index);
  }
  parent.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const index = (buttons.indexOf(document.activeElement) + step + buttons.length) % buttons.length;
    buttons[index].focus();
    select(index);
  });
  parent.append(...buttons);
  mark(-1);
  return { select, mark };
}

const makeStrip = (id, draw, choose) =>
  makeChoice(find(id), Array.from({ length: images.sheet.count }, (_, i) => `${i + 1}: ${className(i)}`), draw, choose);

// A slider that shows its value.
function makeSlider(id, digits, changed) {
  const slider = find(id), output = find(`${id}-value`);
  const update = () => { output.textContent = show(Number(slider.value), digits); };
  slider.addEventListener("input", () => { update(); changed(Number(slider.value)); });
  update();
  return { get value() { return Number(slider.value); } };
}
