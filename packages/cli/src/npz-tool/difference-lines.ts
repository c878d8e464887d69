import type { TensorComparison } from '@q/search';
import { singleText } from './element-text.ts';

const LARGEST = 10;
/** Tolerances of the list of differing elements. */
const DIFFERENT = 1e-3;

/** Shares of saturated, zero and small codes, which the original shows of every int8 target. */
export function int8Lines({ elementType, data }: TensorComparison): string[] {
  if (elementType !== 'int8' || data === undefined) return [];
  const [codes] = data;
  const count = (holds: (code: number) => boolean): string => {
    let found = 0;
    for (let at = 0; at < codes.length; at++) if (holds(codes[at]!)) found++;
    return `${(found / codes.length).toFixed(4)}  [${found}/${codes.length}]`;
  };
  // numpy's abs(-128) of an int8 is -128, which is small.
  return [
    `    pos(x=127)    = ${count((code) => code === 127)}`,
    `    neg(x=-128)   = ${count((code) => code === -128)}`,
    `    zeros(x=0)    = ${count((code) => code === 0)}`,
    `    low(abs(x)<8) = ${count((code) => Math.abs(code) <= 8 || code === -128)}`,
  ];
}

/** What `-vv`, `-vvv` and `-vvvv` add for a tensor that failed. */
export function differenceLines({ match, elementType, data }: TensorComparison, verbose: number): string[] {
  if (match.passed || data === undefined || verbose < 2) return [];
  const text = elementType === 'float32' ? singleText : String;
  const [target, reference] = data;
  return [
    ...largestLines([target, reference], text, elementType === 'int8'),
    ...(verbose > 2 && match.status !== 'NOT_EQUAL' ? differing(target, reference, text) : []),
    ...(verbose > 3 ? allLines(target, reference, text) : []),
  ];
}

type Elements = ArrayLike<number>;
type ElementText = (value: number) => string;

function largestLines(data: readonly [Elements, Elements], text: ElementText, isInt8: boolean): string[] {
  const [target, reference] = data;
  const [ours, theirs] = [largest(target, isInt8), largest(reference, isInt8)];
  return [
    'top-k:',
    ' idx-t  target  idx-r  ref',
    ...ours.map((at, place) => {
      const other = theirs[place]!;
      return `  ${at} ${text(target[at]!)} ${other} ${text(reference[other]!)}`;
    }),
  ];
}

/** Indices of the largest elements, largest first; the first of equal ones first. */
function largest(values: Elements, isInt8: boolean): number[] {
  const indices = Array.from({ length: values.length }, (_, at) => at);
  // The original picks by the negated value, and the negative of -128 is -128 in int8: it is always among them.
  const rank = (at: number): number => (isInt8 && values[at] === -128 ? 128 : values[at]!);
  const picked = indices.sort((a, b) => rank(b) - rank(a) || a - b).slice(0, LARGEST);
  return picked.sort((a, b) => values[b]! - values[a]! || a - b);
}

function differing(target: ArrayLike<number>, reference: ArrayLike<number>, text: ElementText): string[] {
  const lines = ['all-diffs:', ' idx  target  ref'];
  for (let at = 0; at < target.length; at++) {
    const [a, b] = [target[at]!, reference[at]!];
    if (Math.abs(a - b) > DIFFERENT + DIFFERENT * Math.abs(b)) lines.push(`  ${at} ${text(a)} ${text(b)}`);
  }
  return lines;
}

function allLines(target: ArrayLike<number>, reference: ArrayLike<number>, text: ElementText): string[] {
  const lines = ['all-elements:', ' idx  target  ref'];
  for (let at = 0; at < target.length; at++) lines.push(`  (${at},) ${text(target[at]!)} ${text(reference[at]!)}`);
  return lines;
}
