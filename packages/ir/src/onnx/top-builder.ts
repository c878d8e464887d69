import { QError } from '../errors.ts';
import type { KnownOp, Weight } from '../graph.ts';
import { attributesWithDefaults } from '../operators/defaults.ts';
import { type OpAttributes, type OpType, operatorTable } from '../operators/index.ts';
import type { TensorType } from '../tensor-type.ts';

/** A weight whose data are made when somebody looks at them: type inference does not. */
class LazyWeight implements Weight {
  readonly type: TensorType;
  private readonly make: () => Float32Array;
  private made: Float32Array | undefined;

  constructor(shape: readonly number[], make: () => Float32Array) {
    this.type = { shape: shape.length === 0 ? [1] : shape, dtype: 'f32' };
    this.make = make;
  }

  get data(): Float32Array {
    this.made ??= this.make();
    return this.made;
  }
}

export interface NewOp<T extends OpType> {
  readonly name: string;
  readonly inputs: readonly (string | null)[];
  readonly attributes?: Partial<OpAttributes[T]>;
  /** Result names when there are several; `null` for results that nobody wants. */
  readonly outputs?: readonly (string | null)[];
}

/** Collects Top operators; every added one gets its result types from its row's shape rule. */
export class TopBuilder {
  readonly ops: KnownOp[] = [];
  readonly values = new Map<string, TensorType>();
  readonly weights = new Map<string, Weight>();

  addInput(name: string, shape: readonly number[], attributes: OpAttributes['top.Input']): void {
    this.ops.push({ type: 'top.Input', name, inputs: [], outputs: [name], attributes });
    this.values.set(name, { shape, dtype: 'f32' });
  }

  /** Returns the layer name. Throws `graph.shape-mismatch` and friends. */
  add<T extends OpType>(type: T, { name, inputs, attributes, outputs = [name] }: NewOp<T>): string {
    const weightOf = (index: number) => {
      const operand = inputs[index];
      return operand == null ? undefined : this.weights.get(operand);
    };
    const full = attributesWithDefaults(type, attributes ?? {});
    const result = operatorTable[type].inferShapes({
      attributes: full,
      inputs: inputs.map((input) => (input === null ? null : this.typeOf(input))),
      weight: weightOf,
    });
    const fixed = result.attributes ?? full;
    outputs.forEach((output, index) => {
      if (output !== null) this.values.set(output, result.outputs[index]!);
    });
    // The layer's name is that of its first result, produced or not (ir.md 2.5).
    this.ops.push({ type, name, inputs, outputs, attributes: fixed } as unknown as KnownOp);
    return name;
  }

  /** Registers a weight once; `make` runs when the data are needed. */
  addWeight(name: string, shape: readonly number[], make: () => Float32Array): string {
    if (!this.weights.has(name)) this.weights.set(name, new LazyWeight(shape, make));
    return name;
  }

  typeOf(name: string): TensorType {
    const type = this.values.get(name) ?? this.weights.get(name)?.type;
    if (type === undefined) {
      throw new QError(`The value ${name} is used before it is made.`, { code: 'graph.unknown-operand', where: name });
    }
    return type;
  }
}
