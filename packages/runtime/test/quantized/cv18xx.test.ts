import { cvBf16Add, cvBf16Multiply, f32FromBf16Bits, roundToCvBf16, truncateToBf16 } from '@q/ir';
import { cvAdd, cvLut, cvMultiply, cvRound, cvTruncate } from '@q/kernels-wasm/scalar';
import { describe, expect, it } from 'vitest';

/** Every upper half with awkward lower halves. */
function* floats(): Generator<number> {
  const words = new Uint32Array(1);
  const view = new Float32Array(words.buffer);
  for (const lower of [0, 1, 0x7fff, 0x8000, 0x8001, 0xffff]) {
    for (let top = 0; top < 0x10000; top += lower === 0x8000 ? 1 : 7) {
      words[0] = (top << 16) | lower;
      yield view[0]!;
    }
  }
}

describe('bfloat16 of lowering and of the kernels', () => {
  it('is rounded and truncated alike', () => {
    for (const value of floats()) {
      // A NaN's payload does not survive a JavaScript number.
      if (Number.isNaN(value)) continue;
      const [found, expected] = [
        [cvRound(value), cvTruncate(value)],
        [roundToCvBf16(value), truncateToBf16(value)],
      ];
      if (found.some((v, i) => !Object.is(v, expected[i]))) expect.fail(`${value}: ${found}, not ${expected}`);
    }
  });

  it('is multiplied and added alike', () => {
    const others = [0, -0, 1, -1.5, 3e38, -1e30, 1e-38, -1e-40, Number.NaN, Number.NEGATIVE_INFINITY];
    for (const a of floats()) {
      for (const b of others) {
        const [found, expected] = [
          [cvMultiply(a, b), cvAdd(a, b)],
          [cvBf16Multiply(a, b), cvBf16Add(a, b)],
        ];
        if (found.some((v, i) => !Object.is(v, expected[i]))) expect.fail(`${a}, ${b}: ${found}, not ${expected}`);
      }
    }
  });
});

describe('tables', () => {
  it('extrapolate beyond their range', () => {
    // Values i / 8 of a table over ±16, slope 1/8: the identity.
    const first = Float32Array.from({ length: 256 }, (_, i) => (i < 128 ? i : i - 256) / 8);
    const tables = { first, second: new Float32Array(256).fill(0.125) };
    const identity = (x: number): number => cvLut('slope', tables, 256 / 32, x);
    expect([0, 0.5, -0.5, 15, 20, -20].map(identity)).toEqual([0, 0.5, -0.5, 15, 20, -20]);
  });

  it('find the exponent of both signs', () => {
    const first = new Float32Array(256);
    first[63] = 1;
    first[191] = -1;
    const second = Float32Array.from({ length: 256 }, (_, i) => 1 + (i % 128) / 128);
    const sign = (x: number): number => cvLut('mantissa', { first, second }, 0, x);
    expect([1, 1.5, -1.5, 2, 0].map(sign)).toEqual([1, 1.5, -1.5, 0, 0]);
    expect(sign(f32FromBf16Bits(0x3fc0))).toBe(1.5);
  });
});
