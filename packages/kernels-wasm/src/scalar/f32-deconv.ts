import { clamp } from './clamp.ts';
import type { Conv2dShape } from './f32-conv.ts';

const f = Math.fround;

/** A transposed convolution: the pads crop, `outputPad` appends. */
export interface Deconv2dShape extends Conv2dShape {
  readonly outputPadH: number;
  readonly outputPadW: number;
}

/** Output height and width of a transposed convolution. */
export function deconv2dOutput(s: Deconv2dShape): { oh: number; ow: number } {
  return {
    oh: (s.ih - 1) * s.strideH - s.padTop - s.padBottom + s.dilationH * (s.kh - 1) + s.outputPadH + 1,
    ow: (s.iw - 1) * s.strideW - s.padLeft - s.padRight + s.dilationW * (s.kw - 1) + s.outputPadW + 1,
  };
}

/** Weights [ic, oc/groups, kh, kw]. Per tap a sum over ic from 0; the taps are added to the bias for kh, kw ascending. */
export function deconv2d(
  x: Float32Array,
  w: Float32Array,
  bias: Float32Array | undefined,
  s: Deconv2dShape,
  lo = -Infinity,
  hi = Infinity,
): Float32Array {
  const { oh, ow } = deconv2dOutput(s);
  const icg = s.ic / s.groups;
  const ocg = s.oc / s.groups;
  const y = new Float32Array(s.n * s.oc * oh * ow);
  for (let n = 0; n < s.n; n++) {
    for (let oc = 0; oc < s.oc; oc++) {
      const g = Math.floor(oc / ocg);
      const plane = y.subarray((n * s.oc + oc) * oh * ow, (n * s.oc + oc + 1) * oh * ow).fill(bias?.[oc] ?? 0);
      for (let r = 0; r < s.kh; r++) {
        for (let q = 0; q < s.kw; q++) {
          for (let iy = 0; iy < s.ih; iy++) {
            for (let ix = 0; ix < s.iw; ix++) {
              const oy = iy * s.strideH - s.padTop + r * s.dilationH;
              const ox = ix * s.strideW - s.padLeft + q * s.dilationW;
              if (oy < 0 || oy >= oh || ox < 0 || ox >= ow) continue;
              let tap = 0;
              for (let c = g * icg; c < (g + 1) * icg; c++) {
                const weight = w[((c * ocg + (oc % ocg)) * s.kh + r) * s.kw + q]!;
                tap = f(tap + f(x[((n * s.ic + c) * s.ih + iy) * s.iw + ix]! * weight));
              }
              plane[oy * ow + ox] = plane[oy * ow + ox]! + tap;
            }
          }
        }
      }
      for (let i = 0; i < plane.length; i++) plane[i] = clamp(plane[i]!, lo, hi);
    }
  }
  return y;
}
