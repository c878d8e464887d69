// Images read at computed places: ONNX GridSample of images, in float64 as its definition (src/scalar/f32-sample.ts). What an axis
// contributes is found once for all channels.
import { GridMode } from '../op-codes';

const BORDER: i32 = 1;
const REFLECTION: i32 = 2;

/** Taps of an axis: four positions (int32), then four weights (float64). */
const ROWS: usize = memory.data(48, 16);
const COLUMNS: usize = memory.data(48, 16);

export function f32_grid_sample(
  x: usize, grid: usize, y: usize, batch: i32, channels: i32, ih: i32, iw: i32, cells: i32, mode: i32, padding: i32,
  alignCorners: i32,
): void {
  const plane = <usize>(ih * iw) << 2;
  for (; batch > 0; batch--) {
    for (let cell = 0; cell < cells; cell++) {
      const rows = storeTaps(ROWS, <f64>load<f32>(grid, 4), ih, mode, padding, alignCorners);
      const columns = storeTaps(COLUMNS, <f64>load<f32>(grid), iw, mode, padding, alignCorners);
      let from = x;
      let to = y + (<usize>cell << 2);
      for (let c = 0; c < channels; c++) {
        store<f32>(to, <f32>blend(from, iw, rows, columns));
        from += plane;
        to += <usize>cells << 2;
      }
      grid += 8;
    }
    x += <usize>channels * plane;
    y += <usize>(channels * cells) << 2;
  }
}

function blend(x: usize, iw: i32, rows: i32, columns: i32): f64 {
  let sum: f64 = 0;
  for (let r = 0; r < rows; r++) {
    const row = x + (<usize>(load<i32>(ROWS + (<usize>r << 2)) * iw) << 2);
    let inner: f64 = 0;
    for (let c = 0; c < columns; c++) {
      const value = load<f32>(row + (<usize>load<i32>(COLUMNS + (<usize>c << 2)) << 2));
      inner += load<f64>(COLUMNS + (<usize>c << 3), 16) * <f64>value;
    }
    sum += load<f64>(ROWS + (<usize>r << 3), 16) * inner;
  }
  return sum;
}

// The taps that `addTap` has stored.
let count: i32 = 0;

/** Positions that exist, with weights other than 0, of the grid's coordinate `g`; answers how many. */
function storeTaps(taps: usize, g: f64, length: i32, mode: i32, padding: i32, alignCorners: i32): i32 {
  const size = <f64>length;
  const raw = alignCorners ? ((g + 1) / 2) * (size - 1) : ((g + 1) * size - 1) / 2;
  count = 0;
  if (mode == GridMode.cubic) {
    const first = floor(raw);
    for (let step = -1; step < 3; step++) {
      const at = pad(first + <f64>step, size, padding, alignCorners);
      addTap(taps, nearest(at), cubic(abs(raw - first - <f64>step), step == -1 || step == 2), size);
    }
    return count;
  }
  const at = pad(raw, size, padding, alignCorners);
  if (mode == GridMode.nearest) addTap(taps, nearest(at), 1, size);
  else {
    const first = floor(at);
    addTap(taps, first, 1 - (at - first), size);
    addTap(taps, first + 1, at - first, size);
  }
  return count;
}

function addTap(taps: usize, at: f64, weight: f64, size: f64): void {
  if (weight == 0 || !(at >= 0 && at < size)) return;
  store<i32>(taps + (<usize>count << 2), <i32>at);
  store<f64>(taps + (<usize>count << 3), weight, 16);
  count++;
}

/** A = -0.75. */
function cubic(t: f64, isFar: bool): f64 {
  const a: f64 = -0.75;
  return isFar ? ((a * t - 5 * a) * t + 8 * a) * t - 4 * a : ((a + 2) * t - (a + 3)) * t * t + 1;
}

/** Border clamps, reflection folds; zeros leaves a coordinate outside. */
function pad(x: f64, size: f64, padding: i32, alignCorners: i32): f64 {
  if (padding == BORDER) return min(max(x, 0), size - 1);
  if (padding != REFLECTION) return x;
  return min(max(alignCorners ? reflect(x, 0, size - 1) : reflect(x, -0.5, size - 0.5), 0), size - 1);
}

function reflect(x: f64, low: f64, high: f64): f64 {
  const span = high - low;
  if (span <= 0) return 0;
  const distance = abs(x - low);
  const turns = floor(distance / span);
  const rest = distance - turns * span;
  return turns / 2 == floor(turns / 2) ? low + rest : high - rest;
}
