import { describe, expect, it } from 'vitest';
import {
  ActiveOp,
  type ActiveOpName,
  applyRequantCv18xx,
  CastFloat,
  type CastFloatName,
  CastRounding,
  type CastRoundingName,
  CodeOp,
  type CodeOpName,
  LoweredReduce,
  type LoweredReduceName,
  planBroadcast,
} from '../src/index.ts';
import { erf64, exp64, log64, tanh64 } from '../src/scalar/double-math.ts';
import { lrn, pixelnorm } from '../src/scalar/f32-channels.ts';
import { loweredActive } from '../src/scalar/lowered-active.ts';
import { loweredDequantize, loweredQuantize, requantReal } from '../src/scalar/lowered-casts.ts';
import { loweredInterp } from '../src/scalar/lowered-interp.ts';
import { loweredReduce } from '../src/scalar/lowered-reduce.ts';
import { type CodeOperand, codePair } from '../src/scalar/qs8-broadcast.ts';
import { qs8Softmax } from '../src/scalar/qs8-softmax.ts';
import { quantizeLinear } from '../src/scalar/quantize-linear.ts';
import { codes, put, take } from './codes.ts';
import { expectUlp, noise, useKernels } from './tester.ts';
import { mixed } from './variants.ts';

const { fresh } = useKernels();
const keys = <T extends string>(table: Readonly<Record<T, number>>): T[] => Object.keys(table) as T[];

describe('lowered_active', () => {
  const data = Float32Array.from([...mixed(1035, 2), ...noise(400, 1, 8), ...noise(400, 2, 1)]);
  it.each(keys<ActiveOpName>(ActiveOp))('%s', (op) => {
    for (const n of [data.length, 1, 2, 3, 7]) {
      const k = fresh();
      const x = data.subarray(0, n);
      const at = put(k, x);
      k.exports.lowered_active(ActiveOp[op], at, at, n, 0.7, 0.4);
      expectUlp(k.arena.f32(at, n), loweredActive(op, x, 0.7, 0.4), 0, `${op} of ${n}`);
    }
  });

  it('rests on functions that are good to some units of float64', () => {
    const close = (a: number, b: number): boolean => a === b || Math.abs(a / b - 1) < 1e-15;
    for (const x of noise(2000, 7, 30)) {
      expect(close(exp64(x), Math.exp(x)), `e^${x}`).toBe(true);
      expect(close(tanh64(x), Math.tanh(x)), `tanh ${x}`).toBe(true);
      expect(close(log64(Math.abs(x)), Math.log(Math.abs(x))), `ln ${x}`).toBe(true);
    }
    // DLMF 7.2: known digits.
    expect(close(erf64(0.5), 0.5204998778130465)).toBe(true);
    expect(close(1 - erf64(2), 0.004677734981047288)).toBe(true);
    expect(erf64(-7)).toBe(-1);
  });
});

describe('lowered_reduce', () => {
  it.each(keys<LoweredReduceName>(LoweredReduce))('%s', (op) => {
    for (const [outer, axis, inner] of [
      [3, 197, 1],
      [2, 5, 7],
      [1, 9, 4],
    ] as const) {
      const k = fresh();
      const x = noise(outer * axis * inner, 3, 5);
      const y = k.arena.alloc(4 * outer * inner);
      k.exports.lowered_reduce(LoweredReduce[op], put(k, x), y, outer, axis, inner, 1 / axis);
      const expected = loweredReduce(op, x, { outer, axis, inner }, 1 / axis);
      expectUlp(k.arena.f32(y, expected.length), expected, 0, `${outer} x ${axis} x ${inner}`);
    }
  });
});

