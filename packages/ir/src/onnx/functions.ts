import { QError } from '../errors.ts';
import type { AttributeWire, FunctionWire, GraphWire, ModelWire, NodeWire } from './wire.ts';

/** Deeper nesting than any exporter writes; functions that call each other in a circle end here. */
const MAX_DEPTH = 32;

const keyOf = ({ domain, opType, overload }: NodeWire): string => `${domain ?? ''}|${opType ?? ''}|${overload ?? ''}`;

/**
 * The model's graph with every call of a model-local function replaced by the function's nodes (ONNX IR, "Functions").
 * Values inside get the prefix `<first output of the call>/`. Throws `onnx.corrupt` for functions that call themselves.
 */
export function inlineFunctions(model: ModelWire, where: string): GraphWire | undefined {
  const { graph, functions = [] } = model;
  if (graph == null || functions.length === 0) return graph ?? undefined;
  const table = new Map<string, FunctionWire>(
    functions.map((f) => [`${f.domain ?? ''}|${f.name ?? ''}|${f.overload ?? ''}`, f]),
  );
  const expand = (nodes: readonly NodeWire[], depth: number): NodeWire[] => {
    if (depth > MAX_DEPTH) {
      throw new QError('The functions of the ONNX file call each other in a circle.', { code: 'onnx.corrupt', where });
    }
    return nodes.flatMap((node) => {
      const body = table.get(keyOf(node));
      return body === undefined ? [node] : expand(bodyOf(node, body), depth + 1);
    });
  };
  return { ...graph, node: expand(graph.node ?? [], 0) };
}

/** The nodes of `body` as the call `node` means them: names, and attributes that refer to the call's. */
function bodyOf(node: NodeWire, body: FunctionWire): NodeWire[] {
  const names = new Map<string, string>([['', '']]);
  (body.input ?? []).forEach((name, index) => {
    names.set(name, node.input?.[index] ?? '');
  });
  (body.output ?? []).forEach((name, index) => {
    if (node.output?.[index]) names.set(name, node.output[index]);
  });
  const prefix = node.output?.find((name) => name !== '') ?? node.name ?? '';
  const rename = (name: string) => names.get(name) ?? `${prefix}/${name}`;
  const given = new Map([
    ...(body.attributeProto ?? []).map((attribute) => [attribute.name ?? '', attribute] as const),
    ...(node.attribute ?? []).map((attribute) => [attribute.name ?? '', attribute] as const),
  ]);
  return (body.node ?? []).map((inner) => renamed(inner, rename, given));
}

function renamed(
  node: NodeWire,
  rename: (name: string) => string,
  given: ReadonlyMap<string, AttributeWire>,
): NodeWire {
  const attributes = (node.attribute ?? []).flatMap((attribute): AttributeWire[] => {
    if (attribute.refAttrName) {
      const value = given.get(attribute.refAttrName);
      return value === undefined ? [] : [{ ...value, name: attribute.name ?? '' }];
    }
    if (attribute.g == null) return [{ ...attribute }];
    // Names that a body defines itself are renamed alike everywhere, which keeps them consistent.
    const { g } = attribute;
    const inner = {
      ...g,
      node: (g.node ?? []).map((child) => renamed(child, rename, given)),
      input: (g.input ?? []).map((value) => ({ ...value, name: rename(value.name ?? '') })),
      output: (g.output ?? []).map((value) => ({ ...value, name: rename(value.name ?? '') })),
      initializer: (g.initializer ?? []).map((value) => ({ ...value, name: rename(value.name ?? '') })),
    };
    return [{ ...attribute, g: inner }];
  });
  return {
    ...node,
    name: rename(node.name ?? ''),
    input: (node.input ?? []).map(rename),
    output: (node.output ?? []).map(rename),
    attribute: attributes,
  };
}
