import { imageError } from '../images/image-error.ts';
import type { PixelImage } from '../images/pixel-image.ts';
import { crop } from './crop.ts';
import { interpolations } from './interpolation.ts';
import type { PreprocessSettings } from './settings.ts';

/** Where a resized image lies: its new size, and its offset on the canvas (letterbox) or of the crop (short side). */
export interface Placement {
  readonly width: number;
  readonly height: number;
  readonly x: number;
  readonly y: number;
}

/** Letterbox: the largest size of the same aspect that fits, sizes truncated, centred or top left. */
export function letterbox(
  w: number,
  h: number,
  width: number,
  height: number,
  padType: 'center' | 'normal',
): Placement {
  const ratio = Math.min(width / w, height / h);
  const newWidth = Math.trunc(w * ratio);
  const newHeight = Math.trunc(h * ratio);
  const centred = padType === 'center';
  return {
    width: newWidth,
    height: newHeight,
    x: centred ? Math.floor((width - newWidth) / 2) : 0,
    y: centred ? Math.floor((height - newHeight) / 2) : 0,
  };
}

/** Short side scale: the smallest size of the same aspect that covers the target, then a centre crop. */
export function shortSide(w: number, h: number, width: number, height: number): Placement {
  const ratio = Math.max(width / w, height / h);
  const newWidth = w * ratio >= width ? Math.trunc(w * ratio) : width;
  const newHeight = h * ratio >= height ? Math.trunc(h * ratio) : height;
  return {
    width: newWidth,
    height: newHeight,
    x: Math.floor((newWidth - width) / 2),
    y: Math.floor((newHeight - height) / 2),
  };
}

/** Brings an image to `resizeWidth` x `resizeHeight` (calibration.md 3.4 step 2), on 8-bit pixels. */
export function fitImage(image: PixelImage, settings: PreprocessSettings, where: string): PixelImage {
  const { resizeWidth: width, resizeHeight: height, fit } = settings;
  const resize = interpolations[settings.interpolation];
  if (fit === 'stretch') return resize(image, width, height);
  if (fit === 'short_side_scale') {
    const place = shortSide(image.width, image.height, width, height);
    return crop(resize(image, place.width, place.height), place.x, place.y, width, height);
  }
  const place = letterbox(image.width, image.height, width, height, settings.padType);
  if (place.width === 0 || place.height === 0) {
    throw imageError(where, `${image.width}x${image.height} pixels leave nothing when fitted into ${width}x${height}`);
  }
  return paste(resize(image, place.width, place.height), place, width, height, settings.padValue);
}

function paste(image: PixelImage, place: Placement, width: number, height: number, padValue: number): PixelImage {
  const { channels } = image;
  const data = new Uint8Array(width * height * channels).fill(padValue);
  const rowBytes = place.width * channels;
  for (let row = 0; row < place.height; row++) {
    const to = ((place.y + row) * width + place.x) * channels;
    data.set(image.data.subarray(row * rowBytes, (row + 1) * rowBytes), to);
  }
  return { width, height, channels, data };
}
