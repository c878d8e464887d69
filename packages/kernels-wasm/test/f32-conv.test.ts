import { describe, expect, it } from 'vitest';
import { UnaryOp } from '../src/index.ts';
import { type Conv2dShape, conv2d, conv2dOutput } from '../src/scalar/f32-conv.ts';
import { unary } from '../src/scalar/f32-unary.ts';
import { expectUlp, guarded, noise, useKernels } from './tester.ts';

/** Both sides follow the same written order, so nothing is forgiven. */
const CONV_ULP = 0;
const SLOPE = Math.fround(0.1);

const base: Conv2dShape = {
  n: 1,
  ic: 3,
  ih: 9,
  iw: 11,
  oc: 5,
  kh: 3,
  kw: 3,
  strideH: 1,
  strideW: 1,
  dilationH: 1,
  dilationW: 1,
  padTop: 1,
  padLeft: 1,
  padBottom: 1,
  padRight: 1,
  groups: 1,
};
const noPads = { padTop: 0, padLeft: 0, padBottom: 0, padRight: 0 };

const CASES: Record<string, Partial<Conv2dShape>> = {
  dense_3x3: {},
  dense_batch: { n: 3 },
  pointwise_direct: { kh: 1, kw: 1, ...noPads, ic: 7, oc: 6 },
  pointwise_packed: { kh: 1, kw: 1, ...noPads, ic: 9, oc: 37, ih: 13, iw: 14 },
  pointwise_deep: { kh: 1, kw: 1, ...noPads, ic: 300, oc: 33, ih: 7, iw: 7 },
  pointwise_deep_direct: { kh: 1, kw: 1, ...noPads, ic: 600, oc: 9, ih: 5, iw: 5 },
  pointwise_stride: { kh: 1, kw: 1, ...noPads, ic: 5, oc: 8, strideH: 2, strideW: 2, ih: 14, iw: 14 },
  pointwise_column: { kh: 1, kw: 1, ...noPads, ic: 500, oc: 70, ih: 7, iw: 7 },
  pointwise_stride_pads: { kh: 1, kw: 1, ic: 5, oc: 8, strideH: 2, strideW: 3, ih: 14, iw: 15, padTop: 2 },
  one_channel: { ic: 50, oc: 1, ih: 12, iw: 11 },
  narrow_rows: { ic: 4, oc: 6, ih: 9, iw: 3 },
  patches: { kh: 4, kw: 4, strideH: 4, strideW: 4, ...noPads, ih: 16, iw: 20 },
  wide_window: { ic: 2, oc: 4, kh: 21, kw: 20, ih: 24, iw: 30 },
  one_pixel: { ih: 1, iw: 1, ...noPads, kh: 1, kw: 1, ic: 40, oc: 50 },
  many_pixels: { ih: 19, iw: 23, ic: 2, oc: 4 },
  k_blocks: { ic: 70, oc: 13, ih: 8, iw: 9 },
  stride_2: { strideH: 2, strideW: 2, ih: 30, iw: 31 },
  stride_3_wide: { strideH: 3, strideW: 3, kh: 5, kw: 4, ih: 17, iw: 40 },
  asymmetric_pads: { padTop: 0, padLeft: 2, padBottom: 3, padRight: 1, kw: 5 },
  dilated: { dilationH: 2, dilationW: 3, ih: 12, iw: 20, padTop: 2, padLeft: 3 },
  seven_by_seven: {
    kh: 7,
    kw: 7,
    strideH: 2,
    strideW: 2,
    padTop: 3,
    padLeft: 3,
    padBottom: 3,
    padRight: 3,
    ih: 28,
    iw: 28,
    oc: 8,
  },
  bands: { n: 2, ic: 42, oc: 5, ih: 60, iw: 60 },
  bands_strided: {
    ...{ kh: 7, kw: 7, strideH: 2, strideW: 2, padTop: 3, padLeft: 3, padBottom: 3, padRight: 3 },
    ...{ ic: 7, oc: 4, ih: 150, iw: 170 },
  },
  bands_of_one_row_of_taps: {
    kh: 1,
    kw: 7,
    strideH: 2,
    padTop: 2,
    padBottom: 3,
    padLeft: 3,
    padRight: 3,
    ic: 54,
    oc: 3,
    ih: 66,
    iw: 100,
  },
  row_kernel: { kh: 1, kw: 7, padTop: 0, padBottom: 0, padLeft: 3, padRight: 3 },
  grouped: { ic: 6, oc: 9, groups: 3 },
  grouped_pointwise: { ic: 8, oc: 12, groups: 4, kh: 1, kw: 1, ...noPads },
  depthwise_3x3: { ic: 4, oc: 4, groups: 4 },
  depthwise_3x3_batch: { n: 2, ic: 4, oc: 4, groups: 4, ih: 14, iw: 14 },
  depthwise_3x3_s2: { ic: 3, oc: 3, groups: 3, strideH: 2, strideW: 2, ih: 16, iw: 17 },
  depthwise_3x3_s2_odd_pads: { ic: 3, oc: 3, groups: 3, strideH: 2, strideW: 2, padTop: 0, padLeft: 0, ih: 16, iw: 16 },
  depthwise_half: { ic: 3, oc: 3, groups: 3, strideH: 2, strideW: 2, padBottom: 0, padRight: 0, ih: 14, iw: 22 },
  depthwise_half_late_pads: { ic: 3, oc: 6, groups: 3, strideH: 2, strideW: 2, padTop: 0, padLeft: 0, ih: 8, iw: 14 },
  depthwise_half_narrow: { ic: 3, oc: 3, groups: 3, strideH: 2, strideW: 2, padBottom: 0, padRight: 0, ih: 2, iw: 8 },
  depthwise_half_five: { ic: 3, oc: 3, groups: 3, strideH: 2, strideW: 2, padBottom: 0, padRight: 0, ih: 6, iw: 10 },
  depthwise_half_late_narrow: { ic: 3, oc: 3, groups: 3, strideH: 2, strideW: 2, padTop: 0, padLeft: 0, ih: 4, iw: 8 },
  depthwise_half_late_five: { ic: 3, oc: 3, groups: 3, strideH: 2, strideW: 2, padTop: 0, padLeft: 0, ih: 4, iw: 10 },
  depthwise_half_mixed: { ic: 3, oc: 3, groups: 3, strideH: 2, strideW: 2, padTop: 0, padRight: 0, ih: 8, iw: 24 },
  depthwise_same_one_row: { ic: 3, oc: 3, groups: 3, ih: 1, iw: 8 },
  depthwise_same_three_rows: { ic: 3, oc: 3, groups: 3, ih: 3, iw: 5 },
  depthwise_same_wide: { ic: 3, oc: 3, groups: 3, ih: 6, iw: 29 },
  depthwise_3x3_s21: { ic: 3, oc: 3, groups: 3, strideH: 2, strideW: 1, ih: 16, iw: 17 },
  depthwise_3x3_s12: { ic: 3, oc: 3, groups: 3, strideH: 1, strideW: 2, ih: 16, iw: 17 },
  depthwise_3x3_dilated: {
    ic: 3,
    oc: 3,
    groups: 3,
    dilationH: 2,
    dilationW: 2,
    padTop: 2,
    padLeft: 2,
    padBottom: 2,
    padRight: 2,
  },
  depthwise_5x5: { ic: 3, oc: 3, groups: 3, kh: 5, kw: 5, padTop: 2, padLeft: 2, padBottom: 2, padRight: 2 },
  depthwise_5x5_s2: {
    ic: 3,
    oc: 3,
    groups: 3,
    kh: 5,
    kw: 5,
    strideH: 2,
    strideW: 2,
    padTop: 2,
    padLeft: 2,
    padBottom: 2,
    padRight: 2,
    ih: 15,
    iw: 14,
  },
  depthwise_small: { ic: 5, oc: 5, groups: 5, ih: 3, iw: 2 },
  depthwise_tiny: { ic: 2, oc: 2, groups: 2, ih: 1, iw: 1 },
  depthwise_seven: { ic: 5, oc: 5, groups: 5, ih: 7, iw: 7 },
  depthwise_multiplier: { ic: 3, oc: 6, groups: 3 },
  depthwise_1x1: { ic: 3, oc: 3, groups: 3, kh: 1, kw: 1, ...noPads },
  depthwise_global: { ic: 3, oc: 3, groups: 3, kh: 7, kw: 7, ...noPads, ih: 7, iw: 7 },
  depthwise_s3: { ic: 3, oc: 3, groups: 3, strideH: 3, strideW: 3, ih: 20, iw: 20 },
};