it('lowered_interp', () => {
  const k = fresh();
  const [planes, ih, iw, oh, ow] = [2, 5, 6, 9, 11];
  const x = noise(planes * ih * iw, 1);
  const axis = (from: number, to: number) => {
    const at = Float32Array.from({ length: to }, (_, o) => (o * from) / to);
    return { first: Int32Array.from(at, Math.floor), distance: at.map((v) => v - Math.floor(v)) };
  };
  const [rows, columns] = [axis(ih, oh), axis(iw, ow)];
  const [y, scratch] = [k.arena.alloc(4 * planes * oh * ow), k.arena.alloc(4 * iw)];
  const places = [rows.first, rows.distance, columns.first, columns.distance].map((table) => put(k, table));
  k.exports.lowered_interp(
    ...([put(k, x), y, scratch, planes, ih, iw, oh, ow] as const),
    ...(places as [number, number, number, number]),
  );
  expectUlp(k.arena.f32(y, planes * oh * ow), loweredInterp(x, { planes, ih, iw }, rows, columns), 0, 'interp');
});

describe('normalization over channels', () => {
  it.each([
    [2, 7, 5],
    [1, 3, 4],
    [3, 1, 1],
  ])('%i x %i x %i', (outer, channels, inner) => {
    const k = fresh();
    const shape = { outer, channels, inner };
    const x = noise(outer * channels * inner, 3, 4);
    const [at, y] = [put(k, x), k.arena.alloc(x.byteLength)];
    for (const size of [1, 2, 5]) {
      const l = { ...shape, size, alpha: 0.3, beta: 0.75, bias: 1.5 };
      k.exports.f32_lrn(at, y, outer, channels, inner, size, l.alpha, l.beta, l.bias);
      expectUlp(k.arena.f32(y, x.length), lrn(x, l), 0, `lrn ${size}`);
    }
    const [w, b] = [noise(channels, 5), noise(channels, 6)];
    k.exports.f32_pixelnorm(at, 0, 0, y, outer, channels, inner, 1e-5);
    expectUlp(k.arena.f32(y, x.length), pixelnorm(x, shape, 1e-5), 0, 'pixelnorm');
    k.exports.f32_pixelnorm(at, put(k, w), put(k, b), at, outer, channels, inner, 1e-5);
    expectUlp(k.arena.f32(at, x.length), pixelnorm(x, shape, 1e-5, w, b), 0, 'pixelnorm with weights');
  });
});

describe('f32_quantize_linear', () => {
  it('is the twin, infinities and ties included', () => {
    const ties = Float32Array.from({ length: 64 }, (_, i) => (i - 32) * 0.5 * 0.25);
    const x = Float32Array.from([...mixed(1037, 6).filter((v) => !Number.isNaN(v)), ...ties, ...noise(90, 3, 40)]);
    for (const q of [
      { scale: 0.25, zero: 0, lo: -128, hi: 127 },
      { scale: 0.037, zero: 131, lo: 0, hi: 255 },
    ]) {
      const k = fresh();
      const y = k.arena.alloc(x.length);
      expect(k.exports.f32_quantize_linear(put(k, x), y, x.length, q.scale, q.zero, q.lo, q.hi)).toBe(0);
      const expected = Array.from(x, (v) => quantizeLinear(v, q) + 0);
      expect(Array.from(take(k, y, x.length, q.lo < 0))).toEqual(expected);
    }
  });

  it('says where a NaN is among numbers', () => {
    for (const at of [0, 15, 16, 36]) {
      const k = fresh();
      const x = noise(37, 1).fill(Number.NaN, at, at + 1);
      expect(k.exports.f32_quantize_linear(put(k, x), k.arena.alloc(37), 37, 1, 0, -128, 127), `${at}`).toBe(1);
    }
  });
});

