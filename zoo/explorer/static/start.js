// All panels that the page has.

(async () => {
  const drawTile = images && (await openSheet(images.sheet));
  startOwn(drawTile);
  startSamples();
  startBetween(drawTile);
  startLevels(drawTile);
  await startPainting(drawTile);
  startSliders(drawTile);
  startMap();
  checkModel();
})();
