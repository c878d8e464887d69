import type { Graph, Op, TensorType, Weight } from '@q/ir';

/** What of a graph computes something else than a base graph does. */
export interface GraphDifference {
  /** Operators to execute, in order; the results of all others are those of the base's operators of the same name. */
  readonly ops: readonly Op[];
  /** Those among them that are other operators than the base's; the rest only read what differs. */
  readonly local: readonly Op[];
  /** Weights that the base lacks, or has with other data. */
  readonly weights: ReadonlyMap<string, Weight>;
}

/**
 * Compares operators by name: one is the base's when it has the same type, attributes, result types and operands, its
 * weights hold the same data, and its operands are themselves the base's. Calibrated ranges on float values are not
 * looked at: nothing that is executed reads them.
 *
 * `given` values come from elsewhere: they are not computed, and what reads them differs.
 */
export function differenceOf(base: Graph, graph: Graph, given: ReadonlySet<string> = new Set()): GraphDifference {
  const known = new Map(base.ops.map((op) => [op.name, op]));
  const changed = new Set<string>(given);
  const weights = new Map<string, Weight>();
  const isOwnWeight = memoized((name: string) => {
    const weight = graph.weights.get(name);
    return weight !== undefined && !sameWeight(weight, base.weights.get(name));
  });
  const local: Op[] = [];
  const ops = graph.ops.filter((op) => {
    if (op.outputs.every((name) => name === null || given.has(name))) return false;
    const original = known.get(op.name);
    const isBases =
      original !== undefined &&
      sameOperator(original, op) &&
      op.inputs.every((name) => name === null || !graph.weights.has(name) || !isOwnWeight(name)) &&
      op.outputs.every((name) => name === null || sameType(base.values.get(name), graph.values.get(name)));
    if (!isBases) local.push(op);
    else if (op.inputs.every((name) => name === null || !changed.has(name))) return false;
    for (const name of op.outputs) if (name !== null) changed.add(name);
    for (const name of op.inputs) {
      if (name !== null && graph.weights.has(name) && isOwnWeight(name)) weights.set(name, graph.weights.get(name)!);
    }
    return true;
  });
  return { ops, local, weights };
}

function memoized(test: (name: string) => boolean): (name: string) => boolean {
  const answers = new Map<string, boolean>();
  return (name) => {
    const known = answers.get(name);
    if (known !== undefined) return known;
    const answer = test(name);
    answers.set(name, answer);
    return answer;
  };
}

function sameOperator(a: Op, b: Op): boolean {
  return (
    a.type === b.type &&
    sameData(a.inputs, b.inputs) &&
    sameData(a.outputs, b.outputs) &&
    sameData(a.attributes, b.attributes)
  );
}

/** Structural equality of plain data. */
function sameData(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const [first, second] = [a as Readonly<Record<string, unknown>>, b as Readonly<Record<string, unknown>>];
  const keys = Object.keys(first);
  return keys.length === Object.keys(second).length && keys.every((key) => sameData(first[key], second[key]));
}

function sameType(a: TensorType | undefined, b: TensorType | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  return a.dtype === b.dtype && sameData(a.shape, b.shape) && sameData(codesOf(a), codesOf(b));
}

const codesOf = ({ quantization }: TensorType) => (quantization?.kind === 'calibrated' ? undefined : quantization);

function sameWeight(a: Weight, b: Weight | undefined): boolean {
  if (b === undefined || a.type.dtype !== b.type.dtype || !sameData(a.type.shape, b.type.shape)) return false;
  if (a.data === b.data) return true;
  if (a.data.byteLength !== b.data.byteLength) return false;
  const [first, second] = [bytesOf(a), bytesOf(b)];
  for (let i = 0; i < first.length; i++) if (first[i] !== second[i]) return false;
  return true;
}

/** The data as 32-bit words where they allow it: several times faster to compare. */
function bytesOf({ data }: Weight): Uint8Array | Uint32Array {
  const { buffer, byteOffset, byteLength } = data;
  return byteOffset % 4 === 0 && byteLength % 4 === 0
    ? new Uint32Array(buffer, byteOffset, byteLength / 4)
    : new Uint8Array(buffer, byteOffset, byteLength);
}
