import type { Tensor } from '@q/ir';
import { pythonFloat } from '@q/search';

/** One element as Python prints a numpy scalar. */
export function elementText({ dtype, data }: Tensor, at: number): string {
  const value = data[at]!;
  if (dtype === 'f32') return singleText(Number(value));
  return dtype === 'f64' ? pythonFloat(Number(value)) : String(value);
}

/** The fewest digits that give the same float32 again. */
export function singleText(value: number): string {
  if (!Number.isFinite(value)) return pythonFloat(value);
  for (let digits = 1; digits < 9; digits++) {
    const candidate = Number(value.toPrecision(digits));
    if (Math.fround(candidate) === value) return pythonFloat(Object.is(value, -0) ? -0 : candidate);
  }
  return pythonFloat(Number(value.toPrecision(9)));
}
