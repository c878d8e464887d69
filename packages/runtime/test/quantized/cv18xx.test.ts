import { cvBf16Bits, f32FromBf16Bits, roundToCvBf16 } from '@q/ir';
import { applyRequantCv18xx } from '@q/kernels-wasm';
import { describe, expect, it } from 'vitest';
import { Bf16Table, mantissaFunction, slopeFunction } from '../../src/quantized/cv18xx/lut.ts';
import { applyQdm } from '../../src/quantized/cv18xx/requant.ts';
import { roundInPlace } from '../../src/quantized/cv18xx/rounding.ts';

/** A linear congruence: integers of 32 bits. */
function* integers(count: number): Generator<number> {
  let state = 12345;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    yield state;
  }
}

describe('double rounding', () => {
  it('is the definition on random sums, ties and both ends', () => {
    const values = [...integers(20_000)].map((value, at) => (at % 2 === 0 ? value >> 12 : value >> 4));
    const multipliers = [...integers(20_000)].map((value) => 2 ** 30 + (value >>> 2));
    values.push(0, 1, -1, 2 ** 21, -(2 ** 21), 2 ** 21 + 1, 2 ** 31 - 1, -(2 ** 31), 3, 5, -5);
    values.forEach((value, at) => {
      const multiplier = at % 5 === 0 ? 2 ** 30 : multipliers[at % multipliers.length]!;
      const rshift = at % 32;
      const requant = { multiplier, rshift, mode: 'QDM', rounding: 'HalfAwayFromZero' } as const;
      const [found, expected] = [applyQdm(value, multiplier, rshift), applyRequantCv18xx(value, requant)];
      if (found !== expected) expect.fail(`${value} · ${multiplier} >> ${rshift}: ${found}, not ${expected}`);
    });
  });

  it('rounds twice: 5 / 4 is 2 (numerics.md 2.3)', () => {
    expect([3, -3, 5, -5, 7, -7].map((value) => applyQdm(value, 2 ** 30, 1))).toEqual([1, -1, 2, -1, 2, -2]);
  });
});

describe('bfloat16 in place', () => {
  it('is the definition on every upper half with awkward lower halves', () => {
    const lower = [0, 1, 0x7fff, 0x8000, 0x8001, 0xffff];
    const bits = Uint32Array.from({ length: 0x10000 * lower.length }, (_, at) => {
      return ((at % 0x10000) << 16) | lower[Math.floor(at / 0x10000)]!;
    });
    const floats = new Float32Array(bits.slice().buffer);
    roundInPlace(bits);
    for (let i = 0; i < bits.length; i++) {
      // A NaN's payload does not survive a JavaScript number.
      if (!Number.isNaN(floats[i]) && bits[i]! >>> 16 !== cvBf16Bits(floats[i]!)) {
        expect.fail(`${floats[i]} gives ${bits[i]!.toString(16)}`);
      }
    }
  });
});

describe('tables', () => {
  it('remember what a function answers for every bfloat16', () => {
    let asked = 0;
    const table = new Bf16Table((x) => {
      asked += 1;
      return roundToCvBf16(x * 2);
    });
    expect([table.at(0x3f80), table.at(0x3f80), table.at(0xbf80)]).toEqual([2, 2, -2]);
    expect(asked).toBe(2);
  });

  it('extrapolate beyond their range', () => {
    // Values i / 8 of a table over ±16, slope 1/8: the identity.
    const first = Float32Array.from({ length: 256 }, (_, i) => (i < 128 ? i : i - 256) / 8);
    const identity = slopeFunction({ first, second: new Float32Array(256).fill(0.125) }, -16, 16);
    expect([0, 0.5, -0.5, 15, 20, -20].map(identity)).toEqual([0, 0.5, -0.5, 15, 20, -20]);
  });

  it('find the exponent of both signs', () => {
    const first = new Float32Array(256);
    first[63] = 1;
    first[191] = -1;
    const second = Float32Array.from({ length: 256 }, (_, i) => 1 + (i % 128) / 128);
    const sign = mantissaFunction({ first, second }, false);
    expect([1, 1.5, -1.5, 2, 0].map(sign)).toEqual([1, 1.5, -1.5, 0, 0]);
    expect(sign(f32FromBf16Bits(0x3fc0))).toBe(1.5);
  });
});
