// Softmax over codes: powers come from a table (numerics.md 7.7). Definition: src/scalar/qs8-softmax.ts.

@inline
function code(p: usize, signed: i32): i32 {
  return signed ? <i32>load<i8>(p) : <i32>load<u8>(p);
}

@inline
function power(powers: usize, distance: i32): f32 {
  return load<f32>(powers + (<usize>distance << 2));
}

/**
 * y = clamp(round(power / (sum * scale)) + zero) over the middle of [outer, axis, inner]; powers[d] belongs to a code d below
 * the largest; sums in order in float32. Half away from zero for signed results, else trunc(p + 0.5).
 */
export function qs8_softmax(
  x: usize, signed: i32, powers: usize, y: usize, outer: i32, axis: i32, inner: i32, scale: f32, ySigned: i32, zero: i32,
  lo: i32, hi: i32,
): void {
  for (let o = 0; o < outer; o++) {
    for (let i: usize = 0; i < <usize>inner; i++) {
      column(x + i, signed, powers, y + i, axis, inner, scale, ySigned, zero, lo, hi);
    }
    x += <usize>(axis * inner);
    y += <usize>(axis * inner);
  }
}

function column(
  x: usize, signed: i32, powers: usize, y: usize, axis: i32, step: usize, scale: f32, ySigned: i32, zero: i32, lo: i32,
  hi: i32,
): void {
  const end = x + <usize>axis * step;
  let top = code(x, signed);
  for (let at = x + step; at < end; at += step) top = max(top, code(at, signed));
  let sum: f32 = 0;
  for (let at = x; at < end; at += step) sum += power(powers, top - code(at, signed));
  const divisor = sum * scale;
  for (let at = x; at < end; at += step) {
    const p = power(powers, top - code(at, signed)) / divisor;
    store<u8>(y, <u8>finish(p, ySigned, zero, lo, hi));
    y += step;
  }
}

/** Shares are not negative; what no int64 holds becomes the lowest code. */
@inline
function finish(p: f32, ySigned: i32, zero: i32, lo: i32, hi: i32): i32 {
  let whole = floor<f32>(p);
  // Beyond 2^22 float32 has no halves, and p + 0.5 is exact in float64 anyway.
  if (p - whole >= 0.5) whole += 1;
  if (ySigned && !(whole < 9223372036854775808.0)) return lo;
  return <i32>min<f64>(max<f64>(<f64>whole + <f64>zero, <f64>lo), <f64>hi);
}
