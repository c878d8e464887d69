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
  let groups = chains(graph);
  for (let round = 0; round < MERGE_ROUNDS; round++) groups = mergeOnce(graph, groups);
  const order = new Map(graph.ops.map((op, index) => [op, index]));
  const sorted = groups.map((ops) => [...ops].sort((a, b) => order.get(a)! - order.get(b)!));
  return sorted.sort((a, b) => order.get(a[0]!)! - order.get(b[0]!)!).map((ops) => edges(graph, ops));
}

function chains(graph: Graph): Op[][] {
  const readers = readersOf(graph);
  const producers = producersOf(graph);
  const sources = (op: Op) =>
    new Set(
      activations(op, graph)
        .map((name) => producers.get(name))
        .filter(Boolean),
    );
  const followers = (op: Op) => new Set(op.outputs.flatMap((name) => readers.get(name ?? '') ?? []));
  const visited = new Set<Op>();
  const found: Op[][] = [];
  for (const start of graph.ops) {
    if (visited.has(start) || start.type === 'top.Input') continue;
    const chain = [start];
    for (let op = start; ; ) {
      const [next, ...more] = followers(op);
      const depth = chain.reduce((sum, own) => sum + depthOf(own), 0);
      const isSingle = next !== undefined && more.length === 0 && sources(op).size <= 1 && sources(next).size === 1;
      if (!isSingle || depth >= LONGEST_CHAIN || visited.has(next)) break;
      chain.push(next);
      op = next;
    }
    for (const op of chain) visited.add(op);
    found.push(chain);
  }
  return found;
}

function mergeOnce(graph: Graph, groups: readonly Op[][]): Op[][] {
  const merged = new Set<Op[]>();
  const result: Op[][] = [];
  for (const group of groups) {
    if (merged.has(group)) continue;
    merged.add(group);
    const own = edges(graph, group);
    const depth = blockDepth(group, graph);
    const visible = new Set([...own.inputs, ...own.outputs]);
    const joining: Op[][] = [];
    if (depth < DEEPEST_BLOCK) {
      const below = groups.filter((other) => {
        const { inputs } = edges(graph, other);
        return other !== group && !merged.has(other) && inputs.some((name) => own.outputs.includes(name));
      });
      for (let round = 0; round < below.length; round++) {
        for (const other of below) {
          const { inputs, outputs } = edges(graph, other);
          if (joining.includes(other) || !inputs.every((name) => visible.has(name))) continue;
          joining.push(other);
          for (const name of outputs) visible.add(name);
        }
      }
    }
    const added = Math.max(0, ...joining.map((other) => blockDepth(other, graph)));
    if (joining.length > 0 && added + depth < DEEPEST_BLOCK) {
      for (const other of joining) merged.add(other);
      result.push([...group, ...joining.flat()]);
    } else result.push(group);
  }
  return result;
}

/** Depth by levels: operators that can run at the same time count once, the deepest of them. */
function blockDepth(group: readonly Op[], graph: Graph): number {
  const ready = new Set(edges(graph, group).inputs);
  const waiting = new Set(group);
  let depth = 0;
  while (waiting.size > 0) {
    const level = [...waiting].filter((op) => activations(op, graph).every((name) => ready.has(name)));
    if (level.length === 0) break;
    depth += Math.max(...level.map(depthOf));
    for (const op of level) {
      waiting.delete(op);
      for (const name of op.outputs) if (name !== null) ready.add(name);
    }
  }
  return depth;
}

function edges(graph: Graph, ops: readonly Op[]): Block {
  const inside = new Set(ops);
  const made = new Set(ops.flatMap(({ outputs }) => outputs));
  const readOutside = new Set(graph.ops.filter((op) => !inside.has(op)).flatMap(({ inputs }) => inputs));
  const inputs = new Set(ops.flatMap((op) => activations(op, graph)).filter((name) => !made.has(name)));
  const outputs = [...made].filter(
    (name): name is string => name !== null && (readOutside.has(name) || graph.outputs.includes(name)),
  );
  return { ops, inputs: [...inputs], outputs };
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

function activations(op: Op, graph: Graph): string[] {
  return op.inputs.filter((name): name is string => name !== null && graph.values.has(name));
}

function readersOf(graph: Graph): Map<string, Op[]> {
  const readers = new Map<string, Op[]>();
  for (const op of graph.ops)
    for (const name of new Set(op.inputs)) if (name !== null) readers.set(name, [...(readers.get(name) ?? []), op]);
  return readers;
}

function producersOf(graph: Graph): Map<string, Op> {
  return new Map(
    graph.ops.flatMap((op) =>
      op.type === 'top.Input' ? [] : op.outputs.flatMap((name) => (name === null ? [] : [[name, op] as const])),
    ),
  );
}
