import type { Graph, KnownOp, OpOf } from '@q/ir';
import { COMPUTING } from '../../operators.ts';
import { dequantized } from '../../parameters.ts';
import { evaluate, evaluateParts } from './gradient/evaluate.ts';
import { fakeQuantize } from './gradient/fake-quantize.ts';
import { type Node, Tape } from './gradient/tape.ts';

/** Steps of codes are one variable where scale and zero point agree: values that share parameters learn them together. */
export const stepsKey = ({ scale, zeroPoint }: { scale: number; zeroPoint: number }) => `${scale} ${zeroPoint}`;

/**
 * A quantized block as a function that can be differentiated: filters are float variables behind their codes, scales of
 * activations and of filters with a scale per channel are variables, biases and other constants are not (spacemit.md 8.7).
 */
export class BlockProgram {
  /** By weight name. */
  readonly filters = new Map<string, Node>();
  readonly filterScales = new Map<string, Node>();
  /** By `stepsKey`. */
  readonly steps = new Map<string, Node>();
  private readonly readers = new Map<string, string[]>();

  constructor(
    /** The block with pairs. */
    private readonly quantized: Graph,
    /** The same block in float. */
    private readonly float: Graph,
  ) {
    for (const op of quantized.ops) {
      for (const name of op.inputs)
        if (name !== null) this.readers.set(name, [...(this.readers.get(name) ?? []), op.type]);
    }
    const tape = new Tape();
    for (const op of quantized.ops) {
      if (op.type === 'top.QuantizeLinear') {
        const [scale, zeroPoint] = [op.attributes.yScale[0]!, op.attributes.yZeroPoint[0]!];
        const key = stepsKey({ scale, zeroPoint });
        if (!this.steps.has(key)) this.steps.set(key, tape.node([1], Float32Array.of(scale)));
      } else if (op.type === 'top.DequantizeLinear' && this.isFilter(op.name, op.inputs[0]!)) {
        const name = op.inputs[0]!;
        const { type, data } = float.weights.get(name)!;
        this.filters.set(name, tape.node(type.shape, (data as Float32Array).slice()));
        this.filterScales.set(name, tape.node([op.attributes.xScale.length], Float32Array.from(op.attributes.xScale)));
      }
    }
  }

  /** Everything that is learned. */
  variables(): Node[] {
    const learned = [...this.filterScales].filter(([, scales]) => scales.data.length > 1).map(([, scales]) => scales);
    return [...this.filters.values(), ...learned, ...this.steps.values()];
  }

  run(tape: Tape, inputs: ReadonlyMap<string, Float32Array>): Map<string, Node> {
    const nodes = new Map<string, Node>();
    for (const op of this.quantized.ops) {
      if (op.type === 'top.Split') {
        const shapes = op.outputs.map((name) => this.quantized.values.get(name!)!.shape);
        const parts = evaluateParts(tape, op as OpOf<'top.Split'>, nodes.get(op.inputs[0]!)!, shapes);
        op.outputs.forEach((name, i) => {
          nodes.set(name!, parts[i]!);
        });
        continue;
      }
      const { shape } = this.quantized.values.get(op.outputs[0]!)!;
      nodes.set(op.outputs[0]!, this.compute(tape, op as KnownOp, { nodes, inputs, shape }));
    }
    return new Map(this.quantized.outputs.map((name) => [name, nodes.get(name)!]));
  }

  private compute(
    tape: Tape,
    op: KnownOp,
    {
      nodes,
      inputs,
      shape,
    }: { nodes: ReadonlyMap<string, Node>; inputs: ReadonlyMap<string, Float32Array>; shape: readonly number[] },
  ): Node {
    if (op.type === 'top.Input') return tape.node(shape, inputs.get(op.name)!.slice());
    // The codes themselves are not needed: the DequantizeLinear behind them computes both.
    if (op.type === 'top.QuantizeLinear') return nodes.get(op.inputs[0]!)!;
    if (op.type === 'top.DequantizeLinear') return this.codes(tape, op, nodes, shape);
    const operands = op.inputs.map((name) =>
      name === null ? undefined : (nodes.get(name) ?? this.constant(tape, name)),
    );
    return evaluate(tape, op, operands, shape);
  }

  private codes(
    tape: Tape,
    op: Extract<KnownOp, { type: 'top.DequantizeLinear' }>,
    nodes: ReadonlyMap<string, Node>,
    shape: readonly number[],
  ): Node {
    const [source] = op.inputs as [string];
    const { xScale: scales, xZeroPoint: zeroPoints, axis } = op.attributes;
    const activation = nodes.get(source);
    if (activation !== undefined) {
      const own = this.steps.get(stepsKey({ scale: scales[0]!, zeroPoint: zeroPoints[0]! }))!;
      return fakeQuantize(tape, activation, { scales: own, zeroPoints }, true);
    }
    const filter = this.filters.get(source);
    if (filter !== undefined) {
      const own = this.filterScales.get(source)!;
      return fakeQuantize(tape, filter, { scales: own, zeroPoints }, own.data.length > 1);
    }
    const codes = this.quantized.weights.get(source)!.data as Int8Array;
    return tape.node(shape, dequantized({ codes, scales, zeroPoints, axis: scales.length === 1 ? 0 : axis }, shape));
  }

  private constant(tape: Tape, name: string): Node {
    const { type, data } = this.quantized.weights.get(name)!;
    return tape.node(type.shape, Float32Array.from(data as Float32Array));
  }

  /** Filters of convolutions and products, with a scale per channel of dimension 0 or a single one. */
  private isFilter(dequantizedName: string, name: string): boolean {
    const [float, codes] = [this.float.weights.get(name), this.quantized.weights.get(name)];
    const isSame = float?.data instanceof Float32Array && float.type.shape.join() === codes?.type.shape.join();
    return (
      isSame &&
      codes?.data instanceof Int8Array &&
      (this.readers.get(dequantizedName) ?? []).every((type) => COMPUTING.has(type))
    );
  }
}
