import type { GridModeName } from '../op-codes.ts';

export interface GridSample {
  readonly batch: number;
  readonly channels: number;
  readonly ih: number;
  readonly iw: number;
  readonly mode: GridModeName;
  readonly padding: 'zeros' | 'border' | 'reflection';
  readonly alignCorners: boolean;
}

type AxisRule = Pick<GridSample, 'mode' | 'padding' | 'alignCorners'> & { readonly length: number };

/** Weights of the four neighbours of a cubic sample, A = −0.75, at the fraction t. */
function cubicWeights(t: number): number[] {
  const a = -0.75;
  const near = (x: number) => ((a + 2) * x - (a + 3)) * x * x + 1;
  const far = (x: number) => ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return [far(1 + t), near(t), near(1 - t), far(2 - t)];
}

/** Folds a coordinate back into [low, high] at both ends. */
function reflect(x: number, low: number, high: number): number {
  const span = high - low;
  if (span <= 0) return 0;
  const distance = Math.abs(x - low);
  const turns = Math.floor(distance / span);
  const rest = distance - turns * span;
  return turns % 2 === 0 ? low + rest : high - rest;
}

/** Where a coordinate reads: border clamps, reflection folds; zeros leaves it outside. */
function padded(x: number, { length, alignCorners, padding }: AxisRule): number {
  if (padding === 'zeros') return x;
  const folded = padding === 'border' ? x : alignCorners ? reflect(x, 0, length - 1) : reflect(x, -0.5, length - 0.5);
  return Math.min(Math.max(folded, 0), length - 1);
}

/** Ties go to the even neighbour. */
function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  if (x - floor !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** Positions and weights of one axis. */
function tapsOf(g: number, rule: AxisRule): (readonly [at: number, weight: number])[] {
  const { length, alignCorners, mode } = rule;
  const raw = alignCorners ? ((g + 1) / 2) * (length - 1) : ((g + 1) * length - 1) / 2;
  if (mode === 'cubic') {
    const first = Math.floor(raw);
    return cubicWeights(raw - first).map((weight, k) => [Math.round(padded(first + k - 1, rule)), weight]);
  }
  const x = padded(raw, rule);
  if (mode === 'nearest') return [[roundHalfEven(x), 1]];
  const first = Math.floor(x);
  return [
    [first, 1 - (x - first)],
    [first + 1, x - first],
  ];
}

/** y [batch, channels, cells] at grid [batch, cells, 2]: in float64, columns before rows, taps outside left out. */
export function gridSample(x: Float32Array, grid: Float32Array, s: GridSample): Float32Array {
  const cells = grid.length / (2 * s.batch);
  const y = new Float32Array(s.batch * s.channels * cells);
  const existing = (g: number, length: number) =>
    tapsOf(g, { ...s, length }).filter(([at, weight]) => weight !== 0 && at >= 0 && at < length);
  for (let n = 0; n < s.batch; n++) {
    for (let cell = 0; cell < cells; cell++) {
      const place = 2 * (n * cells + cell);
      const [columns, rows] = [existing(grid[place]!, s.iw), existing(grid[place + 1]!, s.ih)];
      for (let c = 0; c < s.channels; c++) {
        const base = (n * s.channels + c) * s.ih * s.iw;
        let sum = 0;
        for (const [row, weight] of rows) {
          let inner = 0;
          for (const [column, share] of columns) inner += share * x[base + row * s.iw + column]!;
          sum += weight * inner;
        }
        y[(n * s.channels + c) * cells + cell] = sum;
      }
    }
  }
  return y;
}
