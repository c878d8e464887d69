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
import { activationOperands, BOUNDING, PASSIVE } from './operators.ts';
import {
  asymmetricParameters,
  coveredRange,
  elementwiseConstant,
  type Int8Parameters,
  perChannelWeight,
  powerOfTwoWeight,
  type QuantizedConstant,
  representable,
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
  const lowering = new Lowering(prepared, plan, dispatch(prepared, plan, emit));
  for (const op of prepared.ops) lowering.lower(op);
  const { ops, values, weights } = lowering.builder;
  return { ...prepared, state: 'TOP_QUANTIZED', chip: plan.processor, ops, values, weights };
}

class Lowering {
  readonly builder: QdqBuilder;
  /** Parameters of values that come out of a DequantizeLinear, directly or through passive ops. */
  private readonly parameters = new Map<string, Int8Parameters>();
  private readonly consumers = new Map<string, Op[]>();

  constructor(
    private readonly graph: Graph,
    private readonly plan: Plan,
    private readonly chosen: Dispatch,
  ) {
    this.builder = new QdqBuilder(graph);
    for (const op of graph.ops) {
      for (const name of new Set(op.inputs))
        if (name !== null) this.consumers.set(name, [...(this.consumers.get(name) ?? []), op]);
    }
  }

  lower(op: Op): void {
    if (op.type === 'unknown' || !this.chosen.has(op)) this.builder.keep(op);
    else if (PASSIVE.has(op.type)) this.lowerPassive(op);
    else if (op.type === 'top.MatMul') this.lowerMatMul(op);
    else if (op.type === 'top.SiLU') this.lowerSiLU(op);
    else this.finish(this.withConstants(op));
  }

  /** Results share the parameters of operand 0; a pair only where a value has several readers, and for Split (spacemit.md 10.6). */
  private lowerPassive(op: KnownOp): void {
    const parameters = this.parameters.get(op.inputs[0]!)!;
    const paired = op.outputs.map(
      (name) => name !== null && (op.type === 'top.Split' || this.readers(name).length > 1),
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
    this.builder.create('top.Sigmoid', gate + RAW_SUFFIX, [x], {}, shape);
    this.builder.pair(gate + RAW_SUFFIX, gate, asymmetricParameters(0, 1));
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
    const codes = this.builder.constant(right, [N!, K!], (data) =>
      powerOfTwoWeight(rightTranspose ? data : transposed(data, K!, N!)),
    );
    const x = this.activation(op, left);
    const attributes = { rightTranspose: true, doRelu, reluLimit };
    const shape = this.graph.values.get(op.name)!.shape;
    const leftShape = this.graph.values.get(left)!.shape;
    if (leftShape.length === 2 && leftShape[1] === K) {
      this.result('top.MatMul', op.name, [x, codes, bias], attributes, shape);
      return;
    }
    const rows = elementCount(leftShape) / K!;
    const flat = this.builder.create('top.Reshape', `${op.name}_rows`, [x, null], { shape: [rows, K!] }, [rows, K!]);
    const product = `${op.name}_gemm`;
    const parameters = this.rangeParameters(op.name);
    this.emit('top.MatMul', { name: product, inputs: [flat, codes, bias], attributes, shape: [rows, N!], parameters });
    this.parameters.set(op.name, parameters);
    this.builder.create('top.Reshape', op.name, [product, null], { shape }, shape);
  }

  /** The op with quantized constants and operands in place of its own. */
  private withConstants(op: KnownOp): KnownOp {
    const weightOperand = (index: number, make: (data: Float32Array) => QuantizedConstant): (string | null)[] => {
      const name = op.inputs[index]!;
      return this.activations(op).with(
        index,
        this.builder.constant(name, this.graph.weights.get(name)!.type.shape, make),
      );
    };
    switch (op.type) {
      case 'top.Conv':
        return {
          ...op,
          inputs: weightOperand(1, (data) =>
            perChannelWeight(data, this.graph.weights.get(op.inputs[1]!)!.type.shape[0]!),
          ),
        };
      case 'top.Deconv':
        return { ...op, inputs: weightOperand(1, powerOfTwoWeight) };
      case 'top.MatMul':
        return this.graph.weights.has(op.inputs[1]!)
          ? { ...op, inputs: weightOperand(1, powerOfTwoWeight) }
          : { ...op, inputs: this.activations(op) };
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
    return weight === undefined ? name : this.builder.constant(name!, weight.type.shape, elementwiseConstant);
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
    return this.rebuilt(
      op,
      isMul ? 'top.Mul' : 'top.Add',
      [x, this.builder.constant(name, shape, elementwiseConstant)],
      { doRelu, reluLimit },
    );
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
    if (this.parameters.has(name) || (BOUNDING.has(op.type) && this.boundOf(name) === op)) return name;
    const own = `${name}_to_${op.name}`;
    this.builder.pair(name, own, this.rangeParameters(name));
    return own;
  }

  /** Ends an op with one result: bounds that the codes' range implies go, a pair comes. */
  private finish(op: KnownOp): void {
    const { shape } = this.graph.values.get(op.name)!;
    if (this.boundOf(op.name) !== undefined) {
      this.builder.add(op, shape);
      return;
    }
    const parameters = this.rangeParameters(op.name);
    if (BOUNDING.has(op.type) && impliesBound(op, parameters)) {
      this.parameters.set(op.name, parameters);
      this.builder.pair(op.inputs[0]!, op.name, parameters);
      return;
    }
    const { type, name, inputs, attributes } = op;
    this.emit(type, { name, inputs, attributes, shape, parameters });
  }

  private result(
    type: 'top.Mul' | 'top.MatMul',
    name: string,
    inputs: readonly (string | null)[],
    attributes: object,
    shape: readonly number[],
  ): void {
    if (this.boundOf(name) !== undefined) this.builder.create(type, name, inputs, attributes, shape);
    else this.emit(type, { name, inputs, attributes, shape, parameters: this.rangeParameters(name) });
  }

  /** The op under a raw name, then the pair that carries its name. */
  private emit(type: KnownOp['type'], part: Part): void {
    const { name, inputs, shape, parameters } = part;
    const attributes = withoutImpliedRelu(part.attributes, parameters);
    this.builder.create(type, name + RAW_SUFFIX, inputs, attributes, shape);
    this.parameters.set(name, parameters);
    this.builder.pair(name + RAW_SUFFIX, name, parameters);
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

  private rangeParameters(name: string): Int8Parameters {
    const { min, max } = coveredRange(this.plan.values.get(name)!, this.plan.asymmetric);
    return asymmetricParameters(min, max);
  }
}

interface Part {
  readonly name: string;
  readonly inputs: readonly (string | null)[];
  readonly attributes: object;
  readonly shape: readonly number[];
  readonly parameters: Int8Parameters;
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

function transposed(data: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(data.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) out[c * rows + r] = data[r * columns + c]!;
  return out;
}
