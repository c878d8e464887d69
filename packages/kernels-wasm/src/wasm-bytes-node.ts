/// <reference types="node" />
import { readFile } from 'node:fs/promises';

/** The Node half of the loader: the binary lies beside `src` and `dist`. */
export async function readKernelBytes(): Promise<BufferSource> {
  // A copy into a plain ArrayBuffer: Node's pooled Buffers may sit on a shared one.
  return new Uint8Array(await readFile(new URL('../wasm/kernels.wasm', import.meta.url)));
}
