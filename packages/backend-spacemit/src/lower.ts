import {
  type Emit,
  elementCount,
  expandAttention,
  type Graph,
  type KnownOp,
  type Op,
  type OpOf,
  type Plan,
  QError,
} from '@q/ir';
import { type Dispatch, dispatch } from './dispatch.ts';
import { foldScales } from './fold-scale.ts';
import { activationOperands, BOUNDING, COMPUTING, PASSIVE } from './operators.ts';
import {
  asymmetricParameters,
  biasConstant,
  coveredRange,
  elementwiseConstant,
  type Int8Parameters,
  perChannelWeight,
  perLineWeight,
  powerOfTwoWeight,
  type QuantizedConstant,
  representable,
  transposed,
} from './parameters.ts';
import { PROCESSORS } from './processors.ts';
import { QdqBuilder, RAW_SUFFIX } from './qdq-builder.ts';

/**
 * The Top graph with QuantizeLinear / DequantizeLinear pairs and integer weights that spacemit.md 7 and 10 describe. Values
 * keep their names: a pair stands right behind the op that makes a value, and its DequantizeLinear carries the name.
 *
 * @throws QError `spacemit.processor`, `spacemit.plan.precision`
 */
export function lower(graph: Graph, plan: Plan, emit?: Emit): Graph {
  if (!PROCESSORS.includes(plan.processor)) {
    throw new QError(`${plan.processor} is not a SpacemiT processor.`, {
      code: 'spacemit.processor',
      found: plan.processor,
      expected: PROCESSORS.join(', '),
    });
  }
  const prepared = foldScales(expandAttention(graph), plan);
  return insertPairs(prepared, {
    chip: plan.processor,
    chosen: dispatch(prepared, plan, emit),
    parametersOf(name) {
      const { min, max } = coveredRange(plan.values.get(name)!, plan.asymmetric);
      return asymmetricParameters(min, max);
    },
  });
}

/** What becomes integer in a graph, and with which numbers. */
export interface QdqSettings {
  /** Processor in lower case. */
  readonly chip: string;
  /** Ops that run in INT8. */
  readonly chosen: Dispatch;
  /** Codes of an activation; without it activations stay float and only constants are quantized. */
  readonly parametersOf?: (value: string) => Int8Parameters | undefined;
  /** Network inputs that come out of a DequantizeLinear elsewhere: they get no pair of their own. */
  readonly given?: ReadonlyMap<string, Int8Parameters>;
  /** Constants of matrix products: one scale, a power of two (default), or one per output. */
  readonly gemmWeight?: 'tensor-pow2' | 'channel';
  /** Biases as float32 (default) or in the accumulator's int32 (spacemit.md 8.8). */
  readonly biasFormat?: 'float32' | 'int32';
  /** Values that quantized operators leave as float numbers. */
  readonly floatValues?: ReadonlySet<string>;
  /** Codes of a constant in place of those that its data give. */
  readonly constantOf?: (weight: string, quantized: QuantizedConstant) => QuantizedConstant;
}

/** The graph with pairs and integer constants where the settings say so; see `lower`. */
export function insertPairs(graph: Graph, settings: QdqSettings): Graph {
  const { ops, values, weights } = lowered(graph, settings).builder;
  return { ...graph, state: 'TOP_QUANTIZED', chip: settings.chip, ops, values, weights };
}

/** The values that come out of a DequantizeLinear, directly or through operators that only move data. */
export function codedValues(graph: Graph, settings: QdqSettings): ReadonlyMap<string, Int8Parameters> {
  return lowered(graph, settings).parameters;
}

function lowered(graph: Graph, settings: QdqSettings): Lowering {
  const lowering = new Lowering(graph, settings);
  for (const op of graph.ops) lowering.lower(op);
  return lowering;
}

class Lowering {
  readonly builder: QdqBuilder;
  /** Parameters of values that come out of a DequantizeLinear, directly or through passive ops. */
  readonly parameters: Map<string, Int8Parameters>;
  private readonly consumers = new Map<string, Op[]>();
  private readonly chosen: Dispatch;

  constructor(
    private readonly graph: Graph,
    private readonly settings: QdqSettings,
  ) {
    this.builder = new QdqBuilder(graph);
    this.chosen = settings.chosen;
    this.parameters = new Map(settings.given);
    for (const op of graph.ops) {
      for (const name of new Set(op.inputs))
        if (name !== null) this.consumers.set(name, [...(this.consumers.get(name) ?? []), op]);
    }
  }

