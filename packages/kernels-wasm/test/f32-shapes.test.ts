import { describe, expect, it } from 'vitest';
import { ReduceOp, type ReduceOpName, ResizeCoord, type ResizeCoordName, UnaryOp } from '../src/index.ts';
import { type Deconv2dShape, deconv2d, deconv2dOutput } from '../src/scalar/f32-deconv.ts';
import { instancenorm } from '../src/scalar/f32-norm.ts';
import { avgpool2d, maxpool2d, type Pool2dShape } from '../src/scalar/f32-pool.ts';
import { argmax, reduce } from '../src/scalar/f32-reduce.ts';
import { type ResizeShape, resizeLinear, resizeNearest } from '../src/scalar/f32-resize.ts';
import { softmax } from '../src/scalar/f32-softmax.ts';
import { prelu, scaleChannels, unary } from '../src/scalar/f32-unary.ts';
import { expectUlp, guarded, noise, useKernels } from './tester.ts';

/** Both sides follow the same written order, so nothing is forgiven anywhere in this file. */
const SAME_BITS = 0;

const square = (ih: number, oh: number, k: number, stride: number, pad: number): Pool2dShape => ({
  planes: 3,
  ih,
  iw: ih + 1,
  oh,
  ow: Math.floor((ih + 1 + 2 * pad - k) / stride) + 1,
  kh: k,
  kw: k,
  strideH: stride,
  strideW: stride,
  padTop: pad,
  padLeft: pad,
});

const POOLS: Record<string, Pool2dShape> = {
  k2s2: square(8, 4, 2, 2, 0),
  k2s2_whole_vectors: {
    planes: 3,
    ih: 9,
    iw: 12,
    oh: 4,
    ow: 6,
    kh: 2,
    kw: 2,
    strideH: 2,
    strideW: 2,
    padTop: 0,
    padLeft: 0,
  },
  k2s2_wide: { planes: 2, ih: 6, iw: 20, oh: 3, ow: 8, kh: 2, kw: 2, strideH: 2, strideW: 2, padTop: 0, padLeft: 0 },
  k3s2p1: square(15, 8, 3, 2, 1),
  k3s1p1: square(7, 7, 3, 1, 1),
  k5s1p2: square(13, 13, 5, 1, 2),
  k3s3: square(9, 3, 3, 3, 0),
  ceil_mode: { planes: 2, ih: 12, iw: 12, oh: 6, ow: 6, kh: 3, kw: 3, strideH: 2, strideW: 2, padTop: 0, padLeft: 0 },
  window_larger_than_input: {
    planes: 2,
    ih: 2,
    iw: 2,
    oh: 2,
    ow: 2,
    kh: 3,
    kw: 3,
    strideH: 1,
    strideW: 1,
    padTop: 1,
    padLeft: 1,
  },
  global_7: { planes: 5, ih: 7, iw: 7, oh: 1, ow: 1, kh: 7, kw: 7, strideH: 1, strideW: 1, padTop: 0, padLeft: 0 },
  global_odd: { planes: 2, ih: 3, iw: 29, oh: 1, ow: 1, kh: 3, kw: 29, strideH: 1, strideW: 1, padTop: 0, padLeft: 0 },
  one_row: { planes: 2, ih: 1, iw: 40, oh: 1, ow: 20, kh: 1, kw: 2, strideH: 1, strideW: 2, padTop: 0, padLeft: 0 },
  one_column: { planes: 2, ih: 40, iw: 1, oh: 20, ow: 1, kh: 2, kw: 1, strideH: 2, strideW: 1, padTop: 0, padLeft: 0 },
};

