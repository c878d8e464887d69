import { elementCount } from '../dtype.ts';
import { QError } from '../errors.ts';
import { viewBytes } from '../tensor.ts';
import { type BlobWire, type NetWire, netCodec, toNumber } from './wire.ts';

export interface Blob {
  readonly shape: readonly number[];
  /** A view on the file where its bytes are aligned. */
  readonly data: Float32Array;
}

/**
 * The blobs of every layer of a `.caffemodel`, by layer name; `layers` of files from before 2014 included.
 *
 * @throws QError `caffe.corrupt` (no protobuf, or cut off), `caffe.blob` (data that do not fit their shape)
 */
export function readBlobs(bytes: Uint8Array, where: string): ReadonlyMap<string, readonly Blob[]> {
  const net = decode(bytes, where);
  const layers = [...(net.layer ?? []), ...(net.layers ?? [])];
  if (layers.length === 0) throw corrupt(where, 'no layers', undefined);
  const blobs = new Map<string, readonly Blob[]>();
  for (const layer of layers) {
    const name = layer.name ?? '';
    const list = (layer.blobs ?? []).map((blob, index) => readBlob(blob, `${where}: ${name}, blob ${index}`));
    // Split layers that Caffe inserts have no blobs and names of their own; of layers with one name the first has the data.
    if (list.length > 0 && !blobs.has(name)) blobs.set(name, list);
  }
  return blobs;
}

function decode(bytes: Uint8Array, where: string): NetWire {
  try {
    // A plain Uint8Array keeps the reader on its portable path, where byte fields are views.
    return netCodec.decode(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  } catch (cause) {
    throw corrupt(where, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function corrupt(where: string, found: string, cause: unknown): QError {
  return new QError(
    `${where} is no caffemodel, or it is cut off.`,
    { code: 'caffe.corrupt', where, found, expected: 'a binary protobuf with layers', hint: 'download it again' },
    { cause },
  );
}

function readBlob(blob: BlobWire, where: string): Blob {
  const data = elements(blob);
  const legacy = [blob.num, blob.channels, blob.height, blob.width];
  const shape =
    blob.shape?.dim?.map(toNumber) ?? (legacy.some((dim) => (dim ?? 0) !== 0) ? legacy.map((dim) => dim ?? 0) : []);
  if (elementCount(shape) === data.length) return { shape, data };
  throw new QError(`${where} has data that do not fit its shape.`, {
    code: 'caffe.blob',
    where,
    found: `${data.length} numbers`,
    expected: `${elementCount(shape)} for [${shape.join(', ')}]`,
  });
}

function elements({ data, doubleData }: BlobWire): Float32Array {
  const whole = (bytes: Uint8Array, size: number) => bytes.subarray(0, bytes.length - (bytes.length % size));
  if (doubleData !== undefined && doubleData.length > 0)
    return Float32Array.from(viewBytes('f64', whole(doubleData, 8)) as Float64Array);
  return viewBytes('f32', whole(data ?? new Uint8Array(), 4)) as Float32Array;
}
