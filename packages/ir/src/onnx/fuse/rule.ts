import { type OnnxGraph, type OnnxNode, type OnnxType, producersOf, readersOf } from '../onnx-graph.ts';
import type { Constant } from '../tensor-data.ts';

/** What a rewrite of the ONNX graph looks at; a new one is needed after every change. */
export class RuleContext {
  readonly graph: OnnxGraph;
  readonly types: ReadonlyMap<string, OnnxType>;
  private producerMap: ReadonlyMap<string, OnnxNode> | undefined;
  private readerMap: ReadonlyMap<string, readonly OnnxNode[]> | undefined;

  constructor(graph: OnnxGraph, types: ReadonlyMap<string, OnnxType>) {
    this.graph = graph;
    this.types = types;
  }

  private get producers(): ReadonlyMap<string, OnnxNode> {
    this.producerMap ??= producersOf(this.graph);
    return this.producerMap;
  }

  private get readers(): ReadonlyMap<string, readonly OnnxNode[]> {
    this.readerMap ??= readersOf(this.graph);
    return this.readerMap;
  }

  constant(tensor: string | undefined): Constant | undefined {
    return tensor === undefined ? undefined : this.graph.constants.get(tensor);
  }

  shape(tensor: string | undefined): readonly number[] | undefined {
    return tensor === undefined ? undefined : (this.types.get(tensor) ?? this.constant(tensor))?.shape;
  }

  producer(tensor: string | undefined): OnnxNode | undefined {
    return tensor === undefined ? undefined : this.producers.get(tensor);
  }

  /** The producer of `tensor`, when it is of this type and nothing else reads the tensor. */
  soleProducer(tensor: string | undefined, opType: string): OnnxNode | undefined {
    const node = this.producer(tensor);
    return node?.opType === opType && this.isReadOnce(tensor!) ? node : undefined;
  }

  isReadOnce(tensor: string): boolean {
    return (this.readers.get(tensor)?.length ?? 0) === 1 && !this.graph.outputs.includes(tensor);
  }

  /** Adds a constant under the first free name of `name`, `name_1`, … */
  addConstant(name: string, constant: Constant): string {
    let free = name;
    for (let count = 1; this.graph.constants.has(free) || this.producers.has(free); count++) free = `${name}_${count}`;
    this.graph.constants.set(free, constant);
    return free;
  }
}

/** Tries to rewrite the graph at `node`; returns whether it did. */
export type Rule = (node: OnnxNode, context: RuleContext) => boolean;

/** One sweep of the rules over the nodes; after a hit the context is rebuilt. */
export function sweep(graph: OnnxGraph, types: ReadonlyMap<string, OnnxType>, rules: readonly Rule[]): boolean {
  let changed = false;
  let context = new RuleContext(graph, types);
  for (const node of [...graph.nodes]) {
    // A hit may have replaced or removed nodes of the list this loop walks over.
    if (context.producer(node.outputs[0]) !== node) continue;
    if (!rules.some((rule) => rule(node, context))) continue;
    changed = true;
    context = new RuleContext(graph, types);
  }
  return changed;
}