describe('f32_maxpool2d and f32_avgpool2d', () => {
  const { fresh } = useKernels();
  it.each(Object.entries(POOLS))('%s', (name, s) => {
    const x = noise(s.planes * s.ih * s.iw, 5);
    const geometry = [s.planes, s.ih, s.iw, s.oh, s.ow, s.kh, s.kw, s.strideH, s.strideW, s.padTop, s.padLeft] as const;
    for (const mode of ['max', 'average', 'average_with_pad'] as const) {
      const expected =
        mode === 'max' ? maxpool2d(x, s, -0.5, 0.9) : avgpool2d(x, s, mode === 'average_with_pad', -0.1, 0.1);
      const k = fresh();
      const xp = k.arena.place(x);
      const scratch = guarded(k, Math.ceil(k.exports.f32_pool2d_scratch_bytes(s.iw, s.ow, s.kw, s.strideW) / 4), 0);
      const y = guarded(k, expected.length);
      if (mode === 'max') k.exports.f32_maxpool2d(xp, y.ptr, scratch.ptr, ...geometry, -0.5, 0.9);
      else k.exports.f32_avgpool2d(xp, y.ptr, scratch.ptr, ...geometry, Number(mode === 'average_with_pad'), -0.1, 0.1);
      y.check(`${name} ${mode}`);
      scratch.check(`${name} ${mode} scratch`);
      expectUlp(k.arena.f32(y.ptr, expected.length), expected, SAME_BITS, `${name} ${mode}`);
    }
  });
});

describe('NaN', () => {
  const { fresh } = useKernels();
  it.each([0, 1, 4, 7, 24])('at %i reaches every maximum that covers it', (at) => {
    const x = noise(25, 3);
    x[at] = Number.NaN;
    const k = fresh();
    const e = k.exports;
    const xp = k.arena.place(x);
    const pooled = k.arena.alloc(4 * 25);
    const s = { ...square(5, 5, 3, 1, 1), planes: 1, iw: 5, ow: 5 };
    const scratch = k.arena.alloc(e.f32_pool2d_scratch_bytes(5, 5, 3, 1));
    e.f32_maxpool2d(xp, pooled, scratch, 1, 5, 5, 5, 5, 3, 3, 1, 1, 1, 1, -Infinity, Infinity);
    expectUlp(k.arena.f32(pooled, 25), maxpool2d(x, s), SAME_BITS, 'pool');
    for (const [axis, inner] of [
      [25, 1],
      [5, 5],
    ] as const) {
      const y = k.arena.alloc(4 * inner);
      e.f32_reduce(ReduceOp.max, xp, y, 1, axis, inner);
      expectUlp(k.arena.f32(y, inner), reduce('max', x, 1, axis, inner), SAME_BITS, 'reduce');
    }
  });
});

const deconv: Deconv2dShape = {
  n: 1,
  ic: 3,
  ih: 5,
  iw: 6,
  oc: 5,
  kh: 3,
  kw: 3,
  strideH: 2,
  strideW: 2,
  dilationH: 1,
  dilationW: 1,
  padTop: 1,
  padLeft: 1,
  padBottom: 1,
  padRight: 1,
  groups: 1,
  outputPadH: 0,
  outputPadW: 0,
};
const DECONVS: Record<string, Partial<Deconv2dShape>> = {
  k3s2: {},
  k2s2_batch: { n: 2, kh: 2, kw: 2, padTop: 0, padLeft: 0, padBottom: 0, padRight: 0 },
  k4s2_output_pad: { kh: 4, kw: 4, outputPadH: 1, outputPadW: 1 },
  output_pad_beyond_the_taps: {
    kh: 1,
    kw: 1,
    strideH: 2,
    strideW: 3,
    padTop: 0,
    padLeft: 0,
    padBottom: 0,
    padRight: 0,
    outputPadH: 1,
    outputPadW: 2,
  },
  grouped: { ic: 4, oc: 6, groups: 2 },
  depthwise: { ic: 4, oc: 4, groups: 4, kh: 4, kw: 4 },
  deep: { ic: 300, oc: 3, ih: 4, iw: 3 },
  dilated_asymmetric: {
    dilationH: 2,
    dilationW: 2,
    padTop: 0,
    padLeft: 2,
    padBottom: 1,
    padRight: 0,
    strideH: 1,
    strideW: 1,
  },
};

