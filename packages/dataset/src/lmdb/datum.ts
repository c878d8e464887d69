import { f32FromF16Bits, QError } from '@q/ir';

/** What a record of a calibration LMDB holds (bm1684-tools.md 3.1). */
export interface Datum {
  /** Empty where none is given. */
  readonly shape: readonly number[];
  readonly label?: number;
  /** A JPEG or PNG file instead of values. */
  readonly encoded?: Uint8Array;
  /** In C order; absent when `encoded`. */
  readonly values?: Float32Array;
  /** Whether the values were stored as unsigned bytes: pixels. */
  readonly isPixels: boolean;
}

const [FLOAT32, FLOAT16, INT8, UINT8, INT16, UINT16, INT32, UINT32] = [0, 1, 2, 3, 4, 5, 6, 7];
const [VARINT, FIXED64, BYTES, FIXED32] = [0, 1, 2, 5];

/** Fields of the message as they come. */
interface Fields {
  readonly dims: number[];
  readonly size: [channels: number, height: number, width: number];
  label?: number;
  data?: Uint8Array;
  readonly floats: number[];
  encoded: boolean;
  dtype: number;
}

/** @throws QError `dataset.lmdb` for a record that is no Datum */
export function readDatum(bytes: Uint8Array, where: string): Datum {
  const fields: Fields = { dims: [], size: [0, 0, 0], floats: [], encoded: false, dtype: UINT8! };
  for (const field of messageFields(bytes, where)) take(fields, field, where);
  const { dims, size, label, data, floats, encoded, dtype } = fields;
  const shape = dims.length > 0 ? dims : size.every((dim) => dim > 0) ? [...size] : [];
  const base = { shape, ...(label === undefined ? {} : { label }) };
  if (encoded && data !== undefined) return { ...base, encoded: data, isPixels: true };
  const values = floats.length > 0 ? Float32Array.from(floats) : valuesOf(data ?? new Uint8Array(0), dtype, where);
  return { ...base, values, isPixels: floats.length === 0 && dtype === UINT8 };
}

interface Field {
  readonly number: number;
  readonly wire: number;
  /** Varints. */
  readonly value: number;
  /** Everything else. */
  readonly bytes: Uint8Array;
}

function take(fields: Fields, { number, wire, value, bytes }: Field, where: string): void {
  if (number >= 1 && number <= 3 && wire === VARINT) fields.size[number - 1] = value;
  else if (number === 4 && wire === BYTES) fields.data = bytes;
  else if (number === 5 && wire === VARINT) fields.label = value;
  else if (number === 6) fields.floats.push(...float32s(bytes));
  else if (number === 7 && wire === VARINT) fields.encoded = value !== 0;
  else if (number === 8 && wire === BYTES) fields.dims.push(...shapeOf(bytes, where));
  else if (number === 9 && wire === VARINT) fields.dtype = value;
}

/** BlobShape: dim = 1, packed or not. */
function shapeOf(bytes: Uint8Array, where: string): number[] {
  return [...messageFields(bytes, where)].flatMap(({ number, wire, value, bytes: packed }) => {
    if (number !== 1) return [];
    if (wire === VARINT) return [value];
    const dims: number[] = [];
    for (let at = 0; at < packed.length; ) {
      const { value: dim, next } = varint(packed, at, where);
      dims.push(dim);
      at = next;
    }
    return dims;
  });
}

function* messageFields(bytes: Uint8Array, where: string): Generator<Field> {
  for (let at = 0; at < bytes.length; ) {
    const tag = varint(bytes, at, where);
    const [number, wire] = [Math.floor(tag.value / 8), tag.value % 8];
    at = tag.next;
    if (wire === VARINT) {
      const { value, next } = varint(bytes, at, where);
      yield { number, wire, value, bytes: bytes.subarray(0, 0) };
      at = next;
      continue;
    }
    const sized = wire === BYTES ? varint(bytes, at, where) : undefined;
    const from = sized?.next ?? at;
    const length = sized?.value ?? (wire === FIXED32 ? 4 : wire === FIXED64 ? 8 : Number.NaN);
    if (!(from + length <= bytes.length)) throw noDatum(where);
    yield { number, wire, value: 0, bytes: bytes.subarray(from, from + length) };
    at = from + length;
  }
}

function varint(bytes: Uint8Array, from: number, where: string): { value: number; next: number } {
  let value = 0;
  for (let i = 0; i < 10; i++) {
    const byte = bytes[from + i];
    if (byte === undefined) throw noDatum(where);
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return { value, next: from + i + 1 };
  }
  throw noDatum(where);
}

function valuesOf(data: Uint8Array, dtype: number, where: string): Float32Array {
  const { buffer } = data.slice();
  switch (dtype) {
    case FLOAT32:
      return float32s(data);
    case FLOAT16:
      return Float32Array.from(new Uint16Array(buffer), f32FromF16Bits);
    case INT8:
      return Float32Array.from(new Int8Array(buffer));
    case UINT8:
      return Float32Array.from(data);
    case INT16:
      return Float32Array.from(new Int16Array(buffer));
    case UINT16:
      return Float32Array.from(new Uint16Array(buffer));
    case INT32:
      return Float32Array.from(new Int32Array(buffer));
    case UINT32:
      return Float32Array.from(new Uint32Array(buffer));
    default:
      throw noDatum(where);
  }
}

function float32s(bytes: Uint8Array): Float32Array {
  return new Float32Array(bytes.slice().buffer, 0, Math.floor(bytes.length / 4));
}

function noDatum(where: string): QError {
  return new QError(`The record ${where} is no Datum.`, {
    code: 'dataset.lmdb',
    where,
    expected: 'records as convert_imageset or ufwio write them',
  });
}