  lower(op: Op): void {
    if (op.type === 'unknown' || !this.chosen.has(op)) this.builder.keep(op);
    else if (PASSIVE.has(op.type) && this.settings.parametersOf === undefined) this.builder.keep(op);
    else if (PASSIVE.has(op.type)) this.lowerPassive(op);
    else if (op.type === 'top.MatMul') this.lowerMatMul(op);
    else if (op.type === 'top.SiLU') this.lowerSiLU(op);
    else this.finish(this.withConstants(op));
  }

  /** Results share the parameters of operand 0; a pair only where a value has several readers, and for Split (spacemit.md 10.6). */
  private lowerPassive(op: KnownOp): void {
    const parameters = this.parameters.get(op.inputs[0]!)!;
    const paired = op.outputs.map(
      (name) => name !== null && !this.isFloat(name) && (op.type === 'top.Split' || this.readers(name).length > 1),
    );
    const outputs = op.outputs.map((name, i) => (paired[i] ? name + RAW_SUFFIX : name));
    const renamed = { ...op, name: outputs[0] ?? op.name, outputs } as KnownOp;
    for (const [i, output] of outputs.entries()) {
      if (output !== null) this.builder.values.set(output, this.graph.values.get(op.outputs[i]!)!);
    }
    this.builder.push(renamed);
    for (const name of op.inputs.slice(1))
      if (name !== null) this.builder.weights.set(name, this.graph.weights.get(name)!);
    op.outputs.forEach((name, i) => {
      if (name === null) return;
      this.parameters.set(name, parameters);
      if (paired[i]) this.builder.pair(outputs[i]!, name, parameters);
    });
  }

  /** x · σ(x) as two operators; σ covers [0, 1] by definition. */
  private lowerSiLU(op: OpOf<'top.SiLU'>): void {
    const x = this.activation(op, op.inputs[0]!);
    const gate = `${op.name}_sigmoid`;
    const { shape } = this.graph.values.get(op.name)!;
    this.emit('top.Sigmoid', { name: gate, inputs: [x], attributes: {}, shape, own: asymmetricParameters(0, 1) });
    this.result('top.Mul', op.name, [x, gate], {}, shape);
  }

  /**
   * A product with a two-dimensional constant and a bias becomes a Gemm with the constant transposed (spacemit.md 6.3). More
   * dimensions on the left are flattened around it, because a bias of its own would be a float addition between codes.
   */
  private lowerMatMul(op: OpOf<'top.MatMul'>): void {
    const [left, right, bias] = op.inputs as [string, string, string | null];
    const { rightTranspose, doRelu, reluLimit } = op.attributes;
    const weight = this.graph.weights.get(right);
    if (weight?.type.shape.length !== 2 || bias == null) {
      this.finish(this.withConstants(op));
      return;
    }
    const [N, K] = rightTranspose ? weight.type.shape : [...weight.type.shape].reverse();
    const codes = this.constant(right, [N!, K!], (data) => {
      const rows = rightTranspose ? data : transposed(data, K!, N!);
      return this.settings.gemmWeight === 'channel' ? perChannelWeight(rows, N!) : powerOfTwoWeight(rows);
    });
    const x = this.activation(op, left);
    const attributes = { rightTranspose: true, doRelu, reluLimit };
    const shape = this.graph.values.get(op.name)!.shape;
    const leftShape = this.graph.values.get(left)!.shape;
    if (leftShape.length === 2 && leftShape[1] === K) {
      this.result('top.MatMul', op.name, [x, codes, this.bias(op, left, codes, bias)], attributes, shape);
      return;
    }
    const rows = elementCount(leftShape) / K!;
    const flat = this.builder.create('top.Reshape', `${op.name}_rows`, [x, null], { shape: [rows, K!] }, [rows, K!]);
    const product = `${op.name}_gemm`;
    const own = this.settings.parametersOf?.(op.name);
    this.emit('top.MatMul', { name: product, inputs: [flat, codes, bias], attributes, shape: [rows, N!], own });
    if (own !== undefined) this.parameters.set(op.name, own);
    this.builder.create('top.Reshape', op.name, [product, null], { shape }, shape);
  }

