// Largest elements of windows that may be dilated, and where they lie: scalar, for the layers that ask for it. Definition:
// src/scalar/f32-pool.ts.

export function f32_maxpool2d_places(
  x: usize, y: usize, places: usize, planes: i32, ih: i32, iw: i32, oh: i32, ow: i32, kh: i32, kw: i32, sh: i32, sw: i32,
  dh: i32, dw: i32, pt: i32, pl: i32, columnMajor: i32, lo: f32, hi: f32,
): void {
  const size = ih * iw;
  let start = 0;
  for (; planes > 0; planes--, start += size, x += <usize>size << 2) {
    for (let oy = 0; oy < oh; oy++) {
      for (let ox = 0; ox < ow; ox++) {
        let best: f32 = -Infinity;
        let place = -1;
        for (let r = 0; r < kh; r++) {
          const iy = oy * sh - pt + r * dh;
          if (<u32>iy >= <u32>ih) continue;
          for (let c = 0; c < kw; c++) {
            const ix = ox * sw - pl + c * dw;
            if (<u32>ix >= <u32>iw) continue;
            const v = load<f32>(x + (<usize>(iy * iw + ix) << 2));
            if (v > best || v != v) {
              best = v;
              place = start + (columnMajor ? ix * ih + iy : iy * iw + ix);
            }
          }
        }
        if (y != 0) {
          store<f32>(y, min<f32>(max<f32>(best, lo), hi));
          y += 4;
        }
        if (places != 0) {
          store<f32>(places, <f32>place);
          places += 4;
        }
      }
    }
  }
}
