/**
 * A decoded image: `height` rows of `width` pixels of `channels` interleaved 8-bit values. One channel is grey, three
 * are B, G, R (the order of OpenCV, which TPU-MLIR's preprocessing is defined on), four are R, G, B, A.
 */
export interface PixelImage {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3 | 4;
  readonly data: Uint8Array;
}

/** What a decoder is asked for: OpenCV's colour read, its greyscale read, or four channels in RGBA order. */
export type PixelMode = 'bgr' | 'gray' | 'rgba';

/** Pixels as the codecs give them: R, G, B, A. */
export interface RgbaPixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array | Uint8ClampedArray;
}

/** Swaps R and B and drops alpha. */
export function rgbaToBgr({ width, height, data }: RgbaPixels): PixelImage {
  const bgr = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; to < bgr.length; from += 4, to += 3) {
    bgr[to] = data[from + 2]!;
    bgr[to + 1] = data[from + 1]!;
    bgr[to + 2] = data[from]!;
  }
  return { width, height, channels: 3, data: bgr };
}

/** One grey value per pixel from a function of R, G and B. */
export function rgbaToGray(pixels: RgbaPixels, gray: (r: number, g: number, b: number) => number): PixelImage {
  const { width, height, data } = pixels;
  const out = new Uint8Array(width * height);
  for (let from = 0, to = 0; to < out.length; from += 4, to++)
    out[to] = gray(data[from]!, data[from + 1]!, data[from + 2]!);
  return { width, height, channels: 1, data: out };
}

export function rgbaImage({ width, height, data }: RgbaPixels): PixelImage {
  return { width, height, channels: 4, data: new Uint8Array(data) };
}
