import type { Graph } from '@q/ir';

/** Which part of a network to keep in float, as `fp_forward` names it (spec: search.md section 10). */
export interface FloatForwardRequest {
  /** These layers and everything before them. */
  readonly inputs?: readonly string[];
  /** These layers and everything after them. */
  readonly outputs?: readonly string[];
  /** Layers on the paths from any start to any end, both included. */
  readonly blocks?: readonly FloatBlock[];
  /** These layers and those behind them up to the next that computes: `-fpfwd_blocks` of the BM1684 tools. */
  readonly stretches?: readonly string[];
}

export interface FloatBlock {
  readonly starts: readonly string[];
  readonly ends: readonly string[];
}

export interface FloatForward {
  /** Layers to keep float, in program order. */
  readonly layers: readonly string[];
  /** Requested names that are no layer. The original warns of them and lists them all the same. */
  readonly unknown: readonly string[];
}

/** Who feeds whom, by layer name. */
interface Neighbours {
  readonly producers: ReadonlyMap<string, readonly string[]>;
  readonly consumers: ReadonlyMap<string, readonly string[]>;
}

function neighboursOf(graph: Graph): Neighbours {
  const layerOfValue = new Map<string, string>();
  for (const op of graph.ops) for (const output of op.outputs) if (output !== null) layerOfValue.set(output, op.name);
  const producers = new Map<string, string[]>();
  const consumers = new Map<string, string[]>(graph.ops.map((op) => [op.name, []]));
  for (const op of graph.ops) {
    const layers = op.inputs.flatMap((input) => (input === null ? [] : (layerOfValue.get(input) ?? [])));
    const unique = [...new Set(layers)];
    producers.set(op.name, unique);
    for (const layer of unique) consumers.get(layer)!.push(op.name);
  }
  return { producers, consumers };
}

/** `layer` and everything before it; network inputs only where they feed `layer` directly. */
function before(layer: string, { producers }: Neighbours): Set<string> {
  const found = new Set([layer, ...(producers.get(layer) ?? [])]);
  const queue = [...found];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    for (const producer of producers.get(name) ?? []) {
      const isNetworkInput = producers.get(producer)!.length === 0;
      if (found.has(producer) || isNetworkInput) continue;
      found.add(producer);
      queue.push(producer);
    }
  }
  return found;
}

/** `layer` and everything after it. */
function after(layer: string, { consumers }: Neighbours): Set<string> {
  const found = new Set([layer]);
  const queue = [layer];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    for (const consumer of consumers.get(name) ?? []) {
      if (found.has(consumer)) continue;
      found.add(consumer);
      queue.push(consumer);
    }
  }
  return found;
}

/** What ends a stretch (bm1684-tools.md section 10); sums do when they add several layers. */
const COMPUTING: ReadonlySet<string> = new Set(
  ['Conv', 'Deconv', 'MatMul', 'LSTM', 'GRU', 'Scale', 'BatchNorm', 'Add', 'Sub', 'Mul', 'Max', 'Min'].map(
    (type) => `top.${type}`,
  ),
);

/** `layer` and the layers behind it, along every path up to the next that computes, which is not taken. */
function stretchFrom(layer: string, { consumers }: Neighbours, typeOf: ReadonlyMap<string, string>): Set<string> {
  const found = new Set([layer]);
  const queue = [layer];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    for (const consumer of consumers.get(name) ?? []) {
      if (found.has(consumer) || COMPUTING.has(typeOf.get(consumer)!)) continue;
      found.add(consumer);
      queue.push(consumer);
    }
  }
  return found;
}

function union(sets: readonly Set<string>[]): Set<string> {
  return new Set(sets.flatMap((set) => [...set]));
}

/** Walks the graph; needs no data and runs nothing. */
export function floatForward(graph: Graph, request: FloatForwardRequest): FloatForward {
  const neighbours = neighboursOf(graph);
  const { inputs = [], outputs = [], blocks = [], stretches = [] } = request;
  const typeOf = new Map(graph.ops.map(({ name, type }) => [name, type as string]));
  const chosen = union([
    ...inputs.map((name) => before(name, neighbours)),
    ...outputs.map((name) => after(name, neighbours)),
    ...stretches.map((name) => stretchFrom(name, neighbours, typeOf)),
    ...blocks.map(({ starts, ends }) => {
      const reachable = union(starts.map((name) => after(name, neighbours)));
      return new Set([...union(ends.map((name) => before(name, neighbours)))].filter((name) => reachable.has(name)));
    }),
  ]);
  const inBlocks = blocks.flatMap(({ starts, ends }) => [...starts, ...ends]);
  const asked = new Set([...inputs, ...outputs, ...stretches, ...inBlocks]);
  return {
    layers: graph.ops.map((op) => op.name).filter((name) => chosen.has(name)),
    unknown: [...asked].filter((name) => !typeOf.has(name)),
  };
}
