// A plane copied with its padding and split into strideW phases (stride 2: even columns, then odd ones), so that every
// tap of neighbouring outputs is a plain vector load and the kernels know no borders. With one column of taps only one
// phase is read, with one row of taps only every strideH-th row: only those are copied.

/** Zeros, `floats` of them: the padding keeps them, each plane rewrites the rest. */
export function clearFloats(plane: usize, floats: i32): void {
  const zero = f32x4.splat(0);
  const end = plane + (<usize>floats << 2);
  for (; plane + 16 <= end; plane += 16) v128.store(plane, zero);
  for (; plane < end; plane += 4) store<f32>(plane, 0);
}

/**
 * plane[r][f][i] = x[r*step - pt][f - pl + i*sw] for `phases` phases of `phase` columns; pt < 0 skips rows. Rows without
 * input become zeros again: another band of rows may have been there.
 */
export function fillPlane(
  x: usize, plane: usize, ih: i32, iw: i32, height: i32, phase: i32, phases: i32, sw: i32, step: i32, pt: i32, pl: i32,
): void {
  const rowBytes = <usize>(phase * phases) << 2;
  const first = pt <= 0 ? 0 : min(height, (pt + step - 1) / step);
  const top = first * step - pt;
  const rows = top >= ih ? 0 : min((ih - 1 - top) / step + 1, height - first);
  clearFloats(plane, first * phase * phases);
  clearFloats(plane + <usize>(first + rows) * rowBytes, (height - first - rows) * phase * phases);
  if (sw == 2 && phases == 2) return fillPair(x + (<usize>(top * iw) << 2), plane + <usize>first * rowBytes, rows, iw, phase, step, pl);
  for (let f = 0; f < phases; f++) {
    const skipped = f < pl ? (pl - f + sw - 1) / sw : 0;
    const left = f - pl + skipped * sw;
    if (left >= iw) continue;
    const count = min(phase - skipped, (iw - 1 - left) / sw + 1);
    let from = x + (<usize>(top * iw + left) << 2);
    let to = plane + <usize>first * rowBytes + (<usize>(f * phase + skipped) << 2);
    for (let r = 0; r < rows; r++) {
      fillPhase(from, to, count, sw);
      from += <usize>(iw * step) << 2;
      to += rowBytes;
    }
  }
}

/** Even and odd columns in one pass over each row. */
function fillPair(x: usize, dst: usize, rows: i32, iw: i32, phase: i32, step: i32, pl: i32): void {
  // Column c of the input is column c + pl of the padded row: which phase, and where in it.
  const even = <usize>((pl & 1) * phase + (pl >> 1)) << 2;
  const odd = <usize>((~pl & 1) * phase + ((pl + 1) >> 1)) << 2;
  const evens = min((iw + 1) >> 1, phase - (pl >> 1));
  const odds = min(iw >> 1, phase - ((pl + 1) >> 1));
  const both = min(evens, odds) & ~3;
  const end = <usize>both << 2;
  const inBytes = <usize>(iw * step) << 2;
  const outBytes = <usize>phase << 3;
  for (; rows > 0; rows--, x += inBytes, dst += outBytes) {
    const e = dst + even, o = dst + odd;
    for (let at: usize = 0; at < end; at += 16) {
      const a = v128.load(x + at * 2), b = v128.load(x + at * 2, 16);
      v128.store(e + at, v128.shuffle<f32>(a, b, 0, 2, 4, 6));
      v128.store(o + at, v128.shuffle<f32>(a, b, 1, 3, 5, 7));
    }
    for (let i = both; i < evens; i++) store<f32>(e + (<usize>i << 2), load<f32>(x + (<usize>i << 3)));
    for (let i = both; i < odds; i++) store<f32>(o + (<usize>i << 2), load<f32>(x + (<usize>i << 3), 4));
  }
}

/** dst[i] = src[i*sw]; the last vector overlaps the one before. */
@inline
function fillPhase(src: usize, dst: usize, count: i32, sw: i32): void {
  if (count < 4 || sw > 2) {
    for (let i = 0; i < count; i++) store<f32>(dst + (<usize>i << 2), load<f32>(src + (<usize>(i * sw) << 2)));
    return;
  }
  const last = <usize>(count - 4) << 2;
  if (sw == 1) {
    for (let at: usize = 0; at < last; at += 16) v128.store(dst + at, v128.load(src + at));
    v128.store(dst + last, v128.load(src + last));
  } else {
    for (let at: usize = 0; at < last; at += 16) everyOther(src + at * 2, dst + at);
    everyOther(src + last * 2, dst + last);
  }
}

/** Seven floats hold four strided ones: x0 x1 x2 x3 and x3 x4 x5 x6; reading an eighth could leave the tensor. */
@inline
function everyOther(src: usize, dst: usize): void {
  v128.store(dst, v128.shuffle<f32>(v128.load(src), v128.load(src, 12), 0, 2, 5, 7));
}
