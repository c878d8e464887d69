import { layerNames, rowsByLayer, type Tensor } from '@q/ir';
import { comparableData } from './comparable-data.ts';
import { type MatchedTensor, matchTensor, shapeText, type Tolerance } from './tensor-match.ts';

export interface ComparisonRequest {
  readonly target: ReadonlyMap<string, Tensor>;
  readonly reference: ReadonlyMap<string, Tensor>;
  readonly tolerance: Tolerance;
  /** Tensors that are left out. */
  readonly excepts?: readonly string[];
  /** The only tensor to compare. */
  readonly key?: string;
  /** Compare every tensor, however many there are. */
  readonly all?: boolean;
  /** Compare slices along this axis and report the worst; -1 (default) compares the tensor as a whole. */
  readonly axis?: number;
  /** False lets INT8 data be judged by similarity; the default is that they must be equal. */
  readonly int8MustBeEqual?: boolean;
}

/** One tensor of both sides, judged. */
export interface TensorComparison extends MatchedTensor {
  /** Slice that `match` is about, when slices were compared. */
  readonly channel?: number;
  /** Data as they were compared, for printing differences; absent when the shapes do not fit. */
  readonly data?: readonly [target: ArrayLike<number>, reference: ArrayLike<number>];
  /** What was odd about the pair (shapes that differ). */
  readonly notes: readonly string[];
}

/**
 * The tensors that both sides have, in the order of the reference, judged as `npz_tool compare` judges them (cli.md
 * 7.2); those that TPU-MLIR 1.17 names otherwise than later releases are the same, under the later name. With 400 names or more every (n div 200)-th and the last is compared, unless `all` is set.
 */
export function compareTensors(request: ComparisonRequest): TensorComparison[] {
  const { excepts = [], key } = request;
  const reference = rowsByLayer(request.reference, request.target.keys());
  const target = rowsByLayer(request.target, reference.keys());
  const nameOf = layerNames([...target.keys(), ...reference.keys()]);
  const common =
    key !== undefined
      ? [nameOf(key)].filter((name) => target.has(name) && reference.has(name))
      : [...reference.keys()].filter((name) => target.has(name) && !excepts.map(nameOf).includes(name));
  return sampled(common, request.all ?? false).map((name) =>
    compareOne(name, target.get(name)!, reference.get(name)!, request),
  );
}

/** Large models are sampled; the last tensor may be an output and is always among them. */
function sampled(names: readonly string[], all: boolean): readonly string[] {
  const step = Math.floor(names.length / 200);
  if (all || step < 2) return names;
  return names.filter((_, index) => index % step === 0 || index === names.length - 1);
}

function compareOne(name: string, target: Tensor, reference: Tensor, request: ComparisonRequest): TensorComparison {
  const elementType = numpyType(target);
  const pair = comparableData(target, reference);
  const notes: string[] = [];
  if (pair === undefined || pair.cropped) {
    notes.push(`WARRING: not the same shape  ${shapeText(target.shape)} v.s. ${shapeText(reference.shape)}`);
  }
  if (pair === undefined) {
    notes.push(
      `Error: ${name} in two npz file is not same shape. ${shapeText(target.shape)} v.s. ${shapeText(reference.shape)}`,
    );
    const match = matchTensor([], [0], request.tolerance);
    return { name, shape: target.shape, elementType, match, notes };
  }
  const { a, b, shape, isInt8 } = pair;
  const mustBeEqual = isInt8 && request.int8MustBeEqual !== false;
  const judged = worstSlice(a, b, { shape, axis: request.axis ?? -1, tolerance: request.tolerance, mustBeEqual });
  return { name, shape: target.shape, elementType, ...judged, data: [a, b], notes };
}

interface SliceRequest {
  readonly shape: readonly number[];
  readonly axis: number;
  readonly tolerance: Tolerance;
  readonly mustBeEqual: boolean;
}

/** The tensor as a whole, or the failed slice of the least cosine along an axis (the last slice when none failed). */
function worstSlice(
  a: Float64Array,
  b: Float64Array,
  request: SliceRequest,
): Pick<TensorComparison, 'match' | 'channel'> {
  const { shape, axis, tolerance, mustBeEqual } = request;
  const whole = matchTensor(a, b, tolerance, mustBeEqual);
  if (axis < 0 || axis >= shape.length || whole.status === 'EQUAL' || whole.status === 'NOT_EQUAL') {
    return { match: whole };
  }
  const outer = shape.slice(0, axis + 1).reduce((product, dim) => product * dim, 1);
  const inner = a.length / outer;
  const slices = Array.from({ length: outer }, (_, at) =>
    matchTensor(a.subarray(at * inner, (at + 1) * inner), b.subarray(at * inner, (at + 1) * inner), tolerance),
  );
  let channel = outer - 1;
  let least = 1;
  slices.forEach((match, at) => {
    if (match.passed || match.cosine >= least) return;
    channel = at;
    least = match.cosine;
  });
  return { match: slices[channel]!, channel };
}

const NUMPY_TYPES: Readonly<Record<Tensor['dtype'], string>> = {
  f32: 'float32',
  f64: 'float64',
  f16: 'float16',
  bf16: 'uint16',
  i4: 'int8',
  u4: 'uint8',
  i8: 'int8',
  u8: 'uint8',
  i16: 'int16',
  u16: 'uint16',
  i32: 'int32',
  u32: 'uint32',
  i64: 'int64',
  u64: 'uint64',
  bool: 'bool',
};

/** The element type of a tensor as numpy calls it. */
export function numpyType({ dtype }: Tensor): string {
  return NUMPY_TYPES[dtype];
}
