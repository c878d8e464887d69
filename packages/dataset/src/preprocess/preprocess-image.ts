import type { PixelImage, PixelMode } from '../images/pixel-image.ts';
import { crop } from './crop.ts';
import { fitImage } from './fit.ts';
import type { PixelFormat, PreprocessSettings } from './settings.ts';

const MODES: Readonly<Record<PixelFormat, PixelMode>> = { bgr: 'bgr', rgb: 'bgr', gray: 'gray', rgba: 'rgba' };

/** How the image file must be decoded for these settings. */
export function pixelModeOf(settings: PreprocessSettings): PixelMode {
  return MODES[settings.pixelFormat];
}

/** TPU-MLIR's preprocessing of one decoded image (calibration.md 3.4): `channels * height * width` float32 values. */
export function preprocessImage(image: PixelImage, settings: PreprocessSettings, where: string): Float32Array {
  const { height, width } = settings;
  const fitted = fitImage(image, settings, where);
  const x = Math.floor(fitted.width / 2) - Math.floor(width / 2);
  const y = Math.floor(fitted.height / 2) - Math.floor(height / 2);
  return normalize(crop(fitted, x, y, width, height), settings);
}

/** y = (x - mean) * scale in float32, into the channel order and layout of the network. */
function normalize(image: PixelImage, settings: PreprocessSettings): Float32Array {
  const { channels, data } = image;
  const pixels = image.width * image.height;
  const out = new Float32Array(channels * pixels);
  const planar = settings.channelFormat === 'nchw';
  for (let c = 0; c < channels; c++) {
    const levels = levelsOf(settings.mean[c]!, settings.scale[c]!);
    const from = settings.pixelFormat === 'rgb' ? 2 - c : c;
    const start = planar ? c * pixels : c;
    const step = planar ? 1 : channels;
    for (let i = 0; i < pixels; i++) out[start + i * step] = levels[data[i * channels + from]!]!;
  }
  return out;
}

/** The result for each of the 256 grey levels. */
function levelsOf(mean: number, scale: number): Float32Array {
  const m = Math.fround(mean);
  const s = Math.fround(scale);
  return Float32Array.from({ length: 256 }, (_, level) => Math.fround(Math.fround(level - m) * s));
}
