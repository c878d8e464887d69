import type { PixelImage } from '@q/dataset';

const PRECISION_BITS = 22;

/**
 * Pillow's antialiased bilinear resize of 8-bit pixels: the triangle filter is as wide as the shrink ratio, weights are
 * whole numbers of 2^-22, and each pass rounds to 8 bits (spacemit.md 4.2).
 */
export function resizeAntialias(image: PixelImage, width: number, height: number): PixelImage {
  const { channels } = image;
  const columns = filters(image.width, width);
  const wide = new Uint8Array(width * image.height * channels);
  for (let y = 0; y < image.height; y++) {
    for (let x = 0; x < width; x++) {
      const { first, weights } = columns[x]!;
      const at = (y * image.width + first) * channels;
      for (let c = 0; c < channels; c++)
        wide[(y * width + x) * channels + c] = weigh(image.data, at + c, channels, weights);
    }
  }
  const data = new Uint8Array(width * height * channels);
  const row = width * channels;
  filters(image.height, height).forEach(({ first, weights }, y) => {
    for (let i = 0; i < row; i++) data[y * row + i] = weigh(wide, first * row + i, row, weights);
  });
  return { width, height, channels, data };
}

interface Filter {
  readonly first: number;
  readonly weights: Int32Array;
}

function filters(from: number, to: number): Filter[] {
  const scale = from / to;
  const spread = Math.max(1, scale);
  return Array.from({ length: to }, (_, d) => {
    const centre = (d + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - spread + 0.5));
    const end = Math.min(from, Math.trunc(centre + spread + 0.5));
    const weights = Float64Array.from({ length: end - first }, (_value, k) =>
      Math.max(0, 1 - Math.abs((k + first - centre + 0.5) / spread)),
    );
    const sum = weights.reduce((a, b) => a + b, 0);
    return { first, weights: Int32Array.from(weights, (w) => Math.trunc((w / sum) * 2 ** PRECISION_BITS + 0.5)) };
  });
}

function weigh(data: Uint8Array, at: number, step: number, weights: Int32Array): number {
  let sum = 2 ** (PRECISION_BITS - 1);
  for (let k = 0; k < weights.length; k++) sum += data[at + k * step]! * weights[k]!;
  return Math.min(255, Math.max(0, Math.floor(sum / 2 ** PRECISION_BITS)));
}
