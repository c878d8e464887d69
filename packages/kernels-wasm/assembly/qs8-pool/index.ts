// Largest code of a window, plane by plane: the row maxima of a window are taken first (a vector at a time), then the
// maxima along the row. Definition: src/scalar/qs8-pool.ts.

/** Bytes of `scratch` for `qs8_maxpool2d`. */
export function qs8_maxpool2d_scratch_bytes(iw: i32): usize {
  return <usize>(iw + 16);
}

/** Elements outside the input do not count; every window covers at least one element. */
export function qs8_maxpool2d(
  x: usize, signed: i32, y: usize, scratch: usize, planes: i32, ih: i32, iw: i32, oh: i32, ow: i32,
  kh: i32, kw: i32, sh: i32, sw: i32, pt: i32, pl: i32,
): void {
  for (let plane = 0; plane < planes; plane++) {
    for (let row = 0; row < oh; row++) {
      const top = max(row * sh - pt, 0);
      const bottom = min(row * sh - pt + kh, ih);
      maxRows(x + <usize>(top * iw), signed, scratch, iw, bottom - top);
      for (let column = 0; column < ow; column++) {
        const left = max(column * sw - pl, 0);
        const right = min(column * sw - pl + kw, iw);
        store<u8>(y, signed ? <u8>maxSigned(scratch, left, right) : <u8>maxUnsigned(scratch, left, right));
        y += 1;
      }
    }
    x += <usize>(ih * iw);
  }
}

function maxRows(x: usize, signed: i32, line: usize, width: i32, rows: i32): void {
  memory.copy(line, x, <usize>width);
  for (let row = 1; row < rows; row++) {
    x += <usize>width;
    let i = 0;
    for (; i + 16 <= width; i += 16) {
      const at = line + <usize>i;
      const a = v128.load(at);
      const b = v128.load(x + <usize>i);
      v128.store(at, signed ? i8x16.max_s(a, b) : i8x16.max_u(a, b));
    }
    for (; i < width; i++) {
      const at = line + <usize>i;
      const next = x + <usize>i;
      if (signed) store<i8>(at, max(load<i8>(at), load<i8>(next)));
      else store<u8>(at, max(load<u8>(at), load<u8>(next)));
    }
  }
}

function maxSigned(line: usize, left: i32, right: i32): i32 {
  let best: i32 = load<i8>(line + <usize>left);
  for (let i = left + 1; i < right; i++) best = max(best, <i32>load<i8>(line + <usize>i));
  return best;
}

function maxUnsigned(line: usize, left: i32, right: i32): i32 {
  let best: i32 = load<u8>(line + <usize>left);
  for (let i = left + 1; i < right; i++) best = max(best, <i32>load<u8>(line + <usize>i));
  return best;
}
