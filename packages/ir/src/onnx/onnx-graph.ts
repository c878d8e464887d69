import type { TypedArray } from '../dtype.ts';
import type { Constant, ElementType } from './tensor-data.ts';

export type OnnxAttribute =
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'int'; readonly value: bigint }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'tensor'; readonly value: Constant }
  | { readonly kind: 'floats'; readonly value: readonly number[] }
  | { readonly kind: 'ints'; readonly value: readonly bigint[] }
  | { readonly kind: 'strings'; readonly value: readonly string[] }
  | { readonly kind: 'graph'; readonly value: OnnxBody }
  | { readonly kind: 'other' };

/** A node of the ONNX graph. Nodes are replaced, never changed, except for their inputs when a value is renamed. */
export interface OnnxNode {
  readonly name: string;
  /** With the domain in front (`com.microsoft.Gelu`) when it is not the standard one. */
  readonly opType: string;
  /** `''` is an absent optional input. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, OnnxAttribute>;
  /** Layer name of a node that a rewrite made, where `<output>_<type>` is not it. */
  readonly layer?: string;
}

/** The graph inside `If`, `Loop` and `Scan`; it may read values of the graphs around it. */
export interface OnnxBody {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly nodes: readonly OnnxNode[];
  readonly constants: ReadonlyMap<string, Constant>;
}

/** Names that a node reads: its inputs, and what its bodies take from outside. */
export function readsOf(node: OnnxNode): readonly string[] {
  const captured = [...node.attributes.values()].flatMap((attribute) =>
    attribute.kind === 'graph' ? capturedBy(attribute.value) : [],
  );
  return captured.length === 0 ? node.inputs : [...node.inputs, ...captured];
}

function capturedBy(body: OnnxBody): string[] {
  const own = new Set([...body.inputs, ...body.constants.keys(), ...body.nodes.flatMap((node) => node.outputs)]);
  return [...body.nodes.flatMap(readsOf), ...body.outputs].filter((name) => name !== '' && !own.has(name));
}

/** Shape (rank 0 for scalars; dims of −1 are unknown) and element type of an ONNX value. */
export interface OnnxType {
  readonly shape: readonly number[];
  readonly elementType: ElementType;
}

export interface OnnxInput {
  readonly name: string;
  readonly elementType: ElementType;
  /** −1: not static in the file. */
  readonly shape: readonly number[];
  /** Of rank 0 in the file: `[1]` in Top. */
  readonly isScalar?: boolean;
  /** The file gives it a dimension of length 0. */
  readonly isEmpty?: boolean;
}

/** The ONNX graph while it is being rewritten before conversion. */
export interface OnnxGraph {
  readonly opset: number;
  nodes: OnnxNode[];
  inputs: OnnxInput[];
  /** Tensor names of the network outputs. */
  outputs: string[];
  /** Initializers, `Constant` nodes and everything folded. */
  readonly constants: Map<string, Constant>;
}

export function intAttribute(node: OnnxNode, name: string): number | undefined;
export function intAttribute(node: OnnxNode, name: string, fallback: number): number;
export function intAttribute(node: OnnxNode, name: string, fallback?: number): number | undefined {
  const attribute = node.attributes.get(name);
  return attribute?.kind === 'int' ? Number(attribute.value) : fallback;
}

export function floatAttribute(node: OnnxNode, name: string, fallback: number): number {
  const attribute = node.attributes.get(name);
  return attribute?.kind === 'float' ? attribute.value : attribute?.kind === 'int' ? Number(attribute.value) : fallback;
}

export function stringAttribute(node: OnnxNode, name: string, fallback: string): string {
  const attribute = node.attributes.get(name);
  return attribute?.kind === 'string' ? attribute.value : fallback;
}

export function intsAttribute(node: OnnxNode, name: string): number[] | undefined {
  const attribute = node.attributes.get(name);
  return attribute?.kind === 'ints' ? attribute.value.map(Number) : undefined;
}

export function floatsAttribute(node: OnnxNode, name: string): readonly number[] | undefined {
  const attribute = node.attributes.get(name);
  return attribute?.kind === 'floats' ? attribute.value : undefined;
}

export function stringsAttribute(node: OnnxNode, name: string): readonly string[] | undefined {
  const attribute = node.attributes.get(name);
  return attribute?.kind === 'strings' ? attribute.value : undefined;
}

export function tensorAttribute(node: OnnxNode, name: string): Constant | undefined {
  const attribute = node.attributes.get(name);
  return attribute?.kind === 'tensor' ? attribute.value : undefined;
}

/** Elements of a constant as numbers; int64 beyond 2^53 is rounded. */
export function numbersOf(constant: { readonly data: TypedArray }): number[] {
  return Array.from(constant.data as ArrayLike<number | bigint>, Number);
}

/** Nodes that read each value. */
export function readersOf(graph: OnnxGraph): Map<string, OnnxNode[]> {
  const readers = new Map<string, OnnxNode[]>();
  for (const node of graph.nodes) {
    for (const input of readsOf(node)) {
      const list = readers.get(input);
      if (list === undefined) readers.set(input, [node]);
      else list.push(node);
    }
  }
  return readers;
}

/** The node that makes each value. */
export function producersOf(graph: OnnxGraph): Map<string, OnnxNode> {
  return new Map(graph.nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
}

/** Puts `replacement` in the place of `node`; with none the node is dropped. */
export function replaceNode(graph: OnnxGraph, node: OnnxNode, ...replacement: readonly OnnxNode[]): void {
  graph.nodes.splice(graph.nodes.indexOf(node), 1, ...replacement);
}

/**
 * Lets every reader of `from` read `to`. A network output keeps its name: when `from` is one, the producer of `to` makes it under
 * that name from now on (as the ONNX optimizer does), unless `to` is a network input or output or a constant; then nothing
 * is done and false returned.
 */
export function replaceValue(graph: OnnxGraph, from: string, to: string): boolean {
  const keepsName = graph.outputs.includes(from);
  const fixed = graph.inputs.some(({ name }) => name === to) || graph.constants.has(to) || graph.outputs.includes(to);
  if (keepsName && fixed) return false;
  const [old, name] = keepsName ? [to, from] : [from, to];
  const rename = (value: string) => (value === old ? name : value);
  graph.nodes = graph.nodes
    .filter((node) => !node.outputs.includes(from) || node.outputs.length > 1)
    .map((node) =>
      node.inputs.includes(old) || (keepsName && node.outputs.includes(old))
        ? { ...node, inputs: node.inputs.map(rename), outputs: keepsName ? node.outputs.map(rename) : node.outputs }
        : node,
    );
  return true;
}

/** Drops nodes whose results nobody reads. */
export function removeDeadNodes(graph: OnnxGraph): void {
  const needed = new Set(graph.outputs);
  const kept: OnnxNode[] = [];
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((output) => needed.has(output))) continue;
    for (const input of readsOf(node)) needed.add(input);
    kept.push(node);
  }
  graph.nodes = kept.reverse();
}
