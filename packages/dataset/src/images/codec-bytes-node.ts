/// <reference types="node" />
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

const FILES = {
  jpeg: '@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm',
  png: '@jsquash/png/codec/pkg/squoosh_png_bg.wasm',
} as const;

/** The Node half: the codecs' own loaders use `fetch`, which Node has not for files. */
export async function readCodecBytes(name: keyof typeof FILES): Promise<BufferSource | undefined> {
  return new Uint8Array(await readFile(createRequire(import.meta.url).resolve(FILES[name])));
}
