import { type Issue, isQError, QError } from '../errors.ts';
import { AlignedCopies } from './aligned-copies.ts';
import { inlineFunctions } from './functions.ts';
import type { OnnxAttribute, OnnxBody, OnnxGraph, OnnxInput, OnnxNode } from './onnx-graph.ts';
import {
  type Constant,
  decodeTensor,
  type ElementType,
  type ExternalData,
  elementTypeOf,
  type TensorMemory,
} from './tensor-data.ts';
import {
  type AttributeWire,
  type GraphWire,
  type ModelWire,
  modelCodec,
  type NodeWire,
  toBigInt,
  toNumber,
  type ValueInfoWire,
} from './wire.ts';

/**
 * Reads an ONNX file. Constants are views on `bytes` where alignment allows it, and else on copies that share a few blocks.
 * Throws `onnx.corrupt` (not ONNX, or cut off), or one error with every unusable tensor.
 */
export function decodeModel(bytes: Uint8Array, where: string, external?: ExternalData): OnnxGraph {
  const model = decodeWire(bytes, where);
  const graph = inlineFunctions(model, where);
  if (graph === undefined || graph === null || ((graph.node?.length ?? 0) === 0 && (graph.output?.length ?? 0) === 0)) {
    throw corrupt(where, 'no graph', undefined);
  }
  // Required since IR version 3, and written after the graph: a file cut off behind its graph shows here.
  if (toNumber(model.irVersion) >= 3 && (model.opsetImport?.length ?? 0) === 0) {
    throw corrupt(where, 'no opset_import', undefined);
  }
  const issues: Issue[] = [];
  const copies = new AlignedCopies(graph.initializer ?? []);
  const decoder = new GraphDecoder(issues, { external, realign: (tensor) => copies.copy(tensor) });
  const decoded = decoder.graph(graph, opsetOf(model));
  if (issues.length > 0) {
    throw new QError(`The ONNX file has ${issues.length} tensor(s) that cannot be used.`, issues[0]!, { issues });
  }
  return decoded;
}

export function decodeWire(bytes: Uint8Array, where: string): ModelWire {
  try {
    // A plain Uint8Array keeps the reader on its portable path, where byte fields are views.
    return modelCodec.decode(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  } catch (cause) {
    throw corrupt(where, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function corrupt(where: string, found: string, cause: unknown): QError {
  return new QError(
    'The file is not an ONNX model, or it is cut off.',
    {
      code: 'onnx.corrupt',
      where,
      found,
      expected: 'an ONNX protobuf with a graph',
      hint: 'export or download it again',
    },
    { cause },
  );
}

function opsetOf(model: ModelWire): number {
  const standard = (model.opsetImport ?? []).find(({ domain }) => (domain ?? '') === '' || domain === 'ai.onnx');
  return standard === undefined ? 1 : toNumber(standard.version);
}

class GraphDecoder {
  constructor(
    private readonly issues: Issue[],
    private readonly memory: TensorMemory,
  ) {}

  graph(wire: GraphWire, opset: number): OnnxGraph {
    const constants = new Map<string, Constant>();
    for (const tensor of wire.initializer ?? []) {
      const constant = this.tensor(() => decodeTensor(tensor, tensor.name ?? '', this.memory));
      if (constant !== undefined) constants.set(tensor.name ?? '', constant);
    }
    if ((wire.sparseInitializer?.length ?? 0) > 0) {
      this.issues.push({
        code: 'onnx.tensor',
        where: 'sparse_initializer',
        found: 'sparse tensors',
        expected: 'dense tensors',
      });
    }
    return {
      opset,
      nodes: (wire.node ?? []).map((node) => this.node(node)),
      // Old exporters list the initializers among the inputs, too.
      inputs: (wire.input ?? []).filter(({ name }) => !constants.has(name ?? '')).map((input) => this.input(input)),
      outputs: (wire.output ?? []).map(({ name }) => name ?? ''),
      constants,
    };
  }

  private body(wire: GraphWire): OnnxBody {
    const { nodes, outputs, constants } = this.graph(wire, 0);
    return { inputs: (wire.input ?? []).map(({ name }) => name ?? ''), outputs, nodes, constants };
  }

  private tensor(decode: () => Constant): Constant | undefined {
    try {
      return decode();
    } catch (error) {
      if (!isQError(error)) throw error;
      this.issues.push(...error.issues);
      return undefined;
    }
  }

  private input(wire: ValueInfoWire): OnnxInput {
    const tensor = wire.type?.tensorType;
    const elementType: ElementType | undefined = elementTypeOf(tensor?.elemType);
    const dims = tensor?.shape?.dim ?? [];
    return {
      name: wire.name ?? '',
      elementType: elementType ?? 'f32',
      shape: dims.map(({ dimValue }) => (dimValue === undefined || toNumber(dimValue) <= 0 ? -1 : toNumber(dimValue))),
      ...(tensor?.shape != null && dims.length === 0 ? { isScalar: true } : {}),
      ...(dims.some(({ dimValue }) => dimValue != null && toNumber(dimValue) === 0) ? { isEmpty: true } : {}),
    };
  }

  private node(wire: NodeWire): OnnxNode {
    const domain = wire.domain ?? '';
    const opType = wire.opType ?? '';
    const attributes = (wire.attribute ?? []).map(
      (attribute) => [attribute.name ?? '', this.attribute(attribute)] as const,
    );
    return {
      name: wire.name ?? '',
      opType: domain === '' || domain === 'ai.onnx' ? opType : `${domain}.${opType}`,
      inputs: [...(wire.input ?? [])],
      outputs: [...(wire.output ?? [])],
      attributes: new Map(attributes),
    };
  }

  private attribute(wire: AttributeWire): OnnxAttribute {
    switch (wire.type || guessedType(wire)) {
      case 1:
        return { kind: 'float', value: wire.f ?? 0 };
      case 2:
        return { kind: 'int', value: toBigInt(wire.i) };
      case 3:
        return { kind: 'string', value: new TextDecoder().decode(wire.s ?? new Uint8Array()) };
      case 4: {
        const where = wire.t?.name || (wire.name ?? '');
        const value = this.tensor(() => decodeTensor(wire.t ?? {}, where, this.memory));
        return value === undefined ? { kind: 'other' } : { kind: 'tensor', value };
      }
      case 5:
        return wire.g == null ? { kind: 'other' } : { kind: 'graph', value: this.body(wire.g) };
      case 6:
        return { kind: 'floats', value: wire.floats ?? [] };
      case 7:
        return { kind: 'ints', value: (wire.ints ?? []).map(toBigInt) };
      case 8:
        return { kind: 'strings', value: (wire.strings ?? []).map((bytes) => new TextDecoder().decode(bytes)) };
      default:
        return { kind: 'other' };
    }
  }
}

/** Files of the first IR versions do not say what an attribute is: the field that is set does. */
function guessedType(wire: AttributeWire): number {
  const own = (field: keyof AttributeWire) => Object.hasOwn(wire, field) && wire[field] != null;
  const fields: readonly (readonly [keyof AttributeWire, number])[] = [
    ['f', 1],
    ['i', 2],
    ['s', 3],
    ['t', 4],
    ['g', 5],
    ['floats', 6],
    ['ints', 7],
    ['strings', 8],
  ];
  return fields.find(([field]) => own(field))?.[1] ?? 0;
}
