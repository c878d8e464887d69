import { clamp } from './clamp.ts';

/** Attributes of a 2-D convolution; the geometry of `f32_conv2d`. */
export interface Conv2dShape {
  readonly n: number;
  readonly ic: number;
  readonly ih: number;
  readonly iw: number;
  readonly oc: number;
  readonly kh: number;
  readonly kw: number;
  readonly strideH: number;
  readonly strideW: number;
  readonly dilationH: number;
  readonly dilationW: number;
  readonly padTop: number;
  readonly padLeft: number;
  readonly padBottom: number;
  readonly padRight: number;
  readonly groups: number;
}

/** Output height and width of a convolution. */
export function conv2dOutput(s: Conv2dShape): { oh: number; ow: number } {
  const out = (size: number, pads: number, k: number, stride: number, dilation: number): number =>
    Math.floor((size + pads - dilation * (k - 1) - 1) / stride) + 1;
  return {
    oh: out(s.ih, s.padTop + s.padBottom, s.kh, s.strideH, s.dilationH),
    ow: out(s.iw, s.padLeft + s.padRight, s.kw, s.strideW, s.dilationW),
  };
}

/** Cross-correlation: acc = bias, then += x*w for (ic, kh, kw) ascending, each step rounded to float32; then clamp. */
export function conv2d(
  x: Float32Array,
  w: Float32Array,
  bias: Float32Array | undefined,
  s: Conv2dShape,
  lo = -Infinity,
  hi = Infinity,
): Float32Array {
  const { oh, ow } = conv2dOutput(s);
  const icg = s.ic / s.groups;
  const ocg = s.oc / s.groups;
  const y = new Float32Array(s.n * s.oc * oh * ow);
  let at = 0;
  for (let n = 0; n < s.n; n++) {
    for (let oc = 0; oc < s.oc; oc++) {
      const firstChannel = n * s.ic + Math.floor(oc / ocg) * icg;
      for (let oy = 0; oy < oh; oy++) {
        for (let ox = 0; ox < ow; ox++) {
          let acc = bias?.[oc] ?? 0;
          let wAt = oc * icg * s.kh * s.kw;
          for (let c = 0; c < icg; c++) {
            for (let r = 0; r < s.kh; r++) {
              const iy = oy * s.strideH - s.padTop + r * s.dilationH;
              for (let q = 0; q < s.kw; q++) {
                const ix = ox * s.strideW - s.padLeft + q * s.dilationW;
                const inside = iy >= 0 && iy < s.ih && ix >= 0 && ix < s.iw;
                const v = inside ? x[((firstChannel + c) * s.ih + iy) * s.iw + ix]! : 0;
                acc = Math.fround(acc + Math.fround(v * w[wAt++]!));
              }
            }
          }
          y[at++] = clamp(acc, lo, hi);
        }
      }
    }
  }
  return y;
}
