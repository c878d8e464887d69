// float32 values rounded to the nearest binary16 or bfloat16 and kept as float32. Definition: `roundToF16` and
// `roundToBf16` of @q/ir (numerics.md 3); src/scalar/float16.ts is the twin.

/** y = nearest binary16 of x, ties to even, overflow to infinity, NaN stays NaN. In place. */
export function f16_round(x: usize, y: usize, n: i32): void {
  for (let i = 0; i < n; i += 4) {
    const count = n - i;
    if (count >= 4) {
      v128.store(y, roundF16(v128.load(x)));
    } else {
      let v = f32x4.splat(0);
      v = f32x4.replace_lane(v, 0, load<f32>(x));
      if (count > 1) v = f32x4.replace_lane(v, 1, load<f32>(x, 4));
      if (count > 2) v = f32x4.replace_lane(v, 2, load<f32>(x, 8));
      v = roundF16(v);
      store<f32>(y, f32x4.extract_lane(v, 0));
      if (count > 1) store<f32>(y, f32x4.extract_lane(v, 1), 4);
      if (count > 2) store<f32>(y, f32x4.extract_lane(v, 2), 8);
    }
    x += 16;
    y += 16;
  }
}

@inline
export function roundF16(v: v128): v128 {
  const sign = v128.and(v, i32x4.splat(0x80000000));
  const magnitude = v128.andnot(v, i32x4.splat(0x80000000));
  // Normal results: add half a unit minus one plus the lowest kept bit, then drop 13 bits.
  const lsb = v128.and(i32x4.shr_u(magnitude, 13), i32x4.splat(1));
  const rounded = v128.and(i32x4.add(i32x4.add(magnitude, i32x4.splat(0xfff)), lsb), i32x4.splat(~0x1fff));
  // Subnormal results: 0.5 has the unit 2^-24 that they are multiples of.
  const subnormal = f32x4.sub(f32x4.add(magnitude, f32x4.splat(0.5)), f32x4.splat(0.5));
  let r = v128.bitselect(subnormal, rounded, i32x4.lt_s(magnitude, i32x4.splat(0x38800000)));
  r = v128.bitselect(i32x4.splat(0x7f800000), r, i32x4.ge_s(magnitude, i32x4.splat(0x477ff000)));
  r = v128.bitselect(i32x4.splat(0x7fc00000), r, i32x4.gt_s(magnitude, i32x4.splat(0x7f800000)));
  return v128.or(r, sign);
}

/** Nearest bfloat16 as the BM chips round: ties to even, float32 subnormals to zero, NaN stays NaN. */
@inline
export function bf16(v: f32): f32 {
  const bits = reinterpret<u32>(v);
  const magnitude = bits & 0x7fffffff;
  let r = (magnitude + 0x7fff + ((magnitude >> 16) & 1)) & 0xffff0000;
  if (r < 0x00800000) r = 0;
  if (magnitude > 0x7f800000) r = 0x7fc00000;
  return reinterpret<f32>(r | (bits & 0x80000000));
}

@inline
function roundBf16(v: v128): v128 {
  const magnitude = v128.and(v, i32x4.splat(0x7fffffff));
  const lsb = v128.and(i32x4.shr_u(magnitude, 16), i32x4.splat(1));
  let r = v128.and(i32x4.add(i32x4.add(magnitude, i32x4.splat(0x7fff)), lsb), i32x4.splat(0xffff0000));
  r = v128.and(r, i32x4.ge_u(r, i32x4.splat(0x00800000)));
  r = v128.bitselect(i32x4.splat(0x7fc00000), r, i32x4.gt_u(magnitude, i32x4.splat(0x7f800000)));
  return v128.or(r, v128.and(v, i32x4.splat(0x80000000)));
}

/** y = nearest bfloat16 of x. In place. */
export function bf16_round(x: usize, y: usize, n: i32): void {
  for (; n >= 4; n -= 4) {
    v128.store(y, roundBf16(v128.load(x)));
    x += 16;
    y += 16;
  }
  for (; n > 0; n--) {
    store<f32>(y, bf16(load<f32>(x)));
    x += 4;
    y += 4;
  }
}
