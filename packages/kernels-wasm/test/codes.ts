import type { Kernels } from '../src/index.ts';
import { noise } from './tester.ts';

export type Codes = Int8Array | Uint8Array;

/** Random codes over the whole range, with the extremes well represented. */
export function codes(count: number, signed: boolean, seed: number): Codes {
  const values = Array.from(noise(count, seed, 160), (v) => (signed ? Math.round(v) : Math.round(Math.abs(v) * 1.6)));
  const clamp = (v: number): number => Math.min(Math.max(v, signed ? -128 : 0), signed ? 127 : 255);
  return signed ? Int8Array.from(values, clamp) : Uint8Array.from(values, clamp);
}

export function put(k: Kernels, data: ArrayBufferView): number {
  const at = k.arena.alloc(data.byteLength);
  new Uint8Array(k.memory.buffer, at, data.byteLength).set(
    new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  );
  return at;
}

export function take(k: Kernels, at: number, count: number, signed: boolean): Codes {
  return signed
    ? new Int8Array(k.memory.buffer, at, count).slice()
    : new Uint8Array(k.memory.buffer, at, count).slice();
}
