import {
  dequantize,
  type Emit,
  elementCount,
  type Graph,
  inputsOf,
  QError,
  roundToBf16,
  roundToF16,
  type Tensor,
  type TensorType,
  type TypedArray,
  toInt,
  typeOf,
} from '@q/ir';
import { createSession } from '@q/runtime';
import { valuesOf } from '@q/search';

export interface NetworkRun {
  /** Every tensor instead of the outputs (and what a final cast was made of). */
  readonly allTensors?: boolean;
  /** Integer results as codes, not as the reals that they stand for. */
  readonly fixed?: boolean;
  /** Takes warnings: accumulators beyond 2^24, where the vendor's own sums are not exact (numerics.md section 0). */
  readonly emit?: Emit;
}

/**
 * One run as `model_runner` does it (cli.md 8.1): results by layer name, as float32. A single array feeds a single
 * input whatever it is called.
 *
 * @throws QError `cli.input-missing`, `cli.input-count`, `cli.input-size`
 */
export async function runNetwork(
  graph: Graph,
  inputs: ReadonlyMap<string, Tensor>,
  { allTensors = false, fixed = false, emit }: NetworkRun = {},
): Promise<Map<string, Tensor>> {
  const feeds = feedsOf(graph, inputs);
  const names = allTensors ? [...graph.values.keys()] : reportedOutputs(graph);
  const session = await createSession(graph, {
    retain: allTensors ? 'all' : names,
    ...(emit === undefined ? {} : { emit }),
  });
  try {
    session.run(feeds);
    return new Map(
      names.map((name) => {
        const type = typeOf(graph, name)!;
        const data = session.read(name) as TypedArray;
        const floats = fixed ? Float32Array.from(data as ArrayLike<number>) : dequantize(data, type);
        return [name, { shape: type.shape, dtype: 'f32', data: floats }];
      }),
    );
  } finally {
    session.dispose();
  }
}

/** Network outputs, each followed by what a final cast of it was made of: a cast's own name is in no reference. */
export function reportedOutputs(graph: Graph): string[] {
  const names = graph.outputs.flatMap((output) => {
    const op = graph.ops.find((candidate) => candidate.outputs.includes(output));
    const isCast = op?.type === 'tpu.Cast' || op?.type === 'top.DequantizeLinear';
    const source = isCast ? op.inputs[0] : undefined;
    return typeof source === 'string' && graph.values.has(source) ? [output, source] : [output];
  });
  return [...new Set(names)];
}

/** Feeds in the types of the network's inputs: integer inputs take codes. */
export function feedsOf(graph: Graph, inputs: ReadonlyMap<string, Tensor>): Map<string, TypedArray> {
  const wanted = inputsOf(graph).map((op) => op.name);
  const [only] = inputs.values();
  if (inputs.size === 1 && wanted.length !== 1) {
    throw new QError(`one array was given, the network has ${wanted.length} inputs`, {
      code: 'cli.input-count',
      where: graph.name,
      found: [...inputs.keys()].join(', '),
      expected: wanted.join(', '),
    });
  }
  return new Map(
    wanted.map((name) => {
      const tensor = inputs.size === 1 ? only : inputs.get(name);
      if (tensor !== undefined) return [name, feedOf(name, tensor, typeOf(graph, name)!)];
      throw new QError(`no array for the input ${name}`, {
        code: 'cli.input-missing',
        where: name,
        found: [...inputs.keys()].join(', '),
        expected: `an array named ${name}`,
      });
    }),
  );
}

/** The data of one input in its own type: codes as they are, floats quantized as the vendor's `set_tensor` does. */
function feedOf(name: string, tensor: Tensor, type: TensorType): TypedArray {
  const values = repeated(name, valuesAsGiven(tensor), type);
  const { dtype, quantization } = type;
  if (dtype === 'f16' || dtype === 'bf16') {
    return Float32Array.from(values, dtype === 'f16' ? roundToF16 : roundToBf16);
  }
  if (quantization?.kind !== 'uniform') return typedValues(dtype, values);
  if (tensor.dtype === 'i8' || tensor.dtype === 'u8') return typedValues(dtype, values);
  const inverse = Math.fround(1 / quantization.scale);
  const zeroPoint = Math.fround(quantization.zeroPoint);
  // numerics.md section 0: every step in f32, then half away from zero, then the clamp of the storage type.
  const codes = values.map((value) => Math.fround(Math.fround(Math.fround(value) * inverse) + zeroPoint));
  return typedValues(
    dtype,
    codes.map((code) => toInt(code)),
    true,
  );
}

/** 16-bit unsigned data are BF16 bits in comparisons, but integers as network inputs. */
function valuesAsGiven(tensor: Tensor): Float64Array {
  return tensor.dtype === 'u16' ? Float64Array.from(tensor.data as Uint16Array) : valuesOf(tensor);
}

/** An array of one sample fills a batch. */
function repeated(name: string, values: Float64Array, type: TensorType): Float64Array {
  const length = elementCount(type.shape);
  if (values.length === length) return values;
  const batch = type.shape[0] ?? 1;
  if (values.length * batch === length) {
    const result = new Float64Array(length);
    for (let at = 0; at < batch; at++) result.set(values, at * values.length);
    return result;
  }
  throw new QError(`the array for ${name} has ${values.length} elements`, {
    code: 'cli.input-size',
    where: name,
    found: `${values.length} elements`,
    expected: `${length} (${type.shape.join('x')})`,
  });
}

function typedValues(dtype: TensorType['dtype'], values: Float64Array, clamp = false): TypedArray {
  const clamped = (low: number, high: number): Float64Array =>
    clamp ? values.map((value) => Math.min(Math.max(value, low), high)) : values;
  switch (dtype) {
    case 'i8':
      return Int8Array.from(clamped(-128, 127));
    case 'u8':
      return Uint8Array.from(clamped(0, 255));
    case 'i16':
      return Int16Array.from(clamped(-32768, 32767));
    case 'i32':
      return Int32Array.from(values);
    default:
      return Float32Array.from(values);
  }
}
