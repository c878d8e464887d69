import { roundBf16 } from './float16.ts';

/** How a row's numbers are rounded (numerics.md 10, 11); see `NormSteps`. */
export type NormRounding = 'float' | 'bf16' | 'bf16Plain';

const f = Math.fround;

export interface NormRows {
  /** Elements that are normalized together. */
  readonly inner: number;
  readonly eps: number;
  /** Whether the mean is taken off. */
  readonly centred: boolean;
  readonly rounding: NormRounding;
}

/** The mean of a row, and what its distances are multiplied with (or, `divides`, divided by). */
type Statistics = (row: Float32Array) => readonly [mean: number, factor: number];

function floatStatistics({ inner, eps, centred }: NormRows): Statistics {
  return (row) => {
    let sum = 0;
    if (centred) for (let i = 0; i < inner; i++) sum = f(sum + row[i]!);
    const mean = f(sum / inner);
    let squares = 0;
    for (let i = 0; i < inner; i++) {
      const distance = f(row[i]! - mean);
      squares = f(squares + f(distance * distance));
    }
    const deviation = f(Math.sqrt(f(f(squares / inner) + f(eps))));
    return [mean, centred ? f(1 / deviation) : deviation];
  };
}

/** Upstream rounds the terms, the root and the quotient in LayerNorm, not in GroupNorm. */
function bf16Statistics({ inner, eps, centred, rounding }: NormRows): Statistics {
  const round = roundBf16;
  const late = rounding === 'bf16' ? round : f;
  const average = round(f(1 / inner));
  return (row) => {
    let sum = 0;
    if (centred) for (let i = 0; i < inner; i++) sum = f(sum + f(row[i]! * average));
    const mean = round(sum);
    let squares = 0;
    for (let i = 0; i < inner; i++) {
      const distance = round(f(row[i]! - mean));
      squares = f(squares + late(f(round(f(distance * distance)) * average)));
    }
    const variance = round(f(round(squares) + round(f(eps))));
    return [mean, late(f(1 / late(f(Math.sqrt(variance)))))];
  };
}

/** (x - mean) / deviation of every row of `inner` elements: the definition of `lowered_normalize`. */
export function loweredNormalize(x: Float32Array, rows: NormRows): Float32Array {
  const isFloat = rows.rounding === 'float';
  const statistics = isFloat ? floatStatistics(rows) : bf16Statistics(rows);
  const round = isFloat ? f : roundBf16;
  const divides = isFloat && !rows.centred;
  const y = new Float32Array(x.length);
  for (let at = 0; at < x.length; at += rows.inner) {
    const row = x.subarray(at, at + rows.inner);
    const [mean, factor] = statistics(row);
    row.forEach((value, i) => {
      const centre = round(f(value - mean));
      y[at + i] = round(f(divides ? centre / factor : centre * factor));
    });
  }
  return y;
}
