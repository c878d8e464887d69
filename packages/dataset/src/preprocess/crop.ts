import type { PixelImage } from '../images/pixel-image.ts';

/** The `width` x `height` window of `image` whose top left pixel is (x, y). */
export function crop(image: PixelImage, x: number, y: number, width: number, height: number): PixelImage {
  if (x === 0 && y === 0 && width === image.width && height === image.height) return image;
  const { channels } = image;
  const data = new Uint8Array(width * height * channels);
  for (let row = 0; row < height; row++) {
    const from = ((y + row) * image.width + x) * channels;
    data.set(image.data.subarray(from, from + width * channels), row * width * channels);
  }
  return { width, height, channels, data };
}
