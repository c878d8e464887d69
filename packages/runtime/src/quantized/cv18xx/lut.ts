import { cvBf16Add, cvBf16Multiply, cvTruncBf16Bits, f32FromBf16Bits, roundToCvBf16, truncateToBf16 } from '@q/ir';
import { refuse } from '../../float/refuse.ts';
import type { Implementations, OpImplementation, PrepareContext } from '../../implementation.ts';

/** A function of one bfloat16. */
type Bf16Function = (x: number) => number;

/** Values and slopes, or exponents and mantissas: 256 bfloat16 each, as f32. */
interface Tables {
  readonly first: ArrayLike<number>;
  readonly second: ArrayLike<number>;
}

const HALF = 128;
const SIZE = 256;

/**
 * Interpolation in a table over [−R, R] (numerics.md 10): the index is the operand scaled to ±128 and truncated, the rest
 * goes along the slope; beyond the range the end slope extrapolates.
 */
export function slopeFunction({ first, second }: Tables, minRange: number, maxRange: number): Bf16Function {
  const scale = roundToCvBf16(Math.fround(SIZE / Math.fround(maxRange - minRange)));
  return (x) => {
    const scaled = cvBf16Multiply(cvBf16Add(x, -0), scale);
    const index = Math.min(Math.max(Math.trunc(scaled), -HALF), HALF - 1);
    const rest = roundToCvBf16(Math.fround(scaled - index));
    const at = index & (SIZE - 1);
    return cvBf16Add(first[at]!, cvBf16Multiply(rest, second[at]!));
  };
}

/** Index of the exponent of `x`: 1 for 2^−62; a second half for negative numbers, 0 for zero. */
function exponentIndex(x: number): number {
  if (x === 0) return 0;
  const exponent = Math.floor(Math.log2(Math.abs(x)));
  // Upstream reads outside of its table beyond these.
  return Math.min(Math.max(exponent + (x > 0 ? 63 : 191), 0), SIZE - 1);
}

/** A function of the exponent times (for a logarithm: plus) one of the mantissa. */
export function mantissaFunction({ first, second }: Tables, isLog: boolean): Bf16Function {
  const combine = isLog ? cvBf16Add : cvBf16Multiply;
  return (x) => combine(first[exponentIndex(x)]!, second[cvTruncBf16Bits(x) & 0xff]!);
}

/** The tables of two operands, which are weights. */
export function tablesOf(
  op: { readonly type: string; readonly name: string },
  context: PrepareContext,
  operand: number,
): Tables {
  const [first, second] = [context.constant(operand), context.constant(operand + 1)];
  if (first === undefined || second === undefined) return refuse(op, 'computed tables', 'weights');
  if (first.data.length !== SIZE || second.data.length !== SIZE) refuse(op, 'other tables', `${SIZE} entries`);
  return { first: first.data, second: second.data };
}

/** `f` of every bfloat16, by its bits: evaluated on demand, once per operand that occurs. */
export class Bf16Table {
  readonly #f: Bf16Function;
  readonly #values = new Float32Array(0x10000);
  readonly #known = new Uint8Array(0x10000);

  constructor(f: Bf16Function) {
    this.#f = f;
  }

  /** f of the bfloat16 with these 16 bits. */
  at(bits: number): number {
    if (this.#known[bits] === 0) {
      this.#values[bits] = this.#f(f32FromBf16Bits(bits));
      this.#known[bits] = 1;
    }
    return this.#values[bits]!;
  }
}

const lut: OpImplementation<'tpu.LutBF16'> = {
  prepare(op, context) {
    const { lutMode, minRange, maxRange } = op.attributes;
    const tables = tablesOf(op, context, 1);
    const isSlope = lutMode === 'Slope';
    const f = isSlope ? slopeFunction(tables, minRange, maxRange) : mantissaFunction(tables, lutMode === 'Log');
    const table = new Bf16Table(f);
    const [x, y] = [context.input(0), context.output()];
    return () => {
      const [from, to] = [x.f32(), y.f32()];
      const bits = new Uint32Array(from.buffer, from.byteOffset, from.length);
      // Operands are bfloat16 values by construction; what is not is taken as the tables' own arithmetic takes it.
      for (let i = 0; i < bits.length; i++) {
        const word = bits[i]!;
        to[i] = (word & 0xffff) === 0 ? table.at(word >>> 16) : f(isSlope ? from[i]! : truncateToBf16(from[i]!));
      }
    };
  },
};

export const lutImplementations: Implementations = { 'tpu.LutBF16': lut };
