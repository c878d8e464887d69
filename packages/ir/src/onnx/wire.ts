import { onnx } from './generated/onnx.ts';

/**
 * Types of the generated protobuf code (onnx.proto). Absent optional fields read as `undefined` or as their protobuf default;
 * `Int64` fields arrive as `Long` objects or numbers and may be given as numbers.
 */
export type Int64 = number | { readonly low: number; readonly high: number; readonly unsigned: boolean };

export interface StringPairWire {
  key?: string;
  value?: string;
}

export interface DimensionWire {
  dimValue?: Int64;
  dimParam?: string;
}

export interface TypeWire {
  tensorType?: { elemType?: number; shape?: { dim?: DimensionWire[] } | null } | null;
}

export interface ValueInfoWire {
  name?: string;
  type?: TypeWire | null;
}

/** The numeric payloads are the packed bytes of the wire. */
export interface TensorWire {
  name?: string;
  dims?: Int64[];
  dataType?: number;
  rawData?: Uint8Array;
  floatData?: Uint8Array;
  int32Data?: Uint8Array;
  int64Data?: Uint8Array;
  doubleData?: Uint8Array;
  uint64Data?: Uint8Array;
  stringData?: Uint8Array[];
  externalData?: StringPairWire[];
  dataLocation?: number;
}

export interface AttributeWire {
  name?: string;
  type?: number;
  f?: number;
  i?: Int64;
  s?: Uint8Array;
  t?: TensorWire | null;
  g?: GraphWire | null;
  floats?: number[];
  ints?: Int64[];
  strings?: Uint8Array[];
  refAttrName?: string;
}

export interface NodeWire {
  name?: string;
  opType?: string;
  domain?: string;
  overload?: string;
  input?: string[];
  output?: string[];
  attribute?: AttributeWire[];
}

export interface GraphWire {
  name?: string;
  node?: NodeWire[];
  initializer?: TensorWire[];
  input?: ValueInfoWire[];
  output?: ValueInfoWire[];
  valueInfo?: ValueInfoWire[];
  sparseInitializer?: unknown[];
}

export interface FunctionWire {
  name?: string;
  domain?: string;
  overload?: string;
  input?: string[];
  output?: string[];
  attribute?: string[];
  attributeProto?: AttributeWire[];
  node?: NodeWire[];
  opsetImport?: { domain?: string; version?: Int64 }[];
}

export interface ModelWire {
  functions?: FunctionWire[];
  irVersion?: Int64;
  producerName?: string;
  producerVersion?: string;
  domain?: string;
  modelVersion?: Int64;
  docString?: string;
  graph?: GraphWire | null;
  opsetImport?: { domain?: string; version?: Int64 }[];
  metadataProps?: StringPairWire[];
}

interface Codec<T> {
  /** Throws when the bytes end early or are not protobuf. Byte fields are views on `bytes`. */
  decode(bytes: Uint8Array): T;
  encode(message: T): { finish(): Uint8Array };
}

const codecs = onnx as unknown as {
  readonly ModelProto: Codec<ModelWire>;
  readonly TensorProto: Codec<TensorWire>;
};

export const modelCodec: Codec<ModelWire> = codecs.ModelProto;
export const tensorCodec: Codec<TensorWire> = codecs.TensorProto;

/** A 64-bit field as a number; beyond 2^53 it is rounded to the nearest double. */
export function toNumber(value: Int64 | undefined | null): number {
  if (value === undefined || value === null) return 0;
  return typeof value === 'number' ? value : Number(toBigInt(value));
}

/** A 64-bit field exactly. */
export function toBigInt(value: Int64 | undefined | null): bigint {
  if (value === undefined || value === null) return 0n;
  if (typeof value === 'number') return BigInt(value);
  const low = BigInt(value.low >>> 0);
  return value.unsigned ? (BigInt(value.high >>> 0) << 32n) | low : (BigInt(value.high) << 32n) | low;
}