describe('f32_deconv2d', () => {
  const { fresh } = useKernels();
  it.each(Object.entries(DECONVS))('%s', (name, over) => {
    const s: Deconv2dShape = { ...deconv, ...over };
    const x = noise(s.n * s.ic * s.ih * s.iw, 1);
    const w = noise((s.ic * s.oc * s.kh * s.kw) / s.groups, 2);
    const bias = noise(s.oc, 3);
    for (const [useBias, lo, hi] of [
      [true, -Infinity, Infinity],
      [false, -0.5, 0.75],
    ] as const) {
      const expected = deconv2d(x, w, useBias ? bias : undefined, s, lo, hi);
      const k = fresh();
      const e = k.exports;
      const shape = [s.ic, s.oc, s.kh, s.kw, s.groups] as const;
      const packed = guarded(k, e.f32_deconv2d_packed_bytes(...shape) / 4, 0);
      e.f32_deconv2d_pack(k.arena.place(w), packed.ptr, ...shape);
      packed.check(`${name}: pack`);
      const scratch = guarded(
        k,
        Math.ceil(e.f32_deconv2d_scratch_bytes(s.ih, s.iw, s.oc, s.kh, s.kw, s.groups) / 4),
        0,
      );
      const y = guarded(k, expected.length);
      const call = [
        k.arena.place(x),
        packed.ptr,
        useBias ? k.arena.place(bias) : 0,
        y.ptr,
        scratch.ptr,
        s.n,
        s.ic,
        s.ih,
        s.iw,
        s.oc,
        s.kh,
        s.kw,
        s.strideH,
        s.strideW,
        s.dilationH,
        s.dilationW,
        s.padTop,
        s.padLeft,
        s.padBottom,
        s.padRight,
        s.outputPadH,
        s.outputPadW,
        s.groups,
        lo,
        hi,
      ] as const;
      e.f32_deconv2d_unary(...call, UnaryOp.tanh, 0, 0);
      expectUlp(k.arena.f32(y.ptr, expected.length), unary('tanh', expected), SAME_BITS, `${name}: tanh`);
      e.f32_deconv2d(...call);
      y.check(name);
      scratch.check(`${name}: scratch`);
      expectUlp(k.arena.f32(y.ptr, expected.length), expected, SAME_BITS, name);
    }
  });
  it('computes the output size', () => {
    expect(deconv2dOutput({ ...deconv, ih: 112, iw: 112, kh: 4, kw: 4 })).toEqual({ oh: 224, ow: 224 });
  });
});

const RESIZES: Record<string, ResizeShape> = {
  double: { planes: 2, ih: 3, iw: 5, oh: 6, ow: 10 },
  triple: { planes: 2, ih: 3, iw: 5, oh: 9, ow: 15 },
  shrink: { planes: 2, ih: 8, iw: 9, oh: 3, ow: 4 },
  ragged: { planes: 1, ih: 7, iw: 6, oh: 11, ow: 17 },
  to_one: { planes: 2, ih: 4, iw: 5, oh: 1, ow: 1 },
  from_one: { planes: 2, ih: 1, iw: 1, oh: 4, ow: 5 },
};

describe('f32_resize', () => {
  const { fresh } = useKernels();
  const cases = Object.entries(RESIZES).flatMap(([name, s]) =>
    (Object.keys(ResizeCoord) as ResizeCoordName[]).map((coord) => [name, coord, s] as const),
  );
  it.each(cases)('%s %s', (name, coord, s) => {
    const x = noise(s.planes * s.ih * s.iw, 9);
    const k = fresh();
    const xp = k.arena.place(x);
    const nearest = resizeNearest(x, s, coord);
    const geometry = [s.planes, s.ih, s.iw, s.oh, s.ow, ResizeCoord[coord]] as const;
    const y = guarded(k, nearest.length);
    k.exports.f32_resize_nearest(xp, y.ptr, ...geometry);
    expectUlp(k.arena.f32(y.ptr, nearest.length), nearest, SAME_BITS, `nearest ${name} ${coord}`);
    const linear = resizeLinear(x, s, coord);
    const scratch = guarded(k, k.exports.f32_resize_linear_scratch_bytes(s.iw, s.ow) / 4, 0);
    k.exports.f32_resize_linear(xp, y.ptr, scratch.ptr, ...geometry);
    expectUlp(k.arena.f32(y.ptr, linear.length), linear, SAME_BITS, `linear ${name} ${coord}`);
    y.check(name);
    scratch.check(`${name}: scratch`);
  });
});

