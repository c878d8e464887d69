/// <reference types="node" />
import { readFile } from 'node:fs/promises';
import type { KernelBinary } from './binary.ts';

/** The Node half of the loader: the binaries lie beside `src` and `dist`. */
export async function readKernelBytes(binary: KernelBinary): Promise<BufferSource> {
  const file = binary === 'fast' ? '../wasm/kernels-fast.wasm' : '../wasm/kernels.wasm';
  // A copy into a plain ArrayBuffer: Node's pooled Buffers may sit on a shared one.
  return new Uint8Array(await readFile(new URL(file, import.meta.url)));
}
