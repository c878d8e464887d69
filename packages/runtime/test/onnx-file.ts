/** Just enough protobuf to write a one-node ONNX file with f32 and i64 inputs. */

type AttributeValue = number | string | readonly number[];

export interface OneNode {
  readonly opType: string;
  readonly opset: number;
  /** Element type and shape of each input. */
  readonly inputs: readonly (readonly ['f32' | 'i64' | 'bool', readonly number[]])[];
  readonly outputs?: number;
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
}

/** Inputs are called x0, x1, …, outputs y0, y1, …. */
export function oneNodeFile({ opType, opset, inputs, outputs = 1, attributes = {} }: OneNode): Uint8Array {
  const inputNames = inputs.map((_, index) => `x${index}`);
  const outputNames = Array.from({ length: outputs }, (_, index) => `y${index}`);
  const node = message(
    ...inputNames.map((name) => text(1, name)),
    ...outputNames.map((name) => text(2, name)),
    text(4, opType),
    ...Object.entries(attributes).map(([name, value]) => bytes(5, attribute(name, value))),
  );
  const graph = message(
    bytes(1, node),
    text(2, 'g'),
    ...inputs.map(([type, shape], index) => bytes(11, valueInfo(`x${index}`, ELEMENT_TYPES[type], shape))),
    ...outputNames.map((name) => bytes(12, valueInfo(name, 1, []))),
  );
  return message(varint(1, 10), bytes(7, graph), bytes(8, message(varint(2, opset))));
}

const ELEMENT_TYPES = { f32: 1, i64: 7, bool: 9 } as const;

function attribute(name: string, value: AttributeValue): Uint8Array {
  if (typeof value === 'string') return message(text(1, name), text(4, value), varint(20, 3));
  if (typeof value !== 'number')
    return message(text(1, name), ...value.map((entry) => varint(8, entry)), varint(20, 7));
  if (Number.isInteger(value)) return message(text(1, name), varint(3, value), varint(20, 2));
  const float = new Uint8Array(Float32Array.of(value).buffer);
  return message(text(1, name), Uint8Array.of((2 << 3) | 5, ...float), varint(20, 1));
}

function valueInfo(name: string, elementType: number, shape: readonly number[]): Uint8Array {
  const dims = message(...shape.map((dim) => bytes(1, message(varint(1, dim)))));
  const tensor = message(varint(1, elementType), bytes(2, dims));
  return message(text(1, name), bytes(2, message(bytes(1, tensor))));
}

function message(...fields: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(fields.flatMap((field) => [...field]));
}

function text(field: number, value: string): Uint8Array {
  return bytes(field, new TextEncoder().encode(value));
}

function bytes(field: number, value: Uint8Array): Uint8Array {
  return Uint8Array.of(...number((field << 3) | 2), ...number(value.length), ...value);
}

function varint(field: number, value: number): Uint8Array {
  return Uint8Array.of(...number(field << 3), ...number(value));
}

function number(value: number): number[] {
  let rest = BigInt.asUintN(64, BigInt(value));
  const result: number[] = [];
  for (; rest > 127n; rest >>= 7n) result.push(Number(rest & 127n) | 128);
  return [...result, Number(rest)];
}