  /** The op with quantized constants and operands in place of its own. */
  private withConstants(op: KnownOp): KnownOp {
    const weightOperand = (index: number, make: (data: Float32Array) => QuantizedConstant): (string | null)[] => {
      const name = op.inputs[index]!;
      const activations = this.activations(op);
      const codes = this.constant(name, this.graph.weights.get(name)!.type.shape, make);
      const inputs = activations.with(index, codes);
      const biasName = COMPUTING.has(op.type) ? op.inputs[2] : null;
      return biasName == null ? inputs : inputs.with(2, this.bias(op, op.inputs[0]!, codes, biasName));
    };
    switch (op.type) {
      case 'top.Conv': {
        const [channels] = this.graph.weights.get(op.inputs[1]!)!.type.shape;
        return { ...op, inputs: weightOperand(1, (data) => perChannelWeight(data, channels!)) };
      }
      case 'top.Deconv':
        return { ...op, inputs: weightOperand(1, powerOfTwoWeight) };
      case 'top.MatMul': {
        const weight = this.graph.weights.get(op.inputs[1]!);
        if (weight === undefined) return { ...op, inputs: this.activations(op) };
        const { shape } = weight.type;
        const isChannel = this.settings.gemmWeight === 'channel' && shape.length === 2;
        const lines = (data: Float32Array) =>
          perLineWeight(data, shape as readonly [number, number], op.attributes.rightTranspose ? 0 : 1);
        return { ...op, inputs: weightOperand(1, isChannel ? lines : powerOfTwoWeight) };
      }
      case 'top.PRelu':
        return { ...op, inputs: weightOperand(1, elementwiseConstant) };
      case 'top.AddConst':
        return this.binary(op, 'top.Add', false);
      case 'top.MulConst':
        return this.binary(op, 'top.Mul', false);
      case 'top.SubConst':
        return this.binary(op, 'top.Sub', op.attributes.isReverse);
      case 'top.Scale':
        return this.scale(op);
      case 'top.Add':
      case 'top.Sub':
      case 'top.Mul':
      case 'top.Concat':
        return { ...op, inputs: this.activations(op).map((name) => this.constantOperand(name)) } as KnownOp;
      default:
        return { ...op, inputs: this.activations(op) } as KnownOp;
    }
  }

  private constantOperand(name: string | null): string | null {
    const weight = name === null ? undefined : this.graph.weights.get(name);
    return weight === undefined ? name : this.constant(name!, weight.type.shape, elementwiseConstant);
  }

  /** A constant as codes: its own, or those that the settings give. */
  private constant(name: string, shape: readonly number[], make: (data: Float32Array) => QuantizedConstant): string {
    const { constantOf = (_, quantized) => quantized } = this.settings;
    return this.builder.constant(name, shape, (data) => constantOf(name, make(data)));
  }

  /** The bias operand: float numbers, or int32 codes in the accumulator's scale. */
  private bias(op: KnownOp, input: string, filter: string, name: string): string {
    const source = this.parameters.get(input) ?? this.settings.parametersOf?.(input);
    const weight = this.graph.weights.get(name);
    if (this.settings.biasFormat !== 'int32' || source === undefined || weight === undefined) return name;
    const isChecked = op.type === 'top.Conv' && op.attributes.group === 1;
    const data = weight.data as Float32Array;
    const codes = biasConstant(data, source.scale, this.builder.scalesOf(filter), !isChecked);
    return codes === undefined ? name : this.builder.codes(name, [data.length], codes);
  }

  /** `x op c` with the number as a quantized constant. */
  private binary(
    op: OpOf<'top.AddConst'> | OpOf<'top.MulConst'> | OpOf<'top.SubConst'>,
    type: 'top.Add' | 'top.Mul' | 'top.Sub',
    isReverse: boolean,
  ): KnownOp {
    const x = this.activation(op, op.inputs[0]!);
    const { codes, scales, zeroPoints } = elementwiseConstant(Float32Array.of(op.attributes.constVal));
    const key = `${op.name}_const`;
    this.builder.weights.set(key, { type: { shape: [1], dtype: 'i8' }, data: codes });
    const constant = this.builder.create(
      'top.DequantizeLinear',
      `${key}_dequantized`,
      [key],
      { xScale: scales, xZeroPoint: zeroPoints },
      [1],
    );
    const { doRelu, reluLimit } = op.attributes;
    return this.rebuilt(op, type, isReverse ? [constant, x] : [x, constant], { doRelu, reluLimit });
  }

  /** A Scale without offset is a Mul, one without factor an Add; the rest keeps its float numbers inside the op. */
  private scale(op: OpOf<'top.Scale'>): KnownOp {
    const [, factor, offset] = op.inputs as [string, string, string];
    const x = this.activation(op, op.inputs[0]!);
    const all = (name: string, value: number) =>
      (this.graph.weights.get(name)!.data as Float32Array).every((element) => element === value);
    const isMul = all(offset, 0);
    if (!isMul && !all(factor, 1)) return { ...op, inputs: [x, factor, offset] };
    const name = isMul ? factor : offset;
    const rank = this.graph.values.get(op.name)!.shape.length;
    const shape = [
      1,
      this.graph.weights.get(name)!.data.length,
      ...Array.from({ length: Math.max(0, rank - 2) }, () => 1),
    ];
    const { doRelu, reluLimit } = op.attributes;
    return this.rebuilt(op, isMul ? 'top.Mul' : 'top.Add', [x, this.constant(name, shape, elementwiseConstant)], {
      doRelu,
      reluLimit,
    });
  }

