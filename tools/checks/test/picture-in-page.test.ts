import { join } from 'node:path';
import { expect } from 'vitest';
import { kernelBinaries, root, testInPage, textOfPage, waitingPolicy } from './page-script.ts';

const kernels = join(root, 'packages/kernels-wasm');
const inPage = testInPage('the example page of the kernels is not opened');

inPage('the example page convolves pictures', async () => {
  const text = await textOfPage({
    imports: "import './main.mjs'; import { convolve } from './convolve.mjs';",
    // Looks at what the example drew, the picture as it is and its edges, then at one spot.
    body: `
const canvases = [...document.querySelectorAll('canvas')];
const pixels = canvases.map((canvas) => [...canvas.getContext('2d').getImageData(0, 0, 256, 256).data]);
const different = new Set(pixels.map((data) => data.join())).size;
const spot = { width: 3, height: 3, data: new Uint8ClampedArray(36) };
spot.data[4 * 4 + 1] = 90;
const green = [...convolve(spot, [1, 0, 0, 0, 2, 0, 0, 0, 0.5])].filter((_, i) => i % 4 === 1);
return JSON.stringify({ canvases: canvases.length, different, green });`,
    binaries: kernelBinaries,
    policy: waitingPolicy,
    folder: join(kernels, 'examples/picture-page'),
    alias: { '@q/kernels-wasm': join(kernels, 'src/index.ts') },
  });
  // A cross-correlation spreads a spot mirrored: the top left tap lands at the bottom right.
  expect(JSON.parse(text)).toEqual({ canvases: 4, different: 4, green: [45, 0, 0, 0, 180, 0, 0, 0, 90] });
});