describe('casts', () => {
  it.each(keys<CastRoundingName>(CastRounding))('to integers, %s', (rounding) => {
    for (const [read, product, bytes] of [
      ['f32', 'f32', 2],
      ['bf16', 'bf16', 1],
      ['f32', 'f16', 4],
    ] as const) {
      const k = fresh();
      const x = Float32Array.from([...mixed(300, 4), ...noise(100, 1, 20).map((v) => Math.round(v) / 2)]);
      const [lo, hi] = bytes === 4 ? [-(2 ** 31), 2 ** 31 - 1] : bytes === 2 ? [-32768, 32767] : [-128, 127];
      const q = { inverse: 2, read, product, rounding, zero: 3, lo, hi } as const;
      const y = k.arena.alloc(4 * x.length);
      const floats = [CastFloat[read], CastFloat[product], CastRounding[rounding]] as const;
      k.exports.lowered_quantize(put(k, x), y, bytes, x.length, q.inverse, ...floats, q.zero, lo, hi);
      const Codes = { 1: Int8Array, 2: Int16Array, 4: Int32Array }[bytes];
      const actual = Array.from(new Codes(k.memory.buffer, y, x.length));
      expect(actual, product).toEqual(Array.from(x, (v) => loweredQuantize(v, q)));
    }
  });

  it.each(keys<CastFloatName>(CastFloat))('to floats, %s', (float) => {
    for (const wide of [false, true]) {
      const k = fresh();
      const values = noise(203, 8, wide ? 1e9 : 32768);
      const x = wide ? Int32Array.from(values) : Int16Array.from(values);
      const y = k.arena.alloc(4 * x.length);
      const factor = float === 'f32' ? Math.fround(0.0137) : 0.0137329101562;
      k.exports.lowered_dequantize(put(k, x), wide ? 4 : 2, y, x.length, factor, wide ? 0 : 5, CastFloat[float]);
      const expected = Float32Array.from(x, (c) => loweredDequantize(c, Math.fround(factor), wide ? 0 : 5, float));
      expectUlp(k.arena.f32(y, x.length), expected, 0, float);
    }
  });

  it('of sums, by a real factor and by QDM per channel', () => {
    const k = fresh();
    const x = Int32Array.from(noise(2 * 3 * 35, 5, 3e6));
    const at = put(k, x);
    const y = k.arena.alloc(x.length);
    const real = { scale: 0.000037, offset: -3.5, lo: -128, hi: 127 };
    k.exports.lowered_requant_real(at, y, 1, x.length, real.scale, real.offset, real.lo, real.hi);
    expect(Array.from(take(k, y, x.length, true))).toEqual(Array.from(x, (v) => requantReal(v, real)));
    const [multipliers, shifts] = [Int32Array.of(1 << 30, 1518500250, 2 ** 31 - 1), Int32Array.of(14, 15, 0)];
    k.exports.requant_qdm_channels(at, y, 2, 3, 35, put(k, multipliers), put(k, shifts), -120, 127);
    const expected = Array.from(x, (value, i) => {
      const channel = Math.floor(i / 35) % 3;
      const [multiplier, rshift] = [multipliers[channel]!, shifts[channel]!];
      const code = applyRequantCv18xx(value, { multiplier, rshift, mode: 'QDM', rounding: 'HalfAwayFromZero' });
      return Math.min(Math.max(code, -120), 127);
    });
    expect(Array.from(take(k, y, x.length, true))).toEqual(expected);
  });
});

const SHAPES: readonly (readonly [readonly number[], readonly number[]])[] = [
  [[37], [37]],
  [
    [2, 3, 5, 7],
    [3, 1, 1],
  ],
  [
    [2, 3, 1, 9],
    [1, 3, 5, 9],
  ],
  [[1], [3, 11]],
  [
    [2, 1, 16],
    [1, 4, 1],
  ],
];