/** 1x1 convolutions that may leave zeros out: whole and partial blocks of channels, pixels and output channels. */
const SPARSE = {
  seven: { ic: 200, oc: 64, ih: 7, iw: 7 },
  partial_tiles: { ic: 103, oc: 114, ih: 5, iw: 6 },
  three_rows_left: { ic: 66, oc: 59, ih: 4, iw: 4 },
  blocks_of_pixels: { ic: 50, oc: 32, ih: 13, iw: 21 },
  last_block_of_one: { ic: 33, oc: 32, ih: 3, iw: 171 },
  deep: { ic: 500, oc: 52, ih: 5, iw: 5 },
  batch_of_groups: { n: 2, groups: 2, ic: 80, oc: 64, ih: 6, iw: 7 },
} satisfies Record<string, Partial<Conv2dShape>>;

describe('f32_conv2d', () => {
  const { fresh } = useKernels();
  interface Operands {
    readonly x: Float32Array;
    readonly w: Float32Array;
    readonly bias: Float32Array;
  }

  function expectTwin(name: string, s: Conv2dShape, { x, w, bias }: Operands): void {
    const free = conv2d(x, w, bias, s);
    const clamped = conv2d(x, w, undefined, s, -0.25, 0.5);
    for (const [useBias, lo, hi, op] of [
      [true, -Infinity, Infinity, undefined],
      [true, -Infinity, Infinity, 'silu'],
      [false, -0.25, 0.5, undefined],
      [false, -0.25, 0.5, 'leakyRelu'],
    ] as const) {
      const convolved = useBias ? free : clamped;
      const expected = op === undefined ? convolved : unary(op, convolved, SLOPE);
      const k = fresh();
      const e = k.exports;
      const xp = guarded(k, x.length);
      k.arena.f32(xp.ptr, x.length).set(x);
      const wp = k.arena.place(w);
      const packedBytes = e.f32_conv2d_packed_bytes(s.ic, s.oc, s.kh, s.kw, s.groups);
      const packed = guarded(k, packedBytes / 4, 0);
      e.f32_conv2d_pack(wp, packed.ptr, s.ic, s.oc, s.kh, s.kw, s.groups);
      packed.check(`${name}: pack`);
      const geometry = [
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
        s.groups,
      ] as const;
      const scratch = guarded(k, Math.ceil(e.f32_conv2d_scratch_bytes(s.ic, s.ih, s.iw, s.oc, ...geometry) / 4), 0);
      const bp = useBias ? k.arena.place(bias) : 0;
      const y = guarded(k, expected.length);
      const operands = [xp.ptr, packed.ptr, bp, y.ptr, scratch.ptr] as const;
      const call = [...operands, s.n, s.ic, s.ih, s.iw, s.oc, ...geometry, lo, hi] as const;
      if (op === undefined) e.f32_conv2d(...call);
      else e.f32_conv2d_unary(...call, UnaryOp[op], SLOPE, 0);
      y.check(name);
      scratch.check(`${name}: scratch`);
      expectUlp(k.arena.f32(y.ptr, expected.length), expected, CONV_ULP, name);
    }
  }

  const operands = (s: Conv2dShape): Operands => ({
    x: noise(s.n * s.ic * s.ih * s.iw, 1),
    w: noise((s.oc * s.ic * s.kh * s.kw) / s.groups, 2),
    bias: noise(s.oc, 3),
  });

  it.each(Object.entries(CASES))('%s', (name, over) => {
    const s: Conv2dShape = { ...base, ...over };
    expectTwin(name, s, operands(s));
  });

  it.each(Object.entries(SPARSE))('half zeros: %s', (name, over) => {
    const s: Conv2dShape = { ...base, kh: 1, kw: 1, ...noPads, ...over };
    const { x, w, bias } = operands(s);
    expectTwin(name, s, { x: x.map((value) => Math.max(value, 0)), w, bias });
    expectTwin(`${name}: negative zeros`, s, { x: x.map((value) => (value < 0 ? value : -0)), w, bias });
  });

  it('a sum that begins at -0 stays -0 or not as the definition says', () => {
    const s: Conv2dShape = { ...base, kh: 1, kw: 1, ...noPads, ...SPARSE.seven };
    const { x, w } = operands(s);
    const bias = new Float32Array(s.oc).fill(-0);
    const some = x.map((_, at) => (at % 49 === 3 ? 1 : 0));
    expectTwin('signed zeros', s, { x: some, w: w.map((value) => -Math.abs(value)), bias });
  });

  it('weights that are not finite meet zeros', () => {
    const s: Conv2dShape = { ...base, kh: 1, kw: 1, ...noPads, ...SPARSE.seven };
    const { x, w, bias } = operands(s);
    w[77] = Infinity;
    w[1234] = Number.NaN;
    expectTwin('infinity', s, { x: x.map((value) => Math.max(value, 0)), w, bias });
  });

  it('computes the output size', () => {
    expect(conv2dOutput({ ...base, ih: 224, iw: 224, strideH: 2, strideW: 2 })).toEqual({ oh: 112, ow: 112 });
  });
});
