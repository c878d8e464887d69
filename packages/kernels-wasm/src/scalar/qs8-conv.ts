import { multiplyByQuantizedMultiplier, multiplyShift } from './requant.ts';

/** How accumulators become codes (numerics.md 7.1, 9.1); one entry per output channel. */
export interface AccumulatorFinish {
  /** `multiplierShift` rounds half up once; `qdm` rounds twice (half up, then half away); `none` keeps the accumulator. */
  readonly kind: 'multiplierShift' | 'qdm' | 'none';
  /** Bias as float32 (an i32 bias beyond 2^24 has lost bits by then, as in the interpreter). */
  readonly bias?: ArrayLike<number>;
  readonly multiplier: ArrayLike<number>;
  readonly rshift: ArrayLike<number>;
  readonly zero: number;
  readonly lo: number;
  readonly hi: number;
}

/** The definition of the path from an int32 accumulator to a code. */
export function finishAccumulator(acc: number, channel: number, finish: AccumulatorFinish): number {
  if (finish.kind === 'none') return acc;
  const t = Math.trunc(Math.fround(Math.fround(acc) + (finish.bias?.[channel] ?? 0)));
  const multiplier = finish.multiplier[channel]!;
  const rshift = finish.rshift[channel]!;
  const scaled =
    finish.kind === 'qdm'
      ? multiplyByQuantizedMultiplier(t, multiplier, -rshift, 'HalfAwayFromZero')
      : multiplyShift(t, multiplier, rshift, 'HalfUp');
  return Math.min(Math.max(scaled + finish.zero, finish.lo), finish.hi);
}

export interface ConvGeometry {
  readonly n: number;
  readonly ic: number;
  readonly ih: number;
  readonly iw: number;
  readonly oc: number;
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly dilation: readonly [number, number];
  /** Top, left, bottom, right. */
  readonly pads: readonly [number, number, number, number];
  readonly groups: number;
  /** Code that taps in the padding read. */
  readonly pad: number;
}

/** Output height and width. */
export function convOutputSize(g: ConvGeometry): readonly [number, number] {
  const [top, left, bottom, right] = g.pads;
  return [
    Math.floor((g.ih + top + bottom - g.dilation[0] * (g.kernel[0] - 1) - 1) / g.stride[0]) + 1,
    Math.floor((g.iw + left + right - g.dilation[1] * (g.kernel[1] - 1) - 1) / g.stride[1]) + 1,
  ];
}

/** One accumulator: the integer sum over the taps of output (sample, channel, row, column). */
function accumulate(
  x: ArrayLike<number>,
  w: ArrayLike<number>,
  g: ConvGeometry,
  at: readonly [number, number, number, number],
): number {
  const [sample, channel, row, column] = at;
  const perGroup = g.ic / g.groups;
  const firstInput = Math.floor(channel / (g.oc / g.groups)) * perGroup;
  const [kh, kw] = g.kernel;
  let sum = 0;
  for (let c = 0; c < perGroup; c++) {
    const plane = (sample * g.ic + firstInput + c) * g.ih;
    for (let r = 0; r < kh; r++) {
      const y = row * g.stride[0] - g.pads[0] + r * g.dilation[0];
      for (let q = 0; q < kw; q++) {
        const z = column * g.stride[1] - g.pads[1] + q * g.dilation[1];
        const inside = y >= 0 && y < g.ih && z >= 0 && z < g.iw;
        const code = inside ? x[(plane + y) * g.iw + z]! : g.pad;
        sum += code * w[((channel * perGroup + c) * kh + r) * kw + q]!;
      }
    }
  }
  return sum;
}

/**
 * The definition of an integer convolution: x [n, ic, ih, iw] and w [oc, ic/groups, kh, kw] are codes; answers
 * [n, oc, oh, ow] finished codes and the largest |accumulator|.
 */
export function qs8Conv2d(
  x: ArrayLike<number>,
  w: ArrayLike<number>,
  g: ConvGeometry,
  finish: AccumulatorFinish,
): { readonly y: Int32Array; readonly peak: number } {
  const [oh, ow] = convOutputSize(g);
  const y = new Int32Array(g.n * g.oc * oh * ow);
  let peak = 0;
  let at = 0;
  for (let sample = 0; sample < g.n; sample++) {
    for (let channel = 0; channel < g.oc; channel++) {
      for (let row = 0; row < oh; row++) {
        for (let column = 0; column < ow; column++) {
          const acc = accumulate(x, w, g, [sample, channel, row, column]);
          peak = Math.max(peak, Math.abs(acc));
          y[at++] = finishAccumulator(acc, channel, finish);
        }
      }
    }
  }
  return { y, peak };
}
