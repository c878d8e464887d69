import type { GraphWire, NodeWire, TensorWire } from '@q/ir/onnx';

const FLOAT = 1;

/** The graph of an exported model while nodes are being replaced. Its float constants are raw bytes. */
export class WireGraph {
  readonly graph: GraphWire;
  private readonly initializers: Map<string, TensorWire>;
  private readonly taken: Set<string>;

  constructor(graph: GraphWire) {
    this.graph = graph;
    this.initializers = new Map((graph.initializer ?? []).map((tensor) => [tensor.name ?? '', tensor]));
    const nodes = graph.node ?? [];
    this.taken = new Set([
      ...this.initializers.keys(),
      ...nodes.flatMap(({ name = '', output = [] }) => [name, ...output]),
    ]);
  }

  get nodes(): NodeWire[] {
    return this.graph.node ?? [];
  }

  set nodes(nodes: NodeWire[]) {
    this.graph.node = nodes;
  }

  /** Numbers and dimensions of a float constant. */
  floats(name: string | undefined): { readonly data: Float32Array; readonly dims: readonly number[] } | undefined {
    const tensor = name === undefined ? undefined : this.initializers.get(name);
    if (tensor?.dataType !== FLOAT || tensor.rawData === undefined) return undefined;
    const dims = (tensor.dims ?? []).map(Number);
    return { data: new Float32Array(tensor.rawData.slice().buffer), dims };
  }

  constants(): IterableIterator<TensorWire> {
    return this.initializers.values();
  }

  isConstant(name: string): boolean {
    return this.initializers.has(name);
  }

  add(tensor: TensorWire): string {
    this.initializers.set(tensor.name!, tensor);
    this.taken.add(tensor.name!);
    return tensor.name!;
  }

  fresh(base: string): string {
    let name = base;
    for (let i = 1; this.taken.has(name); i++) name = `${base}_${i}`;
    this.taken.add(name);
    return name;
  }

  /** Writes the constants back, without those that nobody reads any more. */
  finish(): void {
    const read = new Set(this.nodes.flatMap(({ input = [] }) => input));
    for (const { name = '' } of this.graph.output ?? []) read.add(name);
    this.graph.initializer = [...this.initializers.values()].filter(({ name = '' }) => read.has(name));
  }
}

/** An integer attribute of a node. */
export function intAttribute({ attribute = [] }: NodeWire, name: string, fallback: number): number {
  const found = attribute.find((candidate) => candidate.name === name);
  return found?.i === undefined ? fallback : Number(found.i);
}
