import type { PixelImage } from '../images/pixel-image.ts';

const PRECISION_BITS = 22;

/** A filter's weight at a distance, and the distance from which on it is zero. */
interface Kernel {
  readonly support: number;
  weight(distance: number): number;
}

const bilinear: Kernel = { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) };

/** Keys' cubic with a = -1/2, as Pillow writes it. */
const bicubic: Kernel = {
  support: 2,
  weight(distance) {
    const a = -0.5;
    const x = Math.abs(distance);
    if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
  },
};

/** Pillow's `Image.resize(…, BILINEAR)` of 8-bit pixels, byte for byte. */
export function resizePillowBilinear(image: PixelImage, width: number, height: number): PixelImage {
  return resample(image, width, height, bilinear);
}

/** Pillow's `Image.resize(…, BICUBIC)` of 8-bit pixels, byte for byte. */
export function resizePillowBicubic(image: PixelImage, width: number, height: number): PixelImage {
  return resample(image, width, height, bicubic);
}

/**
 * Pillow's way to resize: the filter is as wide as the shrink ratio (no aliasing), weights are whole numbers of 2^-22, and the
 * pass along rows rounds to 8 bits before the one along columns (spacemit.md 4.2).
 */
function resample(image: PixelImage, width: number, height: number, kernel: Kernel): PixelImage {
  const { channels } = image;
  const columns = filters(image.width, width, kernel);
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
  filters(image.height, height, kernel).forEach(({ first, weights }, y) => {
    for (let i = 0; i < row; i++) data[y * row + i] = weigh(wide, first * row + i, row, weights);
  });
  return { width, height, channels, data };
}

/** The source pixels of one destination index and their weights in 2^-22. */
interface Filter {
  readonly first: number;
  readonly weights: Int32Array;
}

function filters(from: number, to: number, { support, weight }: Kernel): Filter[] {
  const scale = from / to;
  const stretch = Math.max(1, scale);
  const reach = support * stretch;
  return Array.from({ length: to }, (_, d) => {
    const centre = (d + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - reach + 0.5));
    const end = Math.min(from, Math.trunc(centre + reach + 0.5));
    const weights = Float64Array.from({ length: end - first }, (_value, k) =>
      weight((k + first - centre + 0.5) * (1 / stretch)),
    );
    const sum = weights.reduce((a, b) => a + b, 0);
    return { first, weights: Int32Array.from(weights, (w) => toFixedPoint(w / sum)) };
  });
}

/** Rounded half away from zero. */
function toFixedPoint(weight: number): number {
  const scaled = weight * 2 ** PRECISION_BITS;
  return Math.trunc(weight < 0 ? scaled - 0.5 : scaled + 0.5);
}

function weigh(data: Uint8Array, at: number, step: number, weights: Int32Array): number {
  let sum = 2 ** (PRECISION_BITS - 1);
  for (let k = 0; k < weights.length; k++) sum += data[at + k * step]! * weights[k]!;
  return Math.min(255, Math.max(0, Math.floor(sum / 2 ** PRECISION_BITS)));
}
