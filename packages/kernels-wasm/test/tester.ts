import { beforeAll, expect } from 'vitest';
import { compileKernels, type Kernels, loadKernels } from '../src/index.ts';

/** Lengths that hit every vector tail (the `length_tail` case). */
export const TAIL_LENGTHS: readonly number[] = [1, 2, 3, 5, 7, 8, 15, 16, 17, 31, 33, 63, 65, 127, 129, 1023];

let compiled: Promise<WebAssembly.Module> | undefined;

/** One instance per suite, compiled once per file; the arena is reset before each use through `fresh()`. */
export function useKernels(): { readonly fresh: () => Kernels } {
  let kernels: Kernels | undefined;
  beforeAll(async () => {
    compiled ??= compileKernels();
    kernels = await loadKernels({ module: await compiled });
  });
  return {
    fresh: () => {
      kernels!.arena.reset();
      return kernels!;
    },
  };
}

/** A replicable stream of floats in [-scale, scale) (xorshift32), so that a failure is the same failure tomorrow. */
export function noise(count: number, seed = 1, scale = 1): Float32Array {
  const out = new Float32Array(count);
  let s = (seed * 2654435761) >>> 0 || 1;
  for (let i = 0; i < count; i++) {
    s ^= s << 13;
    s >>>= 0;
    s ^= s >>> 17;
    s ^= s << 5;
    s >>>= 0;
    out[i] = (s / 2147483648 - 1) * scale;
  }
  return out;
}

const word = new DataView(new ArrayBuffer(4));

/** Position of a float32 on the number line, so that neighbours differ by 1 and -0 equals 0. */
function ordinal(v: number): number {
  word.setFloat32(0, v);
  const bits = word.getInt32(0);
  return bits < 0 ? -(bits & 0x7fffffff) : bits;
}

/** Distance in units in the last place; 0 for two NaNs. */
export function ulpDistance(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) && Number.isNaN(b) ? 0 : Infinity;
  return Math.abs(ordinal(a) - ordinal(b));
}

/** Every element within `budget` ULP of the twin; the message names the first offender. 0 means equal (-0 equals 0). */
export function expectUlp(actual: Float32Array, expected: Float32Array, budget: number, label: string): void {
  expect(actual.length, label).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    const d = ulpDistance(actual[i]!, expected[i]!);
    if (d > budget)
      expect.fail(`${label}: element ${i} is ${actual[i]}, the twin says ${expected[i]} (${d} ulp > ${budget})`);
  }
}

/**
 * The `unaligned` case: room for `count` floats starting at an address that is not a multiple of 16, between guard words
 * that `check()` finds untouched.
 */
export function guarded(k: Kernels, count: number, shiftBytes = 4): { ptr: number; check: (label: string) => void } {
  const GUARD = 0x5a5a5a5a;
  const base = k.arena.alloc(count * 4 + 64);
  const bytes = count * 4 + 64;
  k.arena.u8(base, bytes).fill(0x5a);
  const ptr = base + 16 + shiftBytes;
  return {
    ptr,
    check: (label) => {
      const before = k.arena.u8(base, 16 + shiftBytes);
      const after = k.arena.u8(ptr + count * 4, bytes - 16 - shiftBytes - count * 4);
      if (before.some((b) => b !== (GUARD & 0xff)) || after.some((b) => b !== (GUARD & 0xff))) {
        expect.fail(`${label}: wrote outside its output`);
      }
    },
  };
}
