import { caffe } from './generated/caffe.ts';

/** Types of the generated protobuf code (caffe.proto); absent optional fields read as their protobuf default. */
type Int64 = number | { readonly low: number; readonly high: number };

export interface BlobWire {
  num?: number;
  channels?: number;
  height?: number;
  width?: number;
  /** Packed little-endian floats. */
  data?: Uint8Array;
  doubleData?: Uint8Array;
  shape?: { dim?: Int64[] } | null;
}

export interface LayerWire {
  name?: string;
  /** A name; in `layers` of old files a number. */
  type?: string | number;
  bottom?: string[];
  top?: string[];
  blobs?: BlobWire[];
}

export interface NetWire {
  name?: string;
  /** Files from before 2014. */
  layers?: LayerWire[];
  layer?: LayerWire[];
}

interface Codec<T> {
  /** Throws when the bytes end early or are not protobuf. Byte fields are views on `bytes`. */
  decode(bytes: Uint8Array): T;
  encode(message: T): { finish(): Uint8Array };
}

export const netCodec = (caffe as unknown as { readonly NetParameter: Codec<NetWire> }).NetParameter;

/** A 64-bit field as a number. */
export function toNumber(value: Int64): number {
  return typeof value === 'number' ? value : value.high * 2 ** 32 + (value.low >>> 0);
}
