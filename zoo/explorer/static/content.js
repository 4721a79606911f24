// What the page was made with: the model's networks, its images and their codes.

const find = (id) => document.getElementById(id);
const content = JSON.parse(find("content").textContent);
const engine = makeEngine();

function decodeBase64(text) {
  const letters = atob(text.trim()), bytes = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i);
  return bytes.buffer;
}

const buffer = decodeBase64(find("blob").textContent);
const product = (shape) => shape.reduce((a, b) => a * b, 1);

function read(array) {
  return array && engine.readArray(buffer, array.bytes, array.start, product(array.shape));
}

const latents = product(content.latent);
const [height, width, channels] = content.image;
const codebook = content.codebook && read(content.codebook.codes);
const codeSize = content.latent[content.latent.length - 1];
// Each codebook has a code at each place of the map, one after the other.
const [books, codesOfBook] = codebook ? content.codebook.codes.shape : [0, 0];
const images = content.images;
const storedCodes = images && read(images.codes);
const labels = images && read(images.labels);
const coded = images ? images.codes.shape[0] : 0;

// The code of an image of the page, as the decoder takes it.
function codeOf(index) {
  const each = images.codes.shape[1], row = storedCodes.subarray(index * each, (index + 1) * each);
  return codebook ? fromIndices(row) : row.slice();
}

const indicesOf = (index) => storedCodes.slice(index * images.codes.shape[1], (index + 1) * images.codes.shape[1]);

function fromIndices(indices) {
  const z = new Float32Array(indices.length * codeSize);
  for (let i = 0; i < indices.length; i++) {
    const start = ((i % books) * codesOfBook + indices[i]) * codeSize;
    z.set(codebook.subarray(start, start + codeSize), i * codeSize);
  }
  return z;
}

// The index of the code nearest to each vector of z, in its codebook.
function nearestCodes(z) {
  const found = new Float32Array(z.length / codeSize);
  for (let i = 0; i < found.length; i++) {
    const book = (i % books) * codesOfBook;
    let best = Infinity;
    for (let k = 0; k < codesOfBook; k++) {
      let distance = 0;
      for (let d = 0; d < codeSize; d++) distance += (z[i * codeSize + d] - codebook[(book + k) * codeSize + d]) ** 2;
      if (distance < best) [best, found[i]] = [distance, k];
    }
  }
  return found;
}

// Latents as the decoder takes them: of a codebook's model, the nearest codes.
const asCode = (z) => (codebook ? fromIndices(nearestCodes(z)) : z);

function drawNormal() {
  return Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
}

const priorDraws = read(content.prior.draws);

function drawPrior(temperature = 1) {
  if (content.prior.kind === "codes") {
    const length = latents / codeSize;
    return fromIndices(Float32Array.from({ length }, () => Math.floor(Math.random() * codesOfBook)));
  }
  if (content.prior.kind === "draws") {
    const row = Math.floor((Math.random() * priorDraws.length) / latents);
    return priorDraws.slice(row * latents, (row + 1) * latents);
  }
  return Float32Array.from({ length: latents }, () => temperature * drawNormal());
}

const className = (index) => (labels ? images.classes[labels[index]] : `image ${index + 1}`);

function show(value, digits = 2) {
  const text = value.toLocaleString("en-GB", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return (/[1-9]/.test(text) ? text : text.replace("-", "")).replace("-", "\u2212");
}
