// ONNX QuantizeLinear to bytes. Definition: src/scalar/quantize-linear.ts.

/** 1.5*2^23: what is added to it lands in the low bits. */
const ROUNDER: f32 = 12582912;

/** Codes in the low bytes of four words, from quotients. */
@inline
function codes4(t: v128, zero: v128, lo: v128, hi: v128): v128 {
  const r = f32x4.pmin(f32x4.pmax(f32x4.add(f32x4.nearest(t), zero), lo), hi);
  return v128.and(f32x4.add(r, f32x4.splat(ROUNDER)), i32x4.splat(255));
}

/** y = clamp(round(x/scale) + zero), half to even, bytes; answers 1 where a quotient is NaN, else 0. */
export function f32_quantize_linear(x: usize, y: usize, n: i32, scale: f32, zero: i32, lo: i32, hi: i32): i32 {
  const sv = f32x4.splat(scale);
  const zv = f32x4.splat(<f32>zero);
  const lv = f32x4.splat(<f32>lo);
  const hv = f32x4.splat(<f32>hi);
  let nan = i32x4.splat(0);
  let i = 0;
  for (; i + 16 <= n; i += 16) {
    const a = f32x4.div(v128.load(x), sv), b = f32x4.div(v128.load(x, 16), sv);
    const c = f32x4.div(v128.load(x, 32), sv), d = f32x4.div(v128.load(x, 48), sv);
    // A sum is NaN where a part is, but also of two infinities: each quotient is looked at.
    nan = v128.or(nan, v128.or(v128.or(f32x4.ne(a, a), f32x4.ne(b, b)), v128.or(f32x4.ne(c, c), f32x4.ne(d, d))));
    const low = i16x8.narrow_i32x4_u(codes4(a, zv, lv, hv), codes4(b, zv, lv, hv));
    v128.store(y, i8x16.narrow_i16x8_u(low, i16x8.narrow_i32x4_u(codes4(c, zv, lv, hv), codes4(d, zv, lv, hv))));
    x += 64;
    y += 16;
  }
  for (; i < n; i++) {
    const t = f32x4.div(v128.load32_splat(x), sv);
    nan = v128.or(nan, f32x4.ne(t, t));
    store<u8>(y, <u8>i32x4.extract_lane(codes4(t, zv, lv, hv), 0));
    x += 4;
    y += 1;
  }
  return v128.any_true(nan) ? 1 : 0;
}