describe('kernels over [outer, axis, inner]', () => {
  const { fresh } = useKernels();
  const SHAPES = [
    [1, 7, 1],
    [3, 5, 4],
    [2, 9, 7],
    [4, 1, 3],
    [2, 1000, 1],
    [2, 3, 130],
  ] as const;

  it.each(SHAPES)('softmax %i x %i x %i', (outer, axis, inner) => {
    const x = noise(outer * axis * inner, 4, 10);
    for (const log of [false, true]) {
      const k = fresh();
      const y = guarded(k, x.length);
      k.exports.f32_softmax(k.arena.place(x), y.ptr, outer, axis, inner, 1, Number(log));
      y.check('softmax');
      expectUlp(k.arena.f32(y.ptr, x.length), softmax(x, outer, axis, inner, 1, log), SAME_BITS, 'softmax');
    }
  });

  it.each(SHAPES)('reduce and argmax %i x %i x %i', (outer, axis, inner) => {
    const x = noise(outer * axis * inner, 4).map((v) => Math.round(v * 64) / 16);
    for (const op of Object.keys(ReduceOp) as ReduceOpName[]) {
      const k = fresh();
      const y = guarded(k, outer * inner);
      k.exports.f32_reduce(ReduceOp[op], k.arena.place(x), y.ptr, outer, axis, inner);
      y.check(op);
      expectUlp(k.arena.f32(y.ptr, outer * inner), reduce(op, x, outer, axis, inner), SAME_BITS, op);
    }
    for (const [min, last] of [
      [false, false],
      [true, false],
      [false, true],
      [true, true],
    ] as const) {
      const k = fresh();
      const y = k.arena.alloc(outer * inner * 4);
      k.exports.f32_argmax(k.arena.place(x), y, outer, axis, inner, Number(min), Number(last));
      expect(k.arena.i32(y, outer * inner)).toEqual(argmax(x, outer, axis, inner, min, last));
    }
  });

  it.each(SHAPES)('per channel %i x %i x %i', (outer, channels, inner) => {
    const x = noise(outer * channels * inner, 6);
    const w = noise(channels, 7);
    const b = noise(channels, 8);
    const k = fresh();
    const [xp, wp, bp] = [k.arena.place(x), k.arena.place(w), k.arena.place(b)];
    const y = guarded(k, x.length);
    const answer = (): Float32Array => k.arena.f32(y.ptr, x.length);
    k.exports.f32_prelu(xp, wp, y.ptr, outer, channels, inner);
    expectUlp(answer(), prelu(x, w, inner), SAME_BITS, 'prelu');
    k.exports.f32_scale(xp, wp, bp, y.ptr, outer, channels, inner, -0.25, 0.5);
    expectUlp(answer(), scaleChannels(x, w, b, inner, -0.25, 0.5), SAME_BITS, 'scale');
    k.exports.f32_scale(xp, wp, 0, y.ptr, outer, channels, inner, -Infinity, Infinity);
    expectUlp(answer(), scaleChannels(x, w, undefined, inner), SAME_BITS, 'scale without bias');
    k.exports.f32_instancenorm(xp, wp, bp, y.ptr, outer, channels, inner, 1e-5);
    expectUlp(answer(), instancenorm(x, w, b, channels, inner, 1e-5), SAME_BITS, 'instancenorm');
    y.check('per channel');
  });
});
