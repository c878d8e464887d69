// Largest code of a window, plane by plane: the row maxima of a window are taken first into a line with the padding of the
// plane, then the maxima along the line, sixteen columns at a time; strides of two pick every other one.
// Definition: src/scalar/qs8-pool.ts.

/** Bytes of a line: the padded row, and what vectors reach past it. */
@inline
function lineBytes(iw: i32, ow: i32, kw: i32, sw: i32, pl: i32): usize {
  return <usize>(max(pl + iw, (ow - 1) * sw + kw) + 48);
}

/** Bytes of `scratch` for `qs8_maxpool2d`. */
export function qs8_maxpool2d_scratch_bytes(iw: i32, ow: i32, kw: i32, strideW: i32, padLeft: i32): usize {
  return 2 * lineBytes(iw, ow, kw, strideW, padLeft);
}

/** Elements outside the input do not count; every window covers at least one element. */
export function qs8_maxpool2d(
  x: usize, signed: i32, y: usize, scratch: usize, planes: i32, ih: i32, iw: i32, oh: i32, ow: i32,
  kh: i32, kw: i32, sh: i32, sw: i32, pt: i32, pl: i32,
): void {
  const bytes = lineBytes(iw, ow, kw, sw, pl);
  const lowest = i8x16.splat(signed ? -128 : 0);
  const wide = scratch + bytes;
  // The smallest code everywhere: a row touches only its own columns.
  for (let i: usize = 0; i < bytes - 15; i += 16) v128.store(scratch + i, lowest);
  v128.store(wide - 16, lowest);
  for (let plane = 0; plane < planes; plane++) {
    for (let row = 0; row < oh; row++) {
      const top = max(row * sh - pt, 0);
      const bottom = min(row * sh - pt + kh, ih);
      maxRows(x + <usize>(top * iw), signed, scratch + <usize>pl, iw, bottom - top);
      maxColumns(scratch, signed, sw == 1 ? y : wide, wide, y, ow, kw, sw);
      y += <usize>ow;
    }
    x += <usize>(ih * iw);
  }
}

@inline
function larger(a: v128, b: v128, signed: i32): v128 {
  return signed ? i8x16.max_s(a, b) : i8x16.max_u(a, b);
}

function maxRows(x: usize, signed: i32, line: usize, width: i32, rows: i32): void {
  let i = 0;
  for (; i + 16 <= width; i += 16) {
    let p = x + <usize>i;
    let best = v128.load(p);
    for (let row = 1; row < rows; row++) {
      p += <usize>width;
      best = larger(best, v128.load(p), signed);
    }
    v128.store(line + <usize>i, best);
  }
  for (; i < width; i++) {
    let p = x + <usize>i;
    let best: i32 = signed ? <i32>load<i8>(p) : <i32>load<u8>(p);
    for (let row = 1; row < rows; row++) {
      p += <usize>width;
      best = max(best, signed ? <i32>load<i8>(p) : <i32>load<u8>(p));
    }
    store<u8>(line + <usize>i, <u8>best);
  }
}

/** Maxima of `kw` neighbours for every column of the line (`wide`), then every `sw`-th of them into y. */
function maxColumns(line: usize, signed: i32, to: usize, wide: usize, y: usize, ow: i32, kw: i32, sw: i32): void {
  const columns = (ow - 1) * sw + 1;
  for (let i = 0; i < columns; i += 16) {
    const at = line + <usize>i;
    let best = v128.load(at);
    for (let q = 1; q < kw; q++) best = larger(best, v128.load(at + <usize>q), signed);
    if (sw > 1 || columns - i >= 16) {
      v128.store(to + <usize>i, best);
    } else {
      v128.store(wide, best);
      for (let c = i; c < columns; c++) store<u8>(y + <usize>c, load<u8>(wide + <usize>(c - i)));
    }
  }
  if (sw == 1) return;
  let column = 0;
  if (sw == 2) {
    const byte = i16x8.splat(255);
    for (; column + 16 <= ow; column += 16) {
      const at = wide + (<usize>column << 1);
      const even = i8x16.narrow_i16x8_u(v128.and(v128.load(at), byte), v128.and(v128.load(at, 16), byte));
      v128.store(y + <usize>column, even);
    }
  }
  for (; column < ow; column++) store<u8>(y + <usize>column, load<u8>(wide + <usize>(column * sw)));
}
