import { QError, rowsByLayer } from '@q/ir';

/** How the codes of one tensor stand for reals: real = scale · (code − zeroPoint). */
export interface CodeScale {
  readonly scale: number;
  readonly zeroPoint?: number;
}

/** Do dumped tensors of quantized layers hold codes, or the reals that the codes stand for? */
export type DumpForm = 'codes' | 'reals';

export interface LsbReportRequest {
  /** Our tensors by layer name, in program order: codes for layers with a scale, floats for the others. */
  readonly ours: ReadonlyMap<string, ArrayLike<number>>;
  /** What a device or another simulator left, by the same names. */
  readonly dumped: ReadonlyMap<string, ArrayLike<number>>;
  /** Scale of every quantized layer; a layer without one is compared as floats. */
  readonly scales: ReadonlyMap<string, CodeScale>;
  /** `auto` (default): codes when every dumped element of every quantized layer is an integer, else reals. */
  readonly dumpedAs?: DumpForm | 'auto';
}

/** How far a dumped layer is from ours. */
export interface LayerLsb {
  readonly name: string;
  /** One LSB as a real: the scale; for a float layer the step that 8 bits would have, max |ours| / 127. */
  readonly step: number;
  /** False for a float layer. */
  readonly isQuantized: boolean;
  readonly elements: number;
  /** Elements at least half an LSB away. */
  readonly different: number;
  /** Largest distance in LSBs; infinite when an element is not a number on one side only. */
  readonly maxLsb: number;
  readonly meanLsb: number;
  /** The element of the largest distance (the first of several), with both values as codes (as floats in a float layer). */
  readonly worst: { readonly index: number; readonly ours: number; readonly dumped: number };
}

export interface LsbReport {
  /** Layers on both sides, worst first: by largest distance, then by mean, then in program order. */
  readonly layers: readonly LayerLsb[];
  /** The first layer in program order with a difference: where to look for the cause. */
  readonly firstDifferent?: string;
  readonly dumpedAs: DumpForm;
  readonly onlyOurs: readonly string[];
  readonly onlyDumped: readonly string[];
  /** Layers whose numbers of elements differ. */
  readonly sizesDiffer: readonly { readonly name: string; readonly ours: number; readonly dumped: number }[];
}

/**
 * Distance of every layer that both sides have, in LSBs of our codes. A dump may spell layers as TPU-MLIR 1.17 does.
 *
 * @throws QError `search.dump-unrelated` when no layer can be compared.
 */
export function lsbReport(given: LsbReportRequest): LsbReport {
  const request = { ...given, dumped: rowsByLayer(given.dumped, given.ours.keys()) };
  const { ours, dumped, scales } = request;
  const common = [...ours.keys()].filter((name) => dumped.has(name));
  const sizesDiffer = common
    .map((name) => ({ name, ours: ours.get(name)!.length, dumped: dumped.get(name)!.length }))
    .filter((sizes) => sizes.ours !== sizes.dumped);
  const refused = new Set(sizesDiffer.map(({ name }) => name));
  const compared = common.filter((name) => !refused.has(name));
  if (compared.length === 0) throw unrelated(request);
  const dumpedAs = formOf(request, compared);
  const layers = compared.map((name) =>
    distanceOf(name, ours.get(name)!, dumped.get(name)!, { scale: scales.get(name), dumpedAs }),
  );
  const firstDifferent = layers.find(({ different }) => different > 0)?.name;
  return {
    // Sorting is stable: equals stay in program order.
    layers: [...layers].sort((a, b) => descending(a.maxLsb, b.maxLsb) || descending(a.meanLsb, b.meanLsb)),
    ...(firstDifferent === undefined ? {} : { firstDifferent }),
    dumpedAs,
    onlyOurs: [...ours.keys()].filter((name) => !dumped.has(name)),
    onlyDumped: [...dumped.keys()].filter((name) => !ours.has(name)),
    sizesDiffer,
  };
}

/** Orders larger first; two infinities are equal. */
const descending = (a: number, b: number): number => (a === b ? 0 : b - a);

function formOf({ dumped, scales, dumpedAs = 'auto' }: LsbReportRequest, names: readonly string[]): DumpForm {
  if (dumpedAs !== 'auto') return dumpedAs;
  const holdsIntegers = (data: ArrayLike<number>): boolean => {
    for (let i = 0; i < data.length; i++) if (!Number.isInteger(data[i]!)) return false;
    return true;
  };
  return names.every((name) => !scales.has(name) || holdsIntegers(dumped.get(name)!)) ? 'codes' : 'reals';
}

interface Reading {
  readonly scale: CodeScale | undefined;
  readonly dumpedAs: DumpForm;
}

function distanceOf(name: string, ours: ArrayLike<number>, dumped: ArrayLike<number>, reading: Reading): LayerLsb {
  const { scale, dumpedAs } = reading;
  const step = scale?.scale ?? floatStep(ours);
  const zeroPoint = scale?.zeroPoint ?? 0;
  const isReal = scale !== undefined && dumpedAs === 'reals';
  const unit = scale === undefined ? step : 1;
  let [different, sum, maxLsb, index] = [0, 0, 0, 0];
  const theirs = (at: number): number => (isReal ? dumped[at]! / step + zeroPoint : dumped[at]!);
  for (let at = 0; at < ours.length; at++) {
    const distance = lsbBetween(ours[at]!, theirs(at), unit);
    if (distance >= 0.5) different += 1;
    sum += distance;
    if (distance > maxLsb) [maxLsb, index] = [distance, at];
  }
  return {
    name,
    step,
    isQuantized: scale !== undefined,
    elements: ours.length,
    different,
    maxLsb,
    meanLsb: ours.length === 0 ? 0 : sum / ours.length,
    worst: { index, ours: ours[index] ?? Number.NaN, dumped: ours.length === 0 ? Number.NaN : theirs(index) },
  };
}

function lsbBetween(a: number, b: number, unit: number): number {
  // Equal infinities and two NaNs agree.
  if (Object.is(a, b)) return 0;
  const distance = Math.abs(a - b) / unit;
  return Number.isNaN(distance) ? Number.POSITIVE_INFINITY : distance;
}

function floatStep(data: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < data.length; i++) if (Number.isFinite(data[i]!)) largest = Math.max(largest, Math.abs(data[i]!));
  return largest === 0 ? 1 : largest / 127;
}

function unrelated({ ours, dumped }: LsbReportRequest): QError {
  return new QError('no layer of the dump has the name and the size of a layer of this network', {
    code: 'search.dump-unrelated',
    found: [...dumped.keys()].slice(0, 3).join(', ') || 'an empty dump',
    expected: `layers such as ${[...ours.keys()].slice(0, 3).join(', ')}`,
    hint: 'dump the layers of the same lowered network, under the names of its .mlir file',
  });
}
