import { type Precision, QError } from '@q/ir';
import type { Tolerance } from '@q/search';
import type { Arguments } from '../arguments/arguments.ts';

/** Least similarity to the reference by mode (cli.md 7.1); the other modes have none. */
const DEFAULTS: Readonly<Partial<Record<Precision, Tolerance>>> = {
  INT8: [0.9, 0.8],
  W8F16: [0.9, 0.8],
  W8BF16: [0.9, 0.8],
  W4F16: [0.9, 0.8],
  W4BF16: [0.9, 0.8],
  F16: [0.99, 0.9],
  BF16: [0.99, 0.9],
  F32: [0.99, 0.99],
};

/** `--tolerance`, or the default of the mode. */
export function readTolerance(args: Arguments, precision: Precision): Tolerance {
  const given = pairOf(args, 'tolerance') ?? DEFAULTS[precision];
  if (given !== undefined) return given;
  throw new QError(`Please set the tolerance for quantization type: ${precision.toLowerCase()}`, {
    code: 'cli.missing-flag',
    where: '--tolerance',
    expected: 'two numbers: cosine,euclidean',
    hint: `what ${precision} loses depends on the network; there is no default`,
  });
}

/** `--correctness`, or its default. */
export function readCorrectness(args: Arguments): Tolerance {
  return (
    pairOf(args, 'correctness') ?? (args.optionalString('quantize_table') === undefined ? [0.99, 0.9] : [0.98, 0.8])
  );
}

/** Two numbers of a flag, if it was given. */
export function pairOf(args: Arguments, flag: string): Tolerance | undefined {
  const given = args.numbers(flag);
  if (given === undefined) return undefined;
  if (given.length === 2) return [given[0]!, given[1]!];
  throw new QError(`--${flag} has ${given.length} numbers`, {
    code: 'cli.bad-flag-value',
    where: `--${flag}`,
    found: given.join(','),
    expected: 'two numbers: cosine,euclidean',
  });
}
