// int32 to codes outside of a layer's own finish, four at a time: multiplier and rounding shift, and the QDM of the CV18xx by
// channel. Definition: src/scalar/requant.ts.

/** A multiplier with its left shift folded in; what leaves 32 bits saturates, as the final clamp would anyway. */
@inline
export function foldLeftShift(multiplier: i32, rshift: i32): i32 {
  if (rshift >= 0) return multiplier;
  const wide = <i64>multiplier << <i64>min(-rshift, 31);
  return wide > <i64>i32.MAX_VALUE ? i32.MAX_VALUE : wide < -(<i64>i32.MAX_VALUE) ? -i32.MAX_VALUE : <i32>wide;
}

/**
 * Codes of `n` int32: (x*multiplier) >> rshift + zero, clamped, stored with `size` bytes. `away` 1 rounds half away from
 * zero, 0 half up. `rshift` < 0 is a left shift.
 */
export function requant_x32(
  x: usize, y: usize, size: i32, n: i32, multiplier: i32, rshift: i32, away: i32, zeroPoint: i32, low: i32, high: i32,
): void {
  const m = i32x4.splat(foldLeftShift(multiplier, rshift));
  const shift = min(max(rshift, 0), 63);
  // Shifting by nothing rounds nothing, so the sign must not be taken off either.
  const half = i64x2.splat(shift > 0 ? <i64>1 << <i64>(shift - 1) : 0);
  const sign = i64x2.splat(away && shift > 0 ? -1 : 0);
  const zero = i64x2.splat(<i64>zeroPoint);
  const lo = i64x2.splat(<i64>low);
  const hi = i64x2.splat(<i64>high);
  for (; n > 0; n -= 4) {
    const v = loadWords(x, n);
    const a = scale2(i64x2.extmul_low_i32x4_s(v, m), half, sign, shift, zero, lo, hi);
    const b = scale2(i64x2.extmul_high_i32x4_s(v, m), half, sign, shift, zero, lo, hi);
    storeCodes(y, v128.shuffle<i32>(a, b, 0, 2, 4, 6), size, n);
    x += 16;
    y += <usize>size << 2;
  }
}

function scale2(product: v128, half: v128, sign: v128, shift: i32, zero: v128, lo: v128, hi: v128): v128 {
  const negative = v128.and(i64x2.lt_s(product, i64x2.splat(0)), sign);
  const r = i64x2.add(i64x2.shr_s(i64x2.add(i64x2.add(product, half), negative), shift), zero);
  const raised = v128.bitselect(lo, r, i64x2.lt_s(r, lo));
  return v128.bitselect(hi, raised, i64x2.gt_s(raised, hi));
}

/** y = clamp of QDM of x int32 over [outer, channels, inner], a multiplier (not -2^31) and a shift (0…31, or left) per channel. */
export function requant_qdm_channels(
  x: usize, y: usize, outer: i32, channels: i32, inner: i32, multipliers: usize, shifts: usize, lo: i32, hi: i32,
): void {
  for (; outer > 0; outer--) {
    for (let c: usize = 0; c < <usize>channels; c++) {
      qdmRow(x, y, inner, load<i32>(multipliers + (c << 2)), load<i32>(shifts + (c << 2)), i32x4.splat(lo), i32x4.splat(hi));
      x += <usize>inner << 2;
      y += <usize>inner;
    }
  }
}

/** x*m / 2^31 half up, then shifted right half away from zero; a left shift comes first and wraps. */
function qdmRow(x: usize, y: usize, n: i32, multiplier: i32, shift: i32, lo: v128, hi: v128): void {
  const m = i32x4.splat(multiplier);
  const half = i64x2.splat(1 << 30);
  const left = max(-shift, 0);
  for (; n > 0; n -= 4) {
    const v = i32x4.shl(loadWords(x, n), left);
    const a = i64x2.shr_u(i64x2.add(i64x2.extmul_low_i32x4_s(v, m), half), 31);
    const b = i64x2.shr_u(i64x2.add(i64x2.extmul_high_i32x4_s(v, m), half), 31);
    let r = v128.shuffle<i32>(a, b, 0, 2, 4, 6);
    if (shift > 0) {
      // A half away from zero is a half up of what lies one lower below 0.
      const doubled = i32x4.shr_s(i32x4.add(r, i32x4.shr_s(r, 31)), shift - 1);
      r = i32x4.shr_s(i32x4.add(doubled, i32x4.splat(1)), 1);
    }
    storeCodes(y, i32x4.min_s(i32x4.max_s(r, lo), hi), 1, n);
    x += 16;
    y += 4;
  }
}

/** Four words, or the `n` that are left, the first repeated. */
@inline
function loadWords(x: usize, n: i32): v128 {
  if (n >= 4) return v128.load(x);
  let v = v128.load32_splat(x);
  if (n > 1) v = v128.load32_lane(x, v, 1, 4);
  if (n > 2) v = v128.load32_lane(x, v, 2, 8);
  return v;
}

/** The low 1, 2 or 4 bytes of up to four words. */
@inline
function storeCodes(y: usize, words: v128, size: i32, n: i32): void {
  if (n >= 4) {
    if (size == 1) {
      v128.store32_lane(y, v128.shuffle<i8>(words, words, 0, 4, 8, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), 0);
    } else if (size == 2) {
      v128.store64_lane(y, v128.shuffle<i16>(words, words, 0, 2, 4, 6, 0, 0, 0, 0), 0);
    } else v128.store(y, words);
    return;
  }
  storeCode(y, i32x4.extract_lane(words, 0), size);
  if (n > 1) storeCode(y + <usize>size, i32x4.extract_lane(words, 1), size);
  if (n > 2) storeCode(y + <usize>(2 * size), i32x4.extract_lane(words, 2), size);
}

function storeCode(y: usize, code: i32, size: i32): void {
  if (size == 1) store<u8>(y, <u8>code);
  else if (size == 2) store<u16>(y, <u16>code);
  else store<i32>(y, code);
}
