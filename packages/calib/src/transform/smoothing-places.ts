import { type Graph, type Op, type OpOf, typeOf } from '@q/ir';

type Product = OpOf<'top.MatMul'>;

/** A layer whose channels can be made smaller, where all that read it are products with a constant. */
export interface SmoothingPlace {
  readonly op: Op;
  /** Channels: the last axis of the layer, and the rows of the constants. */
  readonly channels: number;
  /** Products whose rows take up what the channels lose. */
  readonly users: readonly Product[];
}

const PASSING: ReadonlySet<string> = new Set(['top.Slice', 'top.Squeeze', 'top.Reshape', 'top.Reduce']);

/**
 * Layers to smooth, in program order (calibration.md 12): LayerNorms and Muls by a constant that only products read, and
 * the projection of the values in attention, which is paired with the projection behind it. What would change the function
 * of the network is left out: network outputs, and constants that something else reads too.
 */
export function smoothingPlaces(graph: Graph): SmoothingPlace[] {
  const places = graph.ops.flatMap((op): SmoothingPlace[] => {
    if (op.type !== 'top.LayerNorm' && op.type !== 'top.Mul') {
      const projection = projectionBehind(graph, op);
      return projection === undefined ? [] : [{ op, channels: channelsOf(graph, op.name), users: [projection] }];
    }
    const readers = readersThroughLayout(graph, op);
    const users = readers.filter((reader): reader is Product => reader.type === 'top.MatMul');
    if (users.length === 0 || users.length < readers.length || !users.every(({ inputs }) => inputs[0] !== inputs[1])) {
      return [];
    }
    return [{ op, channels: channelsOf(graph, op.name), users }];
  });
  return places.filter((place) => canBeSmoothed(graph, place));
}

/** LayerNorms that products and Adds read: a Mul for the products alone makes them smoothable. */
export function splitReaders(graph: Graph): { readonly norm: string; readonly products: ReadonlySet<string> }[] {
  return graph.ops.flatMap((op) => {
    if (op.type !== 'top.LayerNorm') return [];
    const readers = readersThroughLayout(graph, op);
    const types = new Set(readers.map(({ type }) => type));
    if (types.size !== 2 || !types.has('top.Add') || !types.has('top.MatMul')) return [];
    const products = readers.filter(({ type, inputs }) => type === 'top.MatMul' && inputs.includes(op.name));
    return products.length === 0 ? [] : [{ norm: op.name, products: new Set(products.map(({ name }) => name)) }];
  });
}

function canBeSmoothed(graph: Graph, { op, channels, users }: SmoothingPlace): boolean {
  const own = op.inputs.slice(1).filter((name): name is string => name !== null);
  const constants = [...own, ...users.map(({ inputs }) => inputs[1]!)];
  const readsOf = (weight: string): number => graph.ops.filter(({ inputs }) => inputs.includes(weight)).length;
  return (
    own.length > 0 &&
    constants.every((name) => graph.weights.has(name) && readsOf(name) === 1) &&
    own.every((name) => graph.weights.get(name)!.type.shape.at(-1) === channels) &&
    users.every((user) => rowsAre(graph, user, channels)) &&
    !graph.outputs.includes(op.name)
  );
}

function rowsAre(graph: Graph, { inputs, attributes }: Product, channels: number): boolean {
  const { shape } = graph.weights.get(inputs[1]!)!.type;
  return shape.length === 2 && shape[0] === channels && !attributes.rightTranspose && !attributes.leftTranspose;
}

/** What reads a layer, looking through ops that keep its last axis as it is. */
function readersThroughLayout(graph: Graph, op: Op): Op[] {
  const passed = new Set<string>();
  const found = new Map<string, Op>();
  const waiting = readersOf(graph, op.name);
  while (waiting.length > 0) {
    // A Concat passes once all that it joins has; it is looked at last.
    const at = waiting.findIndex(({ type }) => type !== 'top.Concat');
    const [reader] = waiting.splice(Math.max(at, 0), 1);
    if (reader === undefined || passed.has(reader.name) || found.has(reader.name)) continue;
    if (keepsChannels(graph, reader, passed) && !graph.outputs.includes(reader.name)) {
      passed.add(reader.name);
      waiting.push(...readersOf(graph, reader.name));
    } else found.set(reader.name, reader);
  }
  return [...found.values()];
}

function keepsChannels(graph: Graph, op: Op, passed: ReadonlySet<string>): boolean {
  if (op.type === 'top.Permute') {
    const { order } = op.attributes as OpOf<'top.Permute'>['attributes'];
    return order.at(-1) === order.length - 1;
  }
  const isConcat = op.type === 'top.Concat' && op.inputs.every((name) => name !== null && passed.has(name));
  if (!isConcat && !PASSING.has(op.type)) return false;
  return channelsOf(graph, op.inputs[0]!) === channelsOf(graph, op.name);
}

/** The projection behind attention whose rows are the channels of `op`, if `op` projects the values. */
function projectionBehind(graph: Graph, op: Op): Product | undefined {
  if (op.type !== 'top.MatMul') return undefined;
  const first = chainToProduct(graph, op.name);
  // The channels of the values stay channels only as the right operand.
  if (first === undefined || first.product.inputs[1] !== (first.layout.at(-1)?.name ?? op.name)) return undefined;
  const second = chainToProduct(graph, first.product.name);
  if (second === undefined || second.layout.length !== first.layout.length || second.layout.length === 0) {
    return undefined;
  }
  const shapeOf = (name: string): string => typeOf(graph, name)!.shape.join();
  const isMirrored = first.layout.every((layout, i) => {
    const back = second.layout.at(-1 - i)!;
    return back.type === layout.type && shapeOf(back.inputs[0]!) === shapeOf(layout.name);
  });
  return isMirrored && shapeOf(second.layout.at(-1)!.name) === shapeOf(op.name) ? second.product : undefined;
}

/** The only product that a value goes into, and the Reshapes and Permutes on the way. */
function chainToProduct(graph: Graph, name: string): { layout: Op[]; product: Product } | undefined {
  const layout: Op[] = [];
  for (let from = name; ; from = layout.at(-1)!.name) {
    const [reader, ...others] = readersOf(graph, from);
    if (reader === undefined || others.length > 0 || graph.outputs.includes(from)) return undefined;
    if (reader.type === 'top.MatMul') return { layout, product: reader };
    if (reader.type !== 'top.Reshape' && reader.type !== 'top.Permute') return undefined;
    layout.push(reader);
  }
}

function readersOf(graph: Graph, name: string): Op[] {
  return graph.ops.filter(({ inputs }) => inputs.includes(name));
}

function channelsOf(graph: Graph, name: string): number {
  return typeOf(graph, name)!.shape.at(-1) ?? 1;
}
