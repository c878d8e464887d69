import { elementCount, type TypedArray } from '../dtype.ts';
import { QError } from '../errors.ts';
import { f32FromBf16Bits, f32FromF16Bits } from '../quantization/float16.ts';
import { type TensorWire, toNumber } from './wire.ts';

/** Element types of ONNX tensors, in the words of `DType` where one exists. */
export type ElementType =
  | 'f32'
  | 'f64'
  | 'f16'
  | 'bf16'
  | 'u8'
  | 'i8'
  | 'u16'
  | 'i16'
  | 'i32'
  | 'u32'
  | 'i64'
  | 'u64'
  | 'u4'
  | 'i4'
  | 'bool'
  | 'string';

/**
 * A constant tensor. `f16` and `bf16` are widened to a Float32Array, 4-bit types to one byte per element, booleans are a
 * Uint8Array of 0 and 1; everything else has its own array type and is a view on the file where the file is aligned.
 */
export interface Constant {
  readonly shape: readonly number[];
  readonly elementType: ElementType;
  readonly data: TypedArray;
}

/** TensorProto.DataType of every element type. */
export const DATA_TYPES: Readonly<Record<ElementType, number>> = {
  f32: 1,
  u8: 2,
  i8: 3,
  u16: 4,
  i16: 5,
  i32: 6,
  i64: 7,
  string: 8,
  bool: 9,
  f16: 10,
  f64: 11,
  u32: 12,
  u64: 13,
  bf16: 16,
  u4: 21,
  i4: 22,
};

const ELEMENT_TYPES: ReadonlyMap<number, ElementType> = new Map(
  (Object.keys(DATA_TYPES) as ElementType[]).map((type) => [DATA_TYPES[type], type]),
);

/** The element type of a TensorProto.DataType number; undefined for types that are not supported (complex, float8 …). */
export function elementTypeOf(dataType: number | undefined): ElementType | undefined {
  return ELEMENT_TYPES.get(dataType ?? 0);
}

/** External payloads by the `location` that the model gives (ONNX external data). */
export type ExternalData = (location: string) => Uint8Array | undefined;

/** Where the data of tensors come from, and where those go that a file does not align to their elements. */
export interface TensorMemory {
  readonly external?: ExternalData | undefined;
  /** Copies bytes to an address that is a multiple of 8. Default: every tensor into a buffer of its own. */
  readonly realign?: (bytes: Uint8Array) => Uint8Array;
}

/** Decodes a TensorProto; throws `onnx.tensor` or `onnx.external-data`. */
export function decodeTensor(tensor: TensorWire, where: string, memory: TensorMemory = {}): Constant {
  const shape = (tensor.dims ?? []).map(toNumber);
  const elementType = elementTypeOf(tensor.dataType);
  if (elementType === undefined || elementType === 'string') {
    throw tensorError(where, `element type ${tensor.dataType ?? 0}`, 'a numeric element type');
  }
  const count = elementCount(shape);
  const data = readPayload(tensor, { type: elementType, count, where, memory });
  if (data.length < count) throw tensorError(where, `${data.length} elements`, `${count} elements`);
  return { shape, elementType, data: data.length === count ? data : data.subarray(0, count) };
}

function tensorError(where: string, found: string, expected: string): QError {
  return new QError(`The tensor ${where} of the ONNX file is not usable.`, {
    code: 'onnx.tensor',
    where,
    found,
    expected,
  });
}

interface Payload {
  readonly type: ElementType;
  readonly count: number;
  readonly where: string;
  readonly memory: TensorMemory;
}

function readPayload(tensor: TensorWire, { type, count, where, memory }: Payload): TypedArray {
  const raw = tensor.dataLocation === 1 ? externalBytes(tensor, where, memory.external) : present(tensor.rawData);
  const view = viewer(memory);
  if (raw !== undefined) return rawElements(raw, type, count, view);
  if (type === 'f32') return view(tensor.floatData ?? new Uint8Array(), 4, Float32Array);
  if (type === 'f64') return view(tensor.doubleData ?? new Uint8Array(), 8, Float64Array);
  if (type === 'i64') return BigInt64Array.from(varints(tensor.int64Data));
  if (type === 'u64') return BigUint64Array.from(varints(tensor.uint64Data));
  if (type === 'u32') return Uint32Array.from(varints(tensor.uint64Data), (value) => Number(value));
  return fromInt32Data(
    Int32Array.from(varints(tensor.int32Data), (value) => Number(BigInt.asIntN(32, value))),
    type,
    count,
  );
}

function present(bytes: Uint8Array | undefined): Uint8Array | undefined {
  return bytes !== undefined && bytes.length > 0 ? bytes : undefined;
}

