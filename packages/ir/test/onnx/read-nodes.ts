/** A few fields of an ONNX file, read without the code under test. */
export interface FileContent {
  readonly irVersion: number;
  readonly opset: number;
  readonly nodes: readonly {
    name: string;
    opType: string;
    inputs: string[];
    outputs: string[];
    attributes: Map<string, unknown>;
  }[];
  readonly initializers: ReadonlyMap<string, { dims: number[]; dataType: number; bytes: Uint8Array }>;
  readonly inputs: ReadonlyMap<string, number>;
  readonly outputs: ReadonlyMap<string, number>;
}

type Field = readonly [number: number, value: number | Uint8Array];

/** Fields of a protobuf message, in order: varints and fixed numbers as numbers, the rest as bytes. */
function fields(bytes: Uint8Array): Field[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const result: Field[] = [];
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++]!;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return Number(BigInt.asIntN(64, value));
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const [number, wire] = [tag >> 3, tag & 7];
    if (wire === 0) result.push([number, varint()]);
    else if (wire === 5) {
      result.push([number, view.getFloat32(at, true)]);
      at += 4;
    } else {
      const length = varint();
      result.push([number, bytes.subarray(at, at + length)]);
      at += length;
    }
  }
  return result;
}

const all = (message: readonly Field[], number: number) =>
  message.filter(([key]) => key === number).map(([, value]) => value);
const text = (value: unknown) => new TextDecoder().decode(value as Uint8Array);
const messages = (message: readonly Field[], number: number) =>
  all(message, number).map((value) => fields(value as Uint8Array));

function attribute(message: Field[]): [string, unknown] {
  const name = text(all(message, 1)[0]);
  const kind = all(message, 20)[0];
  const value =
    kind === 1
      ? all(message, 2)[0]
      : kind === 2
        ? (all(message, 3)[0] ?? 0)
        : kind === 3
          ? text(all(message, 4)[0])
          : all(message, kind === 6 ? 7 : 8);
  return [name, value];
}

const elementTypes = (values: Field[][]) =>
  new Map(
    values.map((value) => [text(all(value, 1)[0]), all(messages(messages(value, 2)[0]!, 1)[0]!, 1)[0] as number]),
  );

export function readOnnxFile(bytes: Uint8Array): FileContent {
  const model = fields(bytes);
  const graph = messages(model, 7)[0]!;
  return {
    irVersion: all(model, 1)[0] as number,
    opset: all(messages(model, 8)[0]!, 2)[0] as number,
    nodes: messages(graph, 1).map((node) => ({
      name: text(all(node, 3)[0]),
      opType: text(all(node, 4)[0]),
      inputs: all(node, 1).map(text),
      outputs: all(node, 2).map(text),
      attributes: new Map(messages(node, 5).map(attribute)),
    })),
    initializers: new Map(
      messages(graph, 5).map((tensor) => [
        text(all(tensor, 8)[0]),
        {
          dims: all(tensor, 1) as number[],
          dataType: all(tensor, 2)[0] as number,
          bytes: (all(tensor, 9)[0] ?? new Uint8Array()) as Uint8Array,
        },
      ]),
    ),
    inputs: elementTypes(messages(graph, 11)),
    outputs: elementTypes(messages(graph, 12)),
  };
}
