import { convolve } from './convolve.mjs';

const filters = {
  'as it is': [0, 0, 0, 0, 1, 0, 0, 0, 0],
  soft: Array(9).fill(1 / 9),
  sharp: [0, -1, 0, -1, 5, -1, 0, -1, 0],
  edges: [-1, -1, -1, -1, 8, -1, -1, -1, -1],
};

function drawPicture(context, size) {
  const sky = context.createLinearGradient(0, 0, 0, size);
  sky.addColorStop(0, '#24508f');
  sky.addColorStop(1, '#f0d9a0');
  context.fillStyle = sky;
  context.fillRect(0, 0, size, size);
  context.fillStyle = '#c43';
  for (let i = 0; i < 6; i++) context.fillRect(20 + 38 * i, 140 - 18 * i, 24, 90 + 18 * i);
}

for (const [name, taps] of Object.entries(filters)) {
  const figure = document.createElement('figure');
  const canvas = Object.assign(document.createElement('canvas'), { width: 256, height: 256 });
  figure.append(canvas, Object.assign(document.createElement('figcaption'), { textContent: name }));
  document.body.append(figure);
  const context = canvas.getContext('2d');
  drawPicture(context, 256);
  const picture = context.getImageData(0, 0, 256, 256);
  context.putImageData(new ImageData(convolve(picture, taps), 256, 256), 0, 0);
}
