import { describe, expect, it } from 'vitest';
import { AverageFinish, NormSteps } from '../src/index.ts';
import { roundBf16 } from '../src/scalar/float16.ts';
import { loweredNormalize } from '../src/scalar/lowered-norm.ts';
import { loweredSoftmax } from '../src/scalar/lowered-softmax.ts';
import { type AveragePoolFinish, qs8AveragePool } from '../src/scalar/qs8-pool.ts';
import { codes, put, take } from './codes.ts';
import { expectUlp, noise, useKernels } from './tester.ts';

const { fresh } = useKernels();
const f = Math.fround;

describe('lowered_softmax', () => {
  it.each([
    [1, 1, 1],
    [3, 10, 1],
    [2, 1000, 1],
    [2, 7, 4],
    [2, 5, 11],
  ])('%i x %i x %i', (outer, axis, inner) => {
    for (const [beta, log] of [
      [1, false],
      [0.37, false],
      [1, true],
    ] as const) {
      const k = fresh();
      const x = noise(outer * axis * inner, 5, 9);
      const at = put(k, x);
      k.exports.lowered_softmax(at, at, outer, axis, inner, beta, log ? 1 : 0);
      expectUlp(k.arena.f32(at, x.length), loweredSoftmax(x, { outer, axis, inner }, beta, log), 0, `log ${log}`);
    }
  });
});

describe('lowered_normalize and lowered_affine', () => {
  it.each(['float', 'bf16', 'bf16Plain'] as const)('%s', (rounding) => {
    for (const [rows, inner] of [
      [1, 1],
      [3, 5],
      [2, 197],
    ] as const) {
      for (const centred of [true, false]) {
        const k = fresh();
        const x = noise(rows * inner, 3, 4).map((v) => (rounding === 'float' ? v : roundBf16(v)));
        const at = put(k, x);
        const [eps, average] = [1e-5, roundBf16(f(1 / inner))];
        k.exports.lowered_normalize(at, at, rows, inner, eps, average, centred ? 1 : 0, NormSteps[rounding]);
        const expected = loweredNormalize(x, { inner, eps, centred, rounding });
        expectUlp(k.arena.f32(at, x.length), expected, 0, `${rows} x ${inner}`);
      }
    }
  });

  it('repeats weights over the rows', () => {
    for (const round of [f, roundBf16]) {
      const k = fresh();
      const [y, w, b] = [noise(2 * 3 * 5, 1), noise(3, 2), noise(3, 3)];
      const at = put(k, y);
      k.exports.lowered_affine(at, put(k, w), put(k, b), 2, 3, 5, round === f ? 0 : 1);
      const channel = (i: number): number => Math.floor(i / 5) % 3;
      const expected = y.map((v, i) => round(f(round(f(v * w[channel(i)]!)) + b[channel(i)]!)));
      expectUlp(k.arena.f32(at, y.length), expected, 0, 'affine');
    }
  });
});

describe('qs8_avgpool2d', () => {
  const finishes: readonly AveragePoolFinish[] = [
    { kind: 'multiplierShift', multiplier: 83, rshift: 12 },
    { kind: 'multiplierShift', multiplier: 1, rshift: 1 },
    { kind: 'cv18xx', multiplier: 113, rshift: 11 },
    { kind: 'real', scale: 0.0317, offset: -3.25 },
  ];
  it.each([
    [5, 7, 7, 1, 1, [7, 7], [1, 1], [0, 0]],
    [2, 9, 10, 5, 5, [3, 2], [2, 2], [1, 0]],
    [2, 6, 6, 6, 6, [3, 3], [1, 1], [1, 1]],
  ] as const)('%i planes of %i x %i', (planes, ih, iw, oh, ow, kernel, stride, pads) => {
    for (const finish of finishes) {
      for (const [signed, countPad] of [
        [true, true],
        [false, false],
      ] as const) {
        const k = fresh();
        const g = { planes, ih, iw, oh, ow, kernel, stride, pads };
        const x = codes(planes * ih * iw, signed, 9);
        const [zero, lo, hi] = signed ? [-3, -128, 127] : [7, 0, 255];
        const y = k.arena.alloc(planes * oh * ow);
        const [multiplier, rshift] = finish.kind === 'real' ? [0, 0] : [finish.multiplier, finish.rshift];
        const [scale, offset] = finish.kind === 'real' ? [finish.scale, finish.offset] : [0, 0];
        // biome-ignore format: one argument per line hides the groups
        k.exports.qs8_avgpool2d(
          put(k, x), signed ? 1 : 0, y, planes, ih, iw, oh, ow, kernel[0], kernel[1], stride[0], stride[1], pads[0], pads[1], countPad ? 1 : 0,
          AverageFinish[finish.kind], multiplier, rshift, scale, offset, zero, lo, hi,
        );
        const expected = qs8AveragePool(x, g, { countPad, zero, lo, hi }, finish);
        expect(Array.from(take(k, y, expected.length, signed)), JSON.stringify(finish)).toEqual(Array.from(expected));
      }
    }
  });
});
