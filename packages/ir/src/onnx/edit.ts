import type { DType, TypedArray } from '../dtype.ts';
import { decodeWire } from './decode.ts';
import { type AttributeValue, attributeWire, tensorWire } from './export/tensor-wire.ts';
import { DATA_TYPES } from './tensor-data.ts';
import { type AttributeWire, type ModelWire, modelCodec, type NodeWire, type TensorWire } from './wire.ts';

/**
 * Changes an ONNX file in place of importing it: `edit` gets the decoded protobuf messages and may change them. Fields that
 * it leaves alone are written as they were read.
 *
 * @throws QError `onnx.corrupt`
 */
export function editOnnx(bytes: Uint8Array, edit: (model: ModelWire) => void, where = 'model'): Uint8Array {
  const model = decodeWire(bytes, where);
  edit(model);
  // Under Node the writer answers a Buffer, whose slice() is not an array's.
  return new Uint8Array(modelCodec.encode(model).finish());
}

/** The decoded protobuf messages of an ONNX file. Throws `onnx.corrupt`. */
export function readOnnxModel(bytes: Uint8Array, where = 'model'): ModelWire {
  return decodeWire(bytes, where);
}

/** A node of the protobuf; integers become ints unless wrapped in `{ float }`. */
export function onnxNode(
  opType: string,
  name: string,
  input: readonly string[],
  output: readonly string[],
  attributes: Readonly<Record<string, AttributeValue>> = {},
): NodeWire {
  const attribute: AttributeWire[] = Object.entries(attributes).map(([key, value]) => attributeWire(key, value));
  return { opType, name, input: [...input], output: [...output], attribute };
}

/** An initializer of the protobuf. Half floats are given as the bits of `Uint16Array`. */
export function onnxTensor(name: string, dtype: DType, dims: readonly number[], data: TypedArray): TensorWire {
  return tensorWire(name, dtype, dims, data);
}

/** TensorProto.DataType of an element type. */
export function onnxDataType(dtype: DType): number {
  return DATA_TYPES[dtype];
}
