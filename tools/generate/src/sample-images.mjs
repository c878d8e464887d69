import { readFile } from 'node:fs/promises';
import { decodeImage, resizeBilinear, zipSource } from '@q/dataset';

const archive = new URL('../../../test-models/objects-cnn/calibration.zip', import.meta.url);

/**
 * The first drawn images of objects-cnn, enlarged, as network inputs: RGB planes, (pixel − mean) · scale.
 *
 * @param {number} count
 * @param {readonly [number, number]} size Height and width.
 * @param {{ mean: readonly number[], scale: readonly number[] }} settings
 * @returns {Promise<Float32Array[]>}
 */
export async function sampleImages(count, [height, width], { mean, scale }) {
  const source = zipSource(new Uint8Array(await readFile(archive)), 'calibration.zip');
  const names = (await source.list()).sort().slice(0, count);
  return Promise.all(
    names.map(async (name) => {
      const image = resizeBilinear(await decodeImage(await source.read(name), 'bgr', name), width, height);
      return planes(image.data, height * width, mean, scale);
    }),
  );
}

function planes(bgr, area, mean, scale) {
  const input = new Float32Array(3 * area);
  for (let channel = 0; channel < 3; channel++) {
    for (let i = 0; i < area; i++)
      input[channel * area + i] = (bgr[3 * i + 2 - channel] - mean[channel]) * scale[channel];
  }
  return input;
}
