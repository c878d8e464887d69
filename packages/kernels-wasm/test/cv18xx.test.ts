import { describe, expect, it } from 'vitest';
import { CvBlend, type CvBlendName, CvTable, type CvTableName } from '../src/index.ts';
import { cvMultiply, cvQuantize, cvRequantReal, cvRound, cvTruncate } from '../src/scalar/cv18xx-bf16.ts';
import { type CvTaps, cvInterp } from '../src/scalar/cv18xx-interp.ts';
import { cvLayerNorm, cvSoftmax } from '../src/scalar/cv18xx-rows.ts';
import { cvLut } from '../src/scalar/cv18xx-tables.ts';
import { put, take } from './codes.ts';
import { expectUlp, noise, useKernels } from './tester.ts';
import { mixed } from './variants.ts';

const { fresh } = useKernels();

/** Every bfloat16, NaNs of both signs included. */
const everyBf16 = new Float32Array(Uint32Array.from({ length: 0x10000 }, (_, top) => top << 16).buffer);
const bf16s = (count: number, seed: number, scale: number): Float32Array => noise(count, seed, scale).map(cvRound);

describe('bfloat16 of the CV18xx', () => {
  it('is rounded and truncated like the twin', () => {
    const k = fresh();
    const x = Float32Array.from([...mixed(1035, 3), ...everyBf16.subarray(0x7f70, 0x7f90), ...noise(500, 1, 1e38)]);
    const at = put(k, x);
    const y = k.arena.alloc(x.byteLength);
    k.exports.cv_bf16_round(at, y, x.length);
    expectUlp(k.arena.f32(y, x.length), x.map(cvRound), 0, 'round');
    k.exports.cv_bf16_truncate(at, at, x.length);
    expectUlp(k.arena.f32(at, x.length), x.map(cvTruncate), 0, 'truncate');
  });

  it('becomes codes', () => {
    for (const inverse of [0.37, 11.25, 1e30].map(cvRound)) {
      const k = fresh();
      const x = Float32Array.from([...mixed(1037, 5), ...noise(500, 2, 20), 1e30, -1e30]);
      const y = k.arena.alloc(x.length);
      k.exports.cv_quantize(put(k, x), y, x.length, inverse);
      expect(Array.from(take(k, y, x.length, true))).toEqual(Array.from(x, (v) => cvQuantize(v, inverse)));
    }
    expect(cvQuantize(2.5, 1)).toBe(2);
    expect(cvMultiply(-1e30, 1e30)).toBe(cvRound(Number.NaN));
  });

  it('sums become codes', () => {
    const k = fresh();
    const x = noise(301, 4, 40000).map(Math.round);
    const q = { multiplier: 91, rshift: 15, lo: -128, hi: 127 };
    const y = k.arena.alloc(x.length);
    k.exports.cv_requant_f32(put(k, x), y, x.length, q.multiplier, q.rshift, q.lo, q.hi);
    expect(Array.from(take(k, y, x.length, true))).toEqual(Array.from(x, (v) => cvRequantReal(v, q)));
  });
});

const tables = { first: bf16s(256, 1, 3), second: bf16s(256, 2, 0.5) };
const positive = { first: bf16s(256, 3, 2).map(Math.abs), second: bf16s(256, 4, 2).map(Math.abs) };

describe('cv_lut', () => {
  it.each(Object.keys(CvTable) as CvTableName[])('%s of every bfloat16', (kind) => {
    const k = fresh();
    const at = put(k, everyBf16);
    const [first, second] = [put(k, tables.first), put(k, tables.second)];
    const scale = cvRound(256 / 24);
    k.exports.cv_lut(CvTable[kind], at, first, second, at, everyBf16.length, scale);
    const expected = everyBf16.map((x) => cvLut(kind, tables, scale, x));
    expectUlp(k.arena.f32(at, expected.length), expected, 0, kind);
  });
});

describe('cv_softmax', () => {
  it.each([
    [1, 1, 1],
    [3, 17, 1],
    [2, 6, 4],
    [2, 5, 7],
  ])('%i x %i x %i', (outer, axis, inner) => {
    for (const log of [false, true]) {
      const k = fresh();
      const x = bf16s(outer * axis * inner, 9, 6);
      const at = put(k, x);
      const places = [tables.first, tables.second, positive.first, positive.second].map((t) => put(k, t));
      const [powers, slopes, exponents, mantissas] = places as [number, number, number, number];
      const [scale, share] = [cvRound(256 / 30), cvRound(cvRound(axis) / axis)];
      k.exports.cv_softmax(
        ...([at, at, outer, axis, inner, powers, slopes, scale, exponents, mantissas, log ? 1 : 0, share] as const),
      );
      const expected = cvSoftmax(x, { outer, axis, inner, powers: tables, scale, last: positive, log, share });
      expectUlp(k.arena.f32(at, x.length), expected, 0, `log ${log}`);
    }
  });
});

describe('cv_interp', () => {
  it.each(Object.keys(CvBlend) as CvBlendName[])('%s', (blend) => {
    const k = fresh();
    const [planes, ih, iw, oh, ow] = [2, 4, 5, 7, 9];
    const x = noise(planes * ih * iw, 3);
    const axis = (from: number, to: number): CvTaps[] =>
      Array.from({ length: to }, (_, o) => {
        const at = Math.min((o * from) / to, from - 1);
        const first = Math.floor(at);
        const rest = Math.fround(at - first);
        return { first, second: rest === 0 ? first : Math.min(first + 1, from - 1), weights: [1 - rest, rest] };
      });
    const [rows, columns] = [axis(ih, oh), axis(iw, ow)];
    const place = (taps: readonly CvTaps[]): number => {
      const table = new DataView(new ArrayBuffer(16 * taps.length));
      taps.forEach(({ first, second, weights }, i) => {
        table.setInt32(16 * i, first, true);
        table.setInt32(16 * i + 4, second, true);
        table.setFloat32(16 * i + 8, weights[0], true);
        table.setFloat32(16 * i + 12, weights[1], true);
      });
      return put(k, table);
    };
    const y = k.arena.alloc(4 * planes * oh * ow);
    k.exports.cv_interp(CvBlend[blend], put(k, x), y, planes, ih, iw, oh, ow, place(rows), place(columns));
    const fround = (taps: readonly CvTaps[]): CvTaps[] =>
      taps.map((t) => ({ ...t, weights: [Math.fround(t.weights[0]), Math.fround(t.weights[1])] }));
    const expected = cvInterp(blend, x, { planes, ih, iw }, fround(rows), fround(columns));
    expectUlp(k.arena.f32(y, expected.length), expected, 0, blend);
  });
});

describe('cv_layernorm', () => {
  it.each([1, 6, 33])('rows of %i', (n) => {
    for (const weighted of [true, false]) {
      const k = fresh();
      const x = bf16s(3 * n, 5, 4);
      const [weight, bias] = [bf16s(n, 6, 2), bf16s(n, 7, 2)];
      const [at, share, eps] = [put(k, x), cvRound(1 / n), cvRound(1e-5)];
      const [exponents, mantissas] = [put(k, positive.first), put(k, positive.second)];
      const [w, b] = weighted ? [put(k, weight), put(k, bias)] : [0, 0];
      k.exports.cv_layernorm(at, at, w, b, 3, n, share, eps, exponents, mantissas);
      const expected = cvLayerNorm(x, { n, share, eps, root: positive, ...(weighted && { weight, bias }) });
      expectUlp(k.arena.f32(at, x.length), expected, 0, `weighted ${weighted}`);
    }
  });
});
