// Sliders for the latents with the largest KL divergence.

function startSliders(drawTile) {
  const parent = find("sliders");
  if (!parent) return;
  let z = new Float32Array(latents);
  const decode = () => decodeInto("sliders", [[z.slice(), find("sliders-image")]]);
  const rows = content.sliders.map(([latent, kl]) => {
    const row = document.createElement("label"), name = document.createElement("span");
    const slider = document.createElement("input"), output = document.createElement("output");
    row.className = "slider";
    name.className = "label";
    name.textContent = `z${latent + 1} \u00b7 ${show(kl, 1)} nats`;
    Object.assign(slider, { type: "range", min: -3.5, max: 3.5, step: 0.05, value: 0 });
    slider.addEventListener("input", () => {
      z[latent] = Number(slider.value);
      output.textContent = show(z[latent], 1);
      decode();
    });
    row.append(name, slider, output);
    return { row, set: () => { slider.value = z[latent]; output.textContent = show(z[latent], 1); } };
  });
  parent.append(...rows.map((it) => it.row));
  function start(code) {
    z = code;
    for (const row of rows) row.set();
    decode();
  }
  const strip = find("sliders-from") && makeStrip("sliders-from", drawTile, (i) => start(codeOf(i)));
  find("sliders-zero").addEventListener("click", () => {
    if (strip) strip.mark(-1);
    start(new Float32Array(latents));
  });
  if (strip) strip.select(0);
  else start(z);
}
