import { attributesWithDefaults, type Graph, type Op } from '@q/ir';

/** Operators that are calibrated and tuned together, in graph order. */
export interface Block {
  readonly ops: readonly Op[];
  /** Values from outside that the operators read. */
  readonly inputs: readonly string[];
  /** Values that somebody outside reads, or that are network outputs. */
  readonly outputs: readonly string[];
}

/** A block as a network of its own; its operators and values keep their names. */
export interface BlockGraph extends Block {
  readonly graph: Graph;
}

/** How much an operator adds to the depth of a block (spacemit.md 8.4). */
const DEPTHS: Readonly<Record<string, number>> = {
  'top.Conv': 4,
  'top.Deconv': 4,
  'top.MatMul': 4,
  'top.LayerNorm': 2,
  'top.InstanceNorm': 2,
  'top.GroupNorm': 2,
  'top.MaxPool': 2,
  'top.AvgPool': 2,
  'top.Reduce': 2,
  'top.Reshape': 0.5,
  'top.Permute': 0.5,
  'top.Slice': 0.5,
  'top.Squeeze': 0.5,
  'top.Unsqueeze': 0.5,
  'top.Gather': 0.5,
  'top.Split': 0.5,
};
const LONGEST_CHAIN = 10;
const DEEPEST_BLOCK = 20;
const MERGE_ROUNDS = 4;

const depthOf = (op: Op) => DEPTHS[op.type] ?? 1;

/**
 * Cuts a network into blocks (spacemit.md 8.4): chains of operators with one reader and one source each until their depth is
 * 10, then four rounds in which a block takes in the blocks that only it feeds, up to a depth of 20.
 */
export function blocksOf(graph: Graph): Block[] {
  const network = new Network(graph);
  let blocks = chains(network).map((ops) => network.block(ops));
  for (let round = 0; round < MERGE_ROUNDS; round++) blocks = mergeOnce(network, blocks);
  const first = ({ ops }: Block) => network.order.get(ops[0]!)!;
  return blocks.sort((a, b) => first(a) - first(b));
}

/** Who makes and who reads what. */
class Network {
  readonly order: ReadonlyMap<Op, number>;
  private readonly readers = new Map<string, Op[]>();
  private readonly producers = new Map<string, Op>();

  constructor(readonly graph: Graph) {
    this.order = new Map(graph.ops.map((op, index) => [op, index]));
    for (const op of graph.ops) {
      for (const name of new Set(op.inputs))
        if (name !== null) this.readers.set(name, [...(this.readers.get(name) ?? []), op]);
      if (op.type === 'top.Input') continue;
      for (const name of op.outputs) if (name !== null) this.producers.set(name, op);
    }
  }

  activations(op: Op): string[] {
    return op.inputs.filter((name): name is string => name !== null && this.graph.values.has(name));
  }

  sources(op: Op): Set<Op> {
    return new Set(this.activations(op).flatMap((name) => this.producers.get(name) ?? []));
  }

  followers(op: Op): Set<Op> {
    return new Set(op.outputs.flatMap((name) => this.readers.get(name ?? '') ?? []));
  }

  block(unordered: readonly Op[]): Block {
    const ops = [...unordered].sort((a, b) => this.order.get(a)! - this.order.get(b)!);
    const inside = new Set(ops);
    const made = new Set(ops.flatMap(({ outputs }) => outputs).filter((name): name is string => name !== null));
    const inputs = new Set(ops.flatMap((op) => this.activations(op)).filter((name) => !made.has(name)));
    const isRead = (name: string) => (this.readers.get(name) ?? []).some((op) => !inside.has(op));
    const outputs = [...made].filter((name) => isRead(name) || this.graph.outputs.includes(name));
    return { ops, inputs: [...inputs], outputs };
  }

  /** Depth by levels: operators that can run at the same time count once, the deepest of them. */
  depth({ ops, inputs }: Block): number {
    const ready = new Set(inputs);
    const waiting = new Set(ops);
    let depth = 0;
    while (waiting.size > 0) {
      const level = [...waiting].filter((op) => this.activations(op).every((name) => ready.has(name)));
      if (level.length === 0) break;
      depth += Math.max(...level.map(depthOf));
      for (const op of level) {
        waiting.delete(op);
        for (const name of op.outputs) if (name !== null) ready.add(name);
      }
    }
    return depth;
  }
}

function chains(network: Network): Op[][] {
  const visited = new Set<Op>();
  const found: Op[][] = [];
  for (const start of network.graph.ops) {
    if (visited.has(start) || start.type === 'top.Input') continue;
    const chain: Op[] = [start];
    let depth = depthOf(start);
    for (let op: Op = start; depth < LONGEST_CHAIN; ) {
      const [next, ...more] = network.followers(op);
      const isSingle = next !== undefined && more.length === 0 && network.sources(op).size <= 1;
      if (!isSingle || network.sources(next).size !== 1 || visited.has(next)) break;
      chain.push(next);
      depth += depthOf(next);
      op = next;
    }
    for (const op of chain) visited.add(op);
    found.push(chain);
  }
  return found;
}

function mergeOnce(network: Network, blocks: readonly Block[]): Block[] {
  const byInput = new Map<string, Block[]>();
  for (const block of blocks) for (const name of block.inputs) byInput.set(name, [...(byInput.get(name) ?? []), block]);
  const taken = new Set<Block>();
  const result: Block[] = [];
  for (const block of blocks) {
    if (taken.has(block)) continue;
    taken.add(block);
    const depth = network.depth(block);
    const below = new Set(
      block.outputs.flatMap((name) => byInput.get(name) ?? []).filter((other) => !taken.has(other)),
    );
    const joining = depth < DEEPEST_BLOCK ? fedBy(block, [...below]) : [];
    const added = Math.max(0, ...joining.map((other) => network.depth(other)));
    if (joining.length > 0 && added + depth < DEEPEST_BLOCK) {
      for (const other of joining) taken.add(other);
      result.push(network.block([...block.ops, ...joining.flatMap(({ ops }) => ops)]));
    } else result.push(block);
  }
  return result;
}

/** The candidates that read nothing but what the block, or one of them that joins it, reads or makes. */
function fedBy(block: Block, candidates: readonly Block[]): Block[] {
  const visible = new Set([...block.inputs, ...block.outputs]);
  const joining = new Set<Block>();
  for (let round = 0; round < candidates.length; round++) {
    for (const other of candidates) {
      if (joining.has(other) || !other.inputs.every((name) => visible.has(name))) continue;
      joining.add(other);
      for (const name of other.outputs) visible.add(name);
    }
  }
  return [...joining];
}

export function blockGraph(graph: Graph, block: Block): BlockGraph {
  const inputs: Op[] = block.inputs.map((name) => ({
    type: 'top.Input',
    name,
    inputs: [],
    outputs: [name],
    attributes: attributesWithDefaults('top.Input', {}),
  }));
  const ops = [...inputs, ...block.ops];
  const values = new Map(
    ops
      .flatMap((op) => op.outputs)
      .flatMap((name) => (name === null ? [] : [[name, graph.values.get(name)!] as const])),
  );
  const read = new Set(block.ops.flatMap((op) => op.inputs));
  const weights = new Map([...graph.weights].filter(([name]) => read.has(name)));
  const own = { ...graph, ops, values, weights, outputs: block.outputs, tensorNames: new Map<string, string>() };
  return { ...block, graph: own };
}
