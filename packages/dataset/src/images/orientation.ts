import type { PixelImage } from './pixel-image.ts';

/**
 * Turns an image as its EXIF orientation (1..8) asks, the way OpenCV's `imread` does: 2 mirror, 3 half turn, 4 flip,
 * 5 transpose, 6 quarter turn clockwise, 7 transpose about the other diagonal, 8 quarter turn counter-clockwise.
 */
export function orient(image: PixelImage, orientation: number): PixelImage {
  if (orientation <= 1 || orientation > 8) return image;
  const transposed = orientation >= 5;
  const flipX = [2, 3, 6, 7].includes(orientation);
  const flipY = [3, 4, 7, 8].includes(orientation);
  const { channels, data } = image;
  const width = transposed ? image.height : image.width;
  const height = transposed ? image.width : image.height;
  const out = new Uint8Array(data.length);
  for (let y = 0; y < height; y++) {
    const v = flipY ? height - 1 - y : y;
    for (let x = 0; x < width; x++) {
      const u = flipX ? width - 1 - x : x;
      const from = (transposed ? u * image.width + v : v * image.width + u) * channels;
      const to = (y * width + x) * channels;
      for (let c = 0; c < channels; c++) out[to + c] = data[from + c]!;
    }
  }
  return { width, height, channels, data: out };
}
