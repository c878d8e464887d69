// The CPU operator `interp` of the CV18xx: linear resizing of planes in float32, by taps that the host prepared. Definition:
// src/scalar/cv18xx-interp.ts.

import { CvBlend } from '../op-codes';

/** Taps of an axis: first and second pixel int32, weights float32: 16 bytes each. */
export function cv_interp(
  blend: i32, x: usize, y: usize, planes: i32, ih: i32, iw: i32, oh: i32, ow: i32, rows: usize, columns: usize,
): void {
  for (; planes > 0; planes--) {
    for (let oy = 0; oy < oh; oy++) {
      const r = rows + (<usize>oy << 4);
      const upper = load<i32>(r), lower = load<i32>(r, 4);
      const top = x + (<usize>(upper * iw) << 2), bottom = x + (<usize>(lower * iw) << 2);
      const y0 = load<f32>(r, 8), y1 = load<f32>(r, 12);
      for (let ox = 0; ox < ow; ox++) {
        const c = columns + (<usize>ox << 4);
        const left = <usize>load<i32>(c) << 2, right = <usize>load<i32>(c, 4) << 2;
        const x0 = load<f32>(c, 8), x1 = load<f32>(c, 12);
        const p00 = load<f32>(top + left), p01 = load<f32>(top + right);
        const p10 = load<f32>(bottom + left), p11 = load<f32>(bottom + right);
        let v: f32;
        if (blend == CvBlend.rows) v = y0 * (x0 * p00 + x1 * p01) + y1 * (x0 * p10 + x1 * p11);
        else if (blend == CvBlend.whereNeeded && upper == lower) v = left == right ? p00 : p00 * x0 + p01 * x1;
        else if (blend == CvBlend.whereNeeded && left == right) v = p00 * y0 + p10 * y1;
        else v = x0 * y0 * p00 + x1 * y0 * p01 + x0 * y1 * p10 + x1 * y1 * p11;
        store<f32>(y, v);
        y += 4;
      }
    }
    x += <usize>(ih * iw) << 2;
  }
}
