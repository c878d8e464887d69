// Linear interpolation of lowered float graphs: a + d*(b - a) down the columns, then along the rows, in float32, at positions
// that the host prepared. Definition: src/scalar/lowered-interp.ts.

import { loadSome, storeSome } from '../lanes';

/** Element before each output row and column, and how far beyond it; `scratch` holds one input row. */
export function lowered_interp(
  x: usize, y: usize, scratch: usize, planes: i32, ih: i32, iw: i32, oh: i32, ow: i32,
  rows: usize, rowDistances: usize, columns: usize, columnDistances: usize,
): void {
  for (; planes > 0; planes--) {
    for (let oy = 0; oy < oh; oy++) {
      const first = load<i32>(rows + (<usize>oy << 2));
      const top = x + (<usize>(first * iw) << 2);
      const bottom = first + 1 < ih ? top + (<usize>iw << 2) : top;
      down(top, bottom, scratch, iw, f32x4.splat(load<f32>(rowDistances + (<usize>oy << 2))));
      for (let ox = 0; ox < ow; ox++) {
        const at = load<i32>(columns + (<usize>ox << 2));
        const a = load<f32>(scratch + (<usize>at << 2));
        const b = load<f32>(scratch + (<usize>min(at + 1, iw - 1) << 2));
        store<f32>(y, a + load<f32>(columnDistances + (<usize>ox << 2)) * (b - a));
        y += 4;
      }
    }
    x += <usize>(ih * iw) << 2;
  }
}

@inline
function down(top: usize, bottom: usize, row: usize, n: i32, distance: v128): void {
  for (let i = 0; i < n; i += 4) {
    const at = <usize>i << 2;
    const count = min(4, n - i);
    const a = loadSome(top + at, count);
    storeSome(row + at, f32x4.add(a, f32x4.mul(distance, f32x4.sub(loadSome(bottom + at, count), a))), count);
  }
}
