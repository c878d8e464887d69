import initPng, { decode_rgba16, decode as decodeRgba } from '@jsquash/png/codec/pkg/squoosh_png.js';
import { codecModule } from './codec-modules.ts';
import { orientationOf } from './exif.ts';
import { imageError } from './image-error.ts';
import { orient } from './orientation.ts';
import { type PixelImage, type PixelMode, type RgbaPixels, rgbaImage, rgbaToBgr, rgbaToGray } from './pixel-image.ts';
import { type PngStructure, readPngStructure } from './png-structure.ts';

let ready: Promise<unknown> | undefined;

/**
 * Decodes a PNG as OpenCV's `imread` does: 16-bit channels keep their high byte, alpha is dropped (kept in `rgba` mode),
 * grey from colour by libpng's fixed-point weights, EXIF orientation applied (not in `rgba` mode).
 */
export async function decodePng(bytes: Uint8Array, mode: PixelMode, where: string): Promise<PixelImage> {
  const png = readPngStructure(bytes, where);
  ready ??= codecModule('png').then((module) => initPng(module));
  await ready;
  let image: PixelImage;
  try {
    image = toMode(bytes, png, mode);
  } catch (cause) {
    throw imageError(where, 'the PNG data cannot be decoded', undefined, cause);
  }
  const turned = mode !== 'rgba' && png.orientationTiff !== undefined;
  return turned ? orient(image, orientationOf(png.orientationTiff)) : image;
}

function toMode(bytes: Uint8Array, png: PngStructure, mode: PixelMode): PixelImage {
  if (mode === 'gray') return png.bitDepth === 16 ? wideGray(bytes) : rgbaToGray(decode(bytes), libpngGray);
  return mode === 'bgr' ? rgbaToBgr(decode(bytes)) : rgbaImage(decode(bytes));
}

function decode(bytes: Uint8Array): RgbaPixels {
  return decodeRgba(bytes);
}

/** libpng's weights for 0.299 and 0.587 in 1/32768, truncated; the rest is blue. */
const RED = 9797;
const GREEN = 19234;
const BLUE = 32768 - RED - GREEN;

/** libpng truncates 8-bit grey values (pngrtran.c, `png_do_rgb_to_gray`); grey pixels pass unchanged. */
function libpngGray(r: number, g: number, b: number): number {
  return r === g && g === b ? r : (RED * r + GREEN * g + BLUE * b) >> 15;
}

/** 16-bit channels are made grey (rounded) before the low byte is dropped. */
function wideGray(bytes: Uint8Array): PixelImage {
  const wide = decode_rgba16(bytes);
  const { width, height, data } = wide;
  const out = new Uint8Array(width * height);
  for (let from = 0, to = 0; to < out.length; from += 4, to++) {
    const [r, g, b] = [data[from]!, data[from + 1]!, data[from + 2]!];
    const gray = r === g && g === b ? r : Math.floor((RED * r + GREEN * g + BLUE * b + 16384) / 32768);
    out[to] = gray >> 8;
  }
  wide.free();
  return { width, height, channels: 1, data: out };
}
