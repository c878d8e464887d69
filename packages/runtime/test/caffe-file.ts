/** A `.caffemodel` written by hand: protobuf fields of caffe.proto, nothing of @q/ir in between. */
export interface Blob {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(Math.floor(value / 128))];
}

function field(number: number, bytes: readonly number[]): number[] {
  return [...varint(number * 8 + 2), ...varint(bytes.length), ...bytes];
}

/** BlobProto: data = 5, shape = 7 { dim = 1 }. */
function blob({ shape, data }: Blob): number[] {
  const floats = [...new Uint8Array(Float32Array.from(data).buffer)];
  return [...field(7, field(1, shape.flatMap(varint))), ...field(5, floats)];
}

/** NetParameter: layer = 100 { name = 1, blobs = 7 }. */
export function caffemodel(layers: Readonly<Record<string, readonly Blob[]>>): Uint8Array {
  const bytes = Object.entries(layers).flatMap(([name, blobs]) =>
    field(100, [...field(1, [...new TextEncoder().encode(name)]), ...blobs.flatMap((one) => field(7, blob(one)))]),
  );
  return Uint8Array.from(bytes);
}
