import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { extname } from 'node:path';
import encodeJpeg, { init as initJpeg } from '@jsquash/jpeg/encode.js';
import encodePng, { init as initPng } from '@jsquash/png/encode.js';
import { QError } from '@q/ir';
import type { Canvas } from './canvas.ts';

const require = createRequire(import.meta.url);
const JPEG_QUALITY = 92;

async function compiled(file: string): Promise<WebAssembly.Module> {
  return WebAssembly.compile(new Uint8Array(await readFile(require.resolve(file))));
}

/** Encodes by the extension of `path`: PNG or JPEG. */
export async function encodePicture(canvas: Canvas, path: string): Promise<Uint8Array> {
  const image = { data: canvas.data, width: canvas.width, height: canvas.height, colorSpace: 'srgb' } as ImageData;
  switch (extname(path).toLowerCase()) {
    case '.png':
      await initPng(await compiled('@jsquash/png/codec/pkg/squoosh_png_bg.wasm'));
      return new Uint8Array(await encodePng(image));
    case '.jpg':
    case '.jpeg':
      await initJpeg(await compiled('@jsquash/jpeg/codec/enc/mozjpeg_enc.wasm'));
      return new Uint8Array(await encodeJpeg(image, { quality: JPEG_QUALITY }));
    default:
      throw pictureNameError(path);
  }
}

/** @throws QError `cli.bad-flag-value` for names that say no format; asked before anything runs. */
export function checkPictureName(path: string): void {
  if (!/\.(png|jpe?g)$/i.test(path)) throw pictureNameError(path);
}

function pictureNameError(path: string): QError {
  return new QError(`${path} is no name of a picture that can be written`, {
    code: 'cli.bad-flag-value',
    where: '--output',
    found: path,
    expected: 'a name that ends in .png, .jpg or .jpeg',
  });
}
