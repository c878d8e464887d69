import { elementCount, type Graph } from '../../src/index.ts';
import { type ImportOptions, importOnnx } from '../../src/onnx/import.ts';
import { type AttributeWire, modelCodec, type NodeWire, type TensorWire } from '../../src/onnx/wire.ts';

type AttributeValue = number | string | readonly number[] | TensorWire | { readonly float: number };

/** A float tensor; without data a fixed pattern of small numbers. */
export function floats(shape: readonly number[], data?: readonly number[]): TensorWire {
  const values = data ?? Array.from({ length: elementCount(shape) }, (_, index) => ((index * 7) % 11) / 8 - 0.5);
  return { dims: [...shape], dataType: 1, rawData: new Uint8Array(Float32Array.from(values).buffer) };
}

export function int64s(data: readonly (number | bigint)[], shape: readonly number[] = [data.length]): TensorWire {
  return { dims: [...shape], dataType: 7, rawData: new Uint8Array(BigInt64Array.from(data, BigInt).buffer) };
}

function attribute(name: string, value: AttributeValue): AttributeWire {
  if (typeof value === 'number') return { name, type: 2, i: value };
  if (typeof value === 'string') return { name, type: 3, s: new TextEncoder().encode(value) };
  if ('float' in value) return { name, type: 1, f: value.float };
  if (Array.isArray(value)) return { name, type: 7, ints: [...value] };
  return { name, type: 4, t: value as TensorWire };
}

export function node(
  opType: string,
  input: readonly string[],
  output: readonly string[],
  attributes: Readonly<Record<string, AttributeValue>> = {},
): NodeWire {
  const list = Object.entries(attributes).map(([name, value]) => attribute(name, value));
  return { opType, input: [...input], output: [...output], name: `node_${output[0]}`, attribute: list };
}

export interface ModelDescription {
  readonly inputs: Readonly<Record<string, readonly (number | string)[]>>;
  readonly inputType?: number;
  readonly outputs: readonly string[];
  readonly initializers?: Readonly<Record<string, TensorWire>>;
  readonly nodes: readonly NodeWire[];
  readonly opset?: number;
  /** Also list the initializers among the inputs, as old exporters do. */
  readonly initializersAsInputs?: boolean;
}

/** An ONNX file with this content. */
export function modelBytes(description: ModelDescription): Uint8Array {
  const elemType = description.inputType ?? 1;
  const valueInfo = (name: string, dims: readonly (number | string)[]) => ({
    name,
    type: {
      tensorType: {
        elemType,
        shape: { dim: dims.map((dim) => (typeof dim === 'number' ? { dimValue: dim } : { dimParam: dim })) },
      },
    },
  });
  const initializers = Object.entries(description.initializers ?? {}).map(([name, tensor]) => ({ ...tensor, name }));
  const listed = description.initializersAsInputs
    ? initializers.map(({ name, dims }) => valueInfo(name, (dims ?? []).map(Number)))
    : [];
  return modelCodec
    .encode({
      irVersion: 8,
      opsetImport: [{ domain: '', version: description.opset ?? 13 }],
      graph: {
        name: 'g',
        node: [...description.nodes],
        initializer: initializers,
        input: [...Object.entries(description.inputs).map(([name, dims]) => valueInfo(name, dims)), ...listed],
        output: description.outputs.map((name) => ({ name })),
      },
    })
    .finish();
}

export function importModel(description: ModelDescription, options: Partial<ImportOptions> = {}): Graph {
  return importOnnx(modelBytes(description), { name: 'test', ...options });
}

/** `type name` of every operator after the inputs. */
export function layers(graph: Graph): string[] {
  return graph.ops.filter((op) => op.type !== 'top.Input').map((op) => `${op.type.replace('top.', '')} ${op.name}`);
}

/** One ONNX node between `x` and `y`, as layers. */
export function layersOf(
  opType: string,
  shape: readonly number[],
  attributes: Readonly<Record<string, AttributeValue>> = {},
  constants: Readonly<Record<string, TensorWire>> = {},
  opset = 13,
): string[] {
  const nodes = [node(opType, ['x', ...Object.keys(constants)], ['y'], attributes)];
  return layers(importModel({ inputs: { x: shape }, outputs: ['y'], initializers: constants, nodes, opset }));
}