function externalBytes(tensor: TensorWire, where: string, external?: ExternalData): Uint8Array {
  const entries = new Map((tensor.externalData ?? []).map(({ key, value }) => [key, value]));
  const location = entries.get('location') ?? '';
  if (isOutside(location)) {
    throw new QError(`The ONNX file keeps the tensor ${where} outside of its own folder.`, {
      code: 'onnx.external-data',
      where,
      found: location,
      expected: 'a relative path inside the folder of the model',
    });
  }
  const bytes = external?.(location);
  if (bytes === undefined) {
    throw new QError(`The ONNX file keeps the tensor ${where} in another file, which is missing.`, {
      code: 'onnx.external-data',
      where,
      found: location,
      expected: 'the file next to the model',
    });
  }
  const offset = Number(entries.get('offset') ?? 0);
  const end = offset + Number(entries.get('length') ?? bytes.length - offset);
  if (!(offset >= 0 && end >= offset && end <= bytes.length)) {
    throw tensorError(where, `bytes ${offset} to ${end} of ${location}`, `a part of its ${bytes.length} bytes`);
  }
  return bytes.subarray(offset, end);
}

/** Absolute paths, drives, and paths that climb out of the folder. */
function isOutside(location: string): boolean {
  return /^([/\\\\]|[A-Za-z]:)/.test(location) || location.split(/[/\\\\]/).includes('..');
}

/** Elements of little-endian raw bytes. */
function rawElements(bytes: Uint8Array, type: ElementType, count: number, view: View): TypedArray {
  switch (type) {
    case 'f32':
      return view(bytes, 4, Float32Array);
    case 'f64':
      return view(bytes, 8, Float64Array);
    case 'i64':
      return view(bytes, 8, BigInt64Array);
    case 'u64':
      return view(bytes, 8, BigUint64Array);
    case 'i32':
      return view(bytes, 4, Int32Array);
    case 'u32':
      return view(bytes, 4, Uint32Array);
    case 'i16':
      return view(bytes, 2, Int16Array);
    case 'u16':
      return view(bytes, 2, Uint16Array);
    case 'f16':
      return Float32Array.from(view(bytes, 2, Uint16Array), f32FromF16Bits);
    case 'bf16':
      return Float32Array.from(view(bytes, 2, Uint16Array), f32FromBf16Bits);
    case 'i8':
      return view(bytes, 1, Int8Array);
    case 'i4':
      return Int8Array.from(nibbles(bytes, count), (value) => (value << 28) >> 28);
    case 'u4':
      return Uint8Array.from(nibbles(bytes, count));
    default:
      return bytes;
  }
}

/** The types that share TensorProto.int32_data. */
function fromInt32Data(values: Int32Array, type: ElementType, count: number): TypedArray {
  switch (type) {
    case 'f16':
      return Float32Array.from(values, f32FromF16Bits);
    case 'bf16':
      return Float32Array.from(values, f32FromBf16Bits);
    case 'i8':
      return Int8Array.from(values);
    case 'i16':
      return Int16Array.from(values);
    case 'u16':
      return Uint16Array.from(values);
    case 'i4':
    case 'u4':
      return rawElements(Uint8Array.from(values), type, count, viewer({}));
    case 'i32':
      return values;
    default:
      return Uint8Array.from(values);
  }
}

type ArrayConstructor<T> = new (buffer: ArrayBufferLike, byteOffset: number, length: number) => T;

type View = <T>(bytes: Uint8Array, size: number, Type: ArrayConstructor<T>) => T;

/** Makes a typed view on bytes, or on a copy when they are not aligned. Incomplete trailing elements are dropped. */
function viewer({ realign = (bytes) => bytes.slice() }: TensorMemory): View {
  return (bytes, size, Type) => {
    const aligned = bytes.byteOffset % size === 0 ? bytes : realign(bytes);
    return new Type(aligned.buffer, aligned.byteOffset, Math.floor(bytes.length / size));
  };
}

function nibbles(bytes: Uint8Array, count: number): number[] {
  return Array.from({ length: Math.min(count, bytes.length * 2) }, (_, index) => {
    const byte = bytes[index >> 1]!;
    return index % 2 === 0 ? byte & 15 : byte >> 4;
  });
}

/** Packed protobuf varints. */
function* varints(bytes: Uint8Array | undefined): Generator<bigint> {
  let value = 0n;
  let shift = 0n;
  for (const byte of bytes ?? []) {
    value |= BigInt(byte & 127) << shift;
    shift += 7n;
    if (byte >= 128) continue;
    yield BigInt.asIntN(64, value);
    value = 0n;
    shift = 0n;
  }
}
