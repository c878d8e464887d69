import type { DType, TypedArray } from '../dtype.ts';
import { type Issue, QError } from '../errors.ts';
import type { KnownOp, OpOf, Weight } from '../graph.ts';
import { type OpAttributes, type OpType, operatorTable } from '../operators/index.ts';
import type { Precision } from '../plan.ts';
import { asymmetricQParams, type CodeBits, symmetricQParams } from '../quantization/scale.ts';
import type { TensorType } from '../tensor-type.ts';
import type { Range, Ranges } from './calibrated-ranges.ts';
import { floatsOf, type WorkingGraph } from './working-graph.ts';

/** Scale and zero point of a value, as the lowering formulas name them. */
export interface Quantizer {
  readonly scale: number;
  readonly zeroPoint: number;
  readonly signed: boolean;
}

export interface LoweringSources {
  readonly graph: WorkingGraph;
  readonly ranges: Ranges;
  readonly precisions: ReadonlyMap<string, Precision>;
  /** Activations have zero points (`--asymmetric`). */
  readonly asymmetric?: boolean;
}

/** Parameters of a range in the scheme that a network, or one of its values, has (numerics.md 5). */
export function quantizerOfRange(range: Range, asymmetric: boolean, bits: CodeBits = 8): Quantizer {
  return (asymmetric ? asymmetricQParams : symmetricQParams)(range.min, range.max, bits);
}

/** Type of the codes that `quantizer` makes, `bits` wide. */
export function uniformType(
  shape: readonly number[],
  { scale, zeroPoint, signed }: Quantizer,
  bits: CodeBits = 8,
): TensorType {
  return {
    shape,
    dtype: `${signed ? 'i' : 'u'}${bits}`,
    quantization: { kind: 'uniform', expressed: 'f32', scale, zeroPoint },
  };
}

/** What a lowering rule throws when it has no definition for an operator; collected into one error for all of them. */
export class Refusal extends Error {
  readonly issue: Issue;

  constructor(issue: Issue) {
    super(issue.code);
    this.issue = issue;
  }
}

/** Attributes of `T`: those of `given` that its schema has, and the defaults of the rest. */
export function attributesFor<T extends OpType>(type: T, given: object): OpAttributes[T] {
  const result: Record<string, unknown> = {};
  for (const [key, spec] of Object.entries(operatorTable[type].attributes)) {
    const value = (given as Record<string, unknown>)[key];
    if (value !== undefined) result[key] = value;
    else if (spec.fallback !== undefined) result[key] = spec.fallback;
    else if (!spec.optional) throw new Error(`${type} needs the attribute ${key}`);
  }
  return result as OpAttributes[T];
}

/** Operands of an operator of type `T`, padded with absent ones to the number that its `.mlir` form has. */
export function operandsFor(type: OpType, inputs: readonly (string | null)[]): readonly (string | null)[] {
  const { operands } = operatorTable[type];
  if (operands === undefined || operands.at(-1)?.endsWith('...')) return inputs;
  return operands.map((_, index) => inputs[index] ?? null);
}

/** Where lowering rules read from and write to. */
export class LoweringContext {
  readonly graph: WorkingGraph;
  readonly ops: KnownOp[] = [];
  /** Types of the lowered values. */
  readonly values = new Map<string, TensorType>();
  readonly weights = new Map<string, Weight>();
  /** Activations have zero points unless a rule says otherwise. */
  readonly asymmetric: boolean;
  readonly #ranges: Ranges;
  readonly #precisions: ReadonlyMap<string, Precision>;
  readonly #names: Set<string>;

  constructor({ graph, ranges, precisions, asymmetric = false }: LoweringSources) {
    this.graph = graph;
    this.asymmetric = asymmetric;
    this.#ranges = ranges;
    this.#precisions = precisions;
    this.#names = new Set([...graph.values.keys(), ...graph.weights.keys()]);
  }

  precisionOf(op: KnownOp): Precision {
    return this.#precisions.get(op.name) ?? 'F32';
  }

  isWeight(name: string | null | undefined): name is string {
    return name != null && this.graph.weights.has(name);
  }

