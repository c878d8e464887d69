// Average of codes: the float32 average of every window, multiplied back by the window and finished as one of the families
// does. Definition: src/scalar/qs8-pool.ts (qs8AveragePool).

/** What becomes of the average times the window. */
export const enum AverageFinish {
  /** Half away, then (v*multiplier) >> rshift half up, + zero. */
  multiplierShift = 0,
  /** v*scale + offset in float64, narrowed, half away. */
  real = 1,
  /** Half up, then v*multiplier / 2^rshift in float32, half up. */
  cv18xx = 2,
}

@inline
function code(p: usize, signed: i32): i32 {
  return signed ? <i32>load<i8>(p) : <i32>load<u8>(p);
}

/** Half away from zero; a float64 of a float32 has room for the half. */
@inline
function away(v: f64): f64 {
  return trunc(v + copysign<f64>(0.5, v));
}

@inline
function finishAverage(v: f32, finish: i32, multiplier: i32, rshift: i32, scale: f64, offset: f64): f64 {
  if (finish == AverageFinish.real) return away(<f64><f32>(<f64>v * scale + offset));
  if (finish == AverageFinish.cv18xx) {
    const t: f32 = <f32>floor(<f64>v + 0.5);
    return floor(<f64>(t * <f32>multiplier / <f32>(1 << rshift)) + 0.5);
  }
  // Sums of codes have at most 24 bits and the multiplier 7, so float64 is exact.
  return floor(away(v) * <f64>multiplier * reinterpret<f64>(<u64>(1023 - rshift) << 52) + 0.5);
}

/** Sum of `n` codes that lie next to each other. */
function sumCodes(x: usize, signed: i32, n: i32): i32 {
  let total = i32x4.splat(0);
  for (; n >= 16; n -= 16) {
    const v = v128.load(x);
    const pairs = signed ? i16x8.extadd_pairwise_i8x16_s(v) : i16x8.extadd_pairwise_i8x16_u(v);
    total = i32x4.add(total, i32x4.extadd_pairwise_i16x8_s(pairs));
    x += 16;
  }
  let sum = i32x4.extract_lane(total, 0) + i32x4.extract_lane(total, 1) +
    (i32x4.extract_lane(total, 2) + i32x4.extract_lane(total, 3));
  for (let i: usize = 0; i < <usize>n; i++) sum += code(x + i, signed);
  return sum;
}

/**
 * Elements outside the input do not count, except that with `countPad` the divisor is always the whole window. Answers
 * clamp(finish(average*kh*kw) + zero).
 */
export function qs8_avgpool2d(
  x: usize, signed: i32, y: usize, planes: i32, ih: i32, iw: i32, oh: i32, ow: i32, kh: i32, kw: i32, sh: i32, sw: i32,
  pt: i32, pl: i32, countPad: i32, finish: i32, multiplier: i32, rshift: i32, scale: f64, offset: f64,
  zero: i32, lo: i32, hi: i32,
): void {
  for (let plane = 0; plane < planes; plane++) {
    for (let row = 0; row < oh; row++) {
      const top = max(row * sh - pt, 0);
      const bottom = min(row * sh - pt + kh, ih);
      for (let column = 0; column < ow; column++) {
        const left = max(column * sw - pl, 0);
        const right = min(column * sw - pl + kw, iw);
        let sum: i32 = 0;
        if (right - left == iw) {
          sum = sumCodes(x + <usize>(top * iw), signed, (bottom - top) * iw);
        } else {
          for (let r = top; r < bottom; r++) {
            const line = x + <usize>(r * iw);
            for (let c = left; c < right; c++) sum += code(line + <usize>c, signed);
          }
        }
        const covered = countPad ? kh * kw : (bottom - top) * (right - left);
        const back: f32 = <f32>(<f64>sum / <f64>covered) * <f32>kh * <f32>kw;
        const v = finishAverage(back, finish, multiplier, rshift, scale, offset) + <f64>zero;
        store<u8>(y, <u8><i32>min(max(v, <f64>lo), <f64>hi));
        y += 1;
      }
    }
    x += <usize>(ih * iw);
  }
}
