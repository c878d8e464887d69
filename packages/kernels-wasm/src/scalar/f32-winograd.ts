import { clamp } from './clamp.ts';

const f = Math.fround;
/** Points of the transforms: 0, ±√½, ±√2 and infinity. */
const ROOT_HALF = f(Math.SQRT1_2);
const ROOT_TWO = f(Math.SQRT2);
/** Rows and columns of an input tile. */
const SIDE = 6;

type Six = readonly [number, number, number, number, number, number];

/** A 3x3 convolution with stride 1, no dilation and one group. Pads are zeros. */
export interface WinogradShape {
  readonly n: number;
  readonly ic: number;
  readonly ih: number;
  readonly iw: number;
  readonly oc: number;
  readonly padTop: number;
  readonly padLeft: number;
  readonly padBottom: number;
  readonly padRight: number;
}

/** G g: [[1, 0, 0], (-2/3)[1, ±√½, ½], (1/6)[1, ±√2, 2], [0, 0, 1]] times a column of three, in float64. */
function filterColumn(a: number, b: number, c: number): Six {
  const [near, far] = [Math.SQRT1_2 * b, Math.SQRT2 * b];
  const [nearEven, farEven] = [a + 0.5 * c, a + 2 * c];
  return [a, (nearEven + near) / -1.5, (nearEven - near) / -1.5, (farEven + far) / 6, (farEven - far) / 6, c];
}

/** Bᵀ d in float32. */
function inputColumn(d: Six): Six {
  const even = f(d[4] + f(-2 * d[2]));
  const odd = f(ROOT_HALF * f(d[3] + f(-2 * d[1])));
  const farEven = f(d[4] + f(-0.5 * d[2]));
  const farOdd = f(ROOT_TWO * f(d[3] + f(-0.5 * d[1])));
  return [
    f(f(d[4] + f(-2.5 * d[2])) + d[0]),
    f(even + odd),
    f(even - odd),
    f(farEven + farOdd),
    f(farEven - farOdd),
    f(f(d[5] + f(-2.5 * d[3])) + d[1]),
  ];
}

/** Aᵀ m in float32. */
function outputColumn(m: Six): readonly [number, number, number, number] {
  const [sum, difference] = [f(m[1] + m[2]), f(m[1] - m[2])];
  const [farSum, farDifference] = [f(m[3] + m[4]), f(m[3] - m[4])];
  return [
    f(f(m[0] + sum) + farSum),
    f(ROOT_HALF * f(difference + f(2 * farDifference))),
    f(f(0.5 * sum) + f(2 * farSum)),
    f(m[5] + f(ROOT_HALF * f(f(0.5 * difference) + f(4 * farDifference)))),
  ];
}

/** Six numbers, `step` apart. */
function column(values: ArrayLike<number>, start: number, step: number): Six {
  const at = (i: number): number => values[start + i * step]!;
  return [at(0), at(1), at(2), at(3), at(4), at(5)];
}

/** Six columns as rows of six. */
function fromColumns(columns: readonly (readonly number[])[]): Float32Array {
  return Float32Array.from({ length: columns[0]!.length * SIDE }, (_, at) => columns[at % SIDE]![(at / SIDE) | 0]!);
}

/** G g Gᵀ of one filter: 36 numbers, each rounded to float32 once. */
function transformFilter(w: Float32Array, at: number): Float32Array {
  const columns = [0, 1, 2].map((j) => filterColumn(w[at + j]!, w[at + 3 + j]!, w[at + 6 + j]!));
  const u = new Float32Array(SIDE * SIDE);
  for (let i = 0; i < SIDE; i++) u.set(filterColumn(columns[0]![i]!, columns[1]![i]!, columns[2]![i]!), i * SIDE);
  return u;
}

/** Bᵀ d B of one tile, rows before columns. */
function transformInput(d: Float32Array): Float32Array {
  const halves = new Float32Array(SIDE * SIDE);
  for (let i = 0; i < SIDE; i++) halves.set(inputColumn(column(d, i * SIDE, 1)), i * SIDE);
  return fromColumns(Array.from({ length: SIDE }, (_, j) => inputColumn(column(halves, j, SIDE))));
}

/** Aᵀ m A of one tile, columns before rows: sixteen outputs. */
function transformSums(m: Float32Array): Float32Array {
  const halves = fromColumns(Array.from({ length: SIDE }, (_, j) => outputColumn(column(m, j, SIDE))));
  const y = new Float32Array(16);
  for (let i = 0; i < 4; i++) y.set(outputColumn(column(halves, i * SIDE, 1)), 4 * i);
  return y;
}

/** The input under the tile whose first output is (top, left); padding is 0. */
function tileAt(x: Float32Array, plane: number, s: WinogradShape, top: number, left: number): Float32Array {
  const d = new Float32Array(SIDE * SIDE);
  for (let i = 0; i < SIDE; i++) {
    for (let j = 0; j < SIDE; j++) {
      const [row, col] = [top + i - s.padTop, left + j - s.padLeft];
      const inside = row >= 0 && row < s.ih && col >= 0 && col < s.iw;
      d[i * SIDE + j] = inside ? x[(plane * s.ih + row) * s.iw + col]! : 0;
    }
  }
  return d;
}

/**
 * Winograd's F(4x4, 3x3): per tile of 4x4 outputs the sum over ic, ascending from 0, of (G w Gᵀ) times (Bᵀ x B), element by
 * element, product and sum each rounded to float32; Aᵀ sum A; then the bias is added and the result clamped. Answers
 * [n, oc, oh, ow]. Lavin and Gray (2015), section 4.1.
 */
export function winograd(
  x: Float32Array,
  w: Float32Array,
  bias: Float32Array | undefined,
  s: WinogradShape,
  lo = -Infinity,
  hi = Infinity,
): Float32Array {
  const [oh, ow] = [s.ih + s.padTop + s.padBottom - 2, s.iw + s.padLeft + s.padRight - 2];
  const filters = Array.from({ length: s.oc * s.ic }, (_, at) => transformFilter(w, 9 * at));
  const y = new Float32Array(s.n * s.oc * oh * ow);
  for (let n = 0; n < s.n; n++) {
    for (let top = 0; top < oh; top += 4) {
      for (let left = 0; left < ow; left += 4) {
        const inputs = Array.from({ length: s.ic }, (_, c) => transformInput(tileAt(x, n * s.ic + c, s, top, left)));
        for (let oc = 0; oc < s.oc; oc++) {
          const outputs = transformSums(sumOfProducts(filters, inputs, oc * s.ic));
          for (let i = 0; i < 4 && top + i < oh; i++) {
            for (let j = 0; j < 4 && left + j < ow; j++) {
              const value = f(outputs[4 * i + j]! + (bias?.[oc] ?? 0));
              y[((n * s.oc + oc) * oh + top + i) * ow + left + j] = clamp(value, lo, hi);
            }
          }
        }
      }
    }
  }
  return y;
}

function sumOfProducts(filters: readonly Float32Array[], inputs: readonly Float32Array[], first: number): Float32Array {
  const sums = new Float32Array(SIDE * SIDE);
  inputs.forEach((v, c) => {
    const u = filters[first + c]!;
    for (let p = 0; p < sums.length; p++) sums[p] = f(sums[p]! + f(u[p]! * v[p]!));
  });
  return sums;
}