  /** Floats of an operand that is a weight. */
  floats(name: string): Float32Array {
    return floatsOf(this.graph.weights.get(name)!);
  }

  /** Shape of a value or weight of the Top graph. */
  shapeOf(name: string): readonly number[] {
    return (this.graph.values.get(name) ?? this.graph.weights.get(name)?.type)!.shape;
  }

  rangeOf(name: string): Range | undefined {
    return this.#ranges.get(name);
  }

  /**
   * Scale, zero point and sign of a calibrated value; `by` is the operator that needs them. `asymmetric` and `bits` are
   * those of the whole network's 8-bit codes unless a rule wants others.
   */
  quantizerOf(name: string, by: KnownOp, asymmetric = this.asymmetric, bits: CodeBits = 8): Quantizer {
    const range = this.#ranges.get(name);
    if (range !== undefined) return quantizerOfRange(range, asymmetric, bits);
    throw new Refusal({
      code: 'lower.threshold-missing',
      where: by.name,
      found: `no calibration of ${name}`,
      expected: `a row "${name} threshold min max" in the calibration table`,
      hint: `calibrate ${name}, or put ${by.name} into the quantize table as F16 or F32`,
    });
  }

  /** The quantized type of a calibrated value. */
  codeType(name: string, by: KnownOp, asymmetric = this.asymmetric): TensorType {
    return uniformType(this.shapeOf(name), this.quantizerOf(name, by, asymmetric));
  }

  /** The float type of a value; the calibrated range stays on it. */
  floatType(name: string, dtype: DType): TensorType {
    const range = this.#ranges.get(name);
    const type: TensorType = { shape: this.shapeOf(name), dtype };
    return range === undefined ? type : { ...type, quantization: { kind: 'calibrated', ...range } };
  }

  /** Adds an operator with the types of its results. */
  emit(op: KnownOp, ...types: readonly TensorType[]): void {
    this.ops.push(op);
    op.outputs.forEach((name, index) => {
      if (name !== null) this.values.set(name, types[index] ?? types[0]!);
    });
  }

  /** Builds and adds an operator that takes over the name and results of `top`. */
  emitAs<T extends OpType>(
    top: KnownOp,
    type: T,
    inputs: readonly (string | null)[],
    attributes: object,
    result: TensorType,
  ): void {
    const op: OpOf<T> = {
      type,
      name: top.name,
      inputs: operandsFor(type, inputs),
      outputs: top.outputs,
      attributes: attributesFor(type, attributes),
    };
    this.emit(op as unknown as KnownOp, result);
  }

  /** A fresh weight `<op>_<suffix>`, numbered on a clash (ir.md 4.1). */
  addWeight(owner: string, suffix: string, type: TensorType, data: TypedArray): string {
    let name = `${owner}_${suffix}`;
    for (let k = 1; this.#names.has(name); k++) name = `${owner}_${k}_${suffix}`;
    this.#names.add(name);
    this.weights.set(name, { type, data });
    return name;
  }

  /** A weight of the Top graph, as it is. */
  keepWeight(name: string): string {
    this.weights.set(name, this.graph.weights.get(name)!);
    return name;
  }
}

/** Runs a lowering rule and keeps what it refuses, so that all refusals are told at once. */
export function attempt(issues: Issue[], rule: () => void): void {
  try {
    rule();
  } catch (error) {
    if (error instanceof Refusal) issues.push(error.issue);
    else if (error instanceof QError) issues.push(...error.issues);
    else throw error;
  }
}

/** One error for all collected issues; nothing when there are none. */
export function throwRefusals(issues: readonly Issue[]): void {
  if (issues.length === 0) return;
  const shown = issues.slice(0, 10).map((issue) => `${issue.where ?? 'graph'}: ${issue.found ?? issue.code}`);
  const more = issues.length > shown.length ? ` (and ${issues.length - shown.length} more)` : '';
  const count = issues.length === 1 ? 'One operator' : `${issues.length} operators`;
  throw new QError(`${count} cannot be lowered: ${shown.join('; ')}${more}.`, issues[0]!, { issues });
}