describe('qs8_binary_nd', () => {
  it.each(keys<CodeOpName>(CodeOp))('%s', (op) => {
    const isQdm = op === 'mulQdm';
    SHAPES.forEach(([shapeA, shapeB], seed) => {
      for (const [aSigned, bSigned] of [
        [true, true],
        [false, true],
        [true, false],
      ] as const) {
        const k = fresh();
        const size = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);
        const [p, q] = [codes(size(shapeA), aSigned, seed + 1), codes(size(shapeB), bSigned, seed + 7)];
        const a: CodeOperand = { zero: isQdm ? 0 : 3, multiplier: isQdm ? 1 << 30 : 89, rshift: isQdm ? seed + 5 : 8 };
        const b: CodeOperand = { zero: isQdm ? 0 : -5, multiplier: 113, rshift: seed };
        const pair = { op, a, b, zero: -2, lo: -128, hi: 127 };
        const { rank, data, shape } = planBroadcast(shapeA, shapeB);
        const y = k.arena.alloc(size(shape) + 8);
        k.arena.u8(y, size(shape) + 8).fill(0x5a);
        const flags = [aSigned ? 1 : 0, bSigned ? 1 : 0] as const;
        k.exports.qs8_binary_nd(
          ...([CodeOp[op], put(k, p), flags[0], a.zero, a.multiplier, a.rshift] as const),
          ...([put(k, q), flags[1], b.zero, b.multiplier, b.rshift] as const),
          ...([y, rank, put(k, data), pair.zero, pair.lo, pair.hi] as const),
        );
        const at = (index: number, own: readonly number[]): number =>
          shape.reduce((sum, dim, axis) => {
            const place = Math.floor(index / size(shape.slice(axis + 1))) % dim;
            const ownAxis = axis - shape.length + own.length;
            return ownAxis < 0 ? sum : sum * own[ownAxis]! + (own[ownAxis] === 1 ? 0 : place);
          }, 0);
        const expected = Array.from({ length: size(shape) }, (_, i) =>
          codePair(p[at(i, shapeA)]!, q[at(i, shapeB)]!, pair),
        );
        expect(Array.from(take(k, y, size(shape), true)), `${shapeA} with ${shapeB}`).toEqual(expected);
        expect(Array.from(k.arena.u8(y + size(shape), 8))).toEqual(Array(8).fill(0x5a));
      }
    });
  });

  it('select_x8', () => {
    const k = fresh();
    const n = 53;
    const cond = codes(n, false, 1).map((v) => (v > 90 ? v : 0));
    const [a, b] = [codes(n, true, 2), codes(n, true, 3)];
    const y = k.arena.alloc(n);
    for (const [aStep, bStep] of [
      [1, 1],
      [0, 1],
      [1, 0],
    ] as const) {
      k.exports.select_x8(put(k, cond), put(k, a), aStep, put(k, b), bStep, y, n);
      const expected = Array.from(cond, (c, i) => (c !== 0 ? a[i * aStep]! : b[i * bStep]!));
      expect(Array.from(take(k, y, n, true))).toEqual(expected);
    }
  });
});

describe('qs8_softmax', () => {
  it.each([
    [1, 1, 1],
    [3, 40, 1],
    [2, 300, 1],
    [2, 5, 6],
  ])('%i x %i x %i', (outer, axis, inner) => {
    for (const [signed, ySigned] of [
      [true, true],
      [false, true],
      [true, false],
    ] as const) {
      const k = fresh();
      const x = codes(outer * axis * inner, signed, 4);
      const powers = Float32Array.from({ length: 256 }, (_, d) => Math.exp(-0.03 * d));
      const [zero, lo, hi] = ySigned ? [-128, -128, 127] : [0, 0, 255];
      const s = { outer, axis, inner, powers, scale: 1 / 255, zero, lo, hi, signed: ySigned };
      const y = k.arena.alloc(x.length);
      const shape = [outer, axis, inner] as const;
      k.exports.qs8_softmax(
        ...([put(k, x), signed ? 1 : 0, put(k, powers), y, ...shape, s.scale, ySigned ? 1 : 0, zero, lo, hi] as const),
      );
      expect(Array.from(take(k, y, x.length, ySigned))).toEqual(qs8Softmax(x, s));
    }
  });
});