  private rebuilt(
    op: KnownOp,
    type: 'top.Add' | 'top.Mul' | 'top.Sub',
    inputs: readonly string[],
    relu: { doRelu: boolean; reluLimit: number },
  ): KnownOp {
    const attributes = { isScalar: false, ...relu, ...(type === 'top.Sub' ? { isReverse: false } : {}) };
    return { type, name: op.name, inputs, outputs: op.outputs, attributes } as unknown as KnownOp;
  }

  /** The op's operands, activations with codes behind them. */
  private activations(op: KnownOp): (string | null)[] {
    const quantized = new Map(activationOperands(op, this.graph).map((name) => [name, this.activation(op, name)]));
    return op.inputs.map((name) => (name === null ? null : (quantized.get(name) ?? name)));
  }

  /** The value to read for an operand: itself when it has parameters or is on its way to a bound, else behind a pair of its own. */
  private activation(op: KnownOp, name: string): string {
    if (
      this.settings.parametersOf === undefined ||
      this.parameters.has(name) ||
      (BOUNDING.has(op.type) && this.boundOf(name) === op)
    )
      return name;
    const own = `${name}_to_${op.name}`;
    this.builder.pair(name, own, this.settings.parametersOf(name)!);
    return own;
  }

  /** Ends an op with one result: bounds that the codes' range implies go, a pair comes. */
  private finish(op: KnownOp): void {
    const { type, name, inputs, attributes } = op;
    const { shape } = this.graph.values.get(name)!;
    const own = this.boundOf(name) === undefined ? this.settings.parametersOf?.(name) : undefined;
    if (own !== undefined && !this.isFloat(name) && BOUNDING.has(type) && impliesBound(op, own)) {
      this.parameters.set(name, own);
      this.builder.pair(inputs[0]!, name, own);
    } else this.emit(type, { name, inputs, attributes, shape, own });
  }

  private result(
    type: 'top.Mul' | 'top.MatMul',
    name: string,
    inputs: readonly (string | null)[],
    attributes: object,
    shape: readonly number[],
  ): void {
    const own = this.boundOf(name) === undefined ? this.settings.parametersOf?.(name) : undefined;
    this.emit(type, { name, inputs, attributes, shape, own });
  }

  /** The op under a raw name, then the pair that carries its name; without parameters the op alone. */
  private emit(type: KnownOp['type'], { name, inputs, attributes, shape, own }: Part): void {
    if (own === undefined || this.isFloat(name)) {
      this.builder.create(type, name, inputs, attributes, shape);
      return;
    }
    this.builder.create(type, name + RAW_SUFFIX, inputs, withoutImpliedRelu(attributes, own), shape);
    this.parameters.set(name, own);
    this.builder.pair(name + RAW_SUFFIX, name, own);
  }

  private isFloat(name: string): boolean {
    return this.settings.floatValues?.has(name) === true;
  }

  /** The quantized Relu or Clip that is the only reader of a quantized op's value: the value then needs no codes. */
  private boundOf(name: string): Op | undefined {
    const [reader, ...others] = this.readers(name);
    if (reader === undefined || others.length > 0 || this.graph.outputs.includes(name)) return undefined;
    return BOUNDING.has(reader.type) && this.chosen.has(reader) ? reader : undefined;
  }

  private readers(name: string): readonly Op[] {
    return this.consumers.get(name) ?? [];
  }
}

interface Part {
  readonly name: string;
  readonly inputs: readonly (string | null)[];
  readonly attributes: object;
  readonly shape: readonly number[];
  /** Parameters of the result; absent where it stays float. */
  readonly own: Int8Parameters | undefined;
}

/** A fused Relu goes when saturation does its work (spacemit.md 10.8). */
function withoutImpliedRelu(attributes: object, parameters: Int8Parameters): object {
  const { doRelu, reluLimit } = attributes as { doRelu?: boolean; reluLimit?: number };
  if (doRelu !== true) return attributes;
  const { min, max } = representable(parameters);
  const isBounded = reluLimit !== undefined && reluLimit > 0;
  return min >= 0 && (!isBounded || max <= reluLimit) ? { ...attributes, doRelu: false, reluLimit: -1 } : attributes;
}

function impliesBound(op: KnownOp, parameters: Int8Parameters): boolean {
  const { min, max } = representable(parameters);
  if (op.type === 'top.Clip') return min >= op.attributes.min && max <= op.attributes.max;
  if (op.type !== 'top.Relu') return false;
  const { reluLimit } = op.attributes;
  return min >= 0 && (reluLimit <= 0 || max <= reluLimit);
}
