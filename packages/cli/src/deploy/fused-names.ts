import { type Graph, nearest } from '@q/ir';

/** Where a layer that a table names went. */
export interface FusedName {
  readonly name: string;
  /** True when the module before fusion says so; a guess from the names otherwise. */
  readonly isCertain: boolean;
}

/**
 * The layer that `name`, a name from before fusion, is part of now: what an activation or a BatchNorm behind it absorbed it
 * into. `origin` is the text of `<stem>_origin.mlir`, which the converter left, where there is one.
 */
export function fusedNameOf(name: string, graph: Graph, origin: string | undefined): FusedName | undefined {
  const traced = origin === undefined ? undefined : followUses(name, graph, origin);
  if (traced !== undefined) return { name: traced, isCertain: true };
  const guessed = likelyLayer(name, graph);
  return guessed === undefined ? undefined : { name: guessed, isCertain: false };
}

/** Follows the only reader of a layer of the unfused module until a layer that still exists. */
function followUses(name: string, graph: Graph, origin: string): string | undefined {
  const { readers, names } = usesOf(origin);
  let id = [...names].find(([, layer]) => layer === name)?.[0];
  for (let steps = 0; id !== undefined && steps < 8; steps++) {
    const next: readonly string[] = readers.get(id) ?? [];
    if (next.length !== 1) return undefined;
    id = next[0]!;
    const layer = names.get(id);
    if (layer !== undefined && graph.values.has(layer)) return layer;
  }
  return undefined;
}

/** Which results an operator reads, and what it is called, from `.mlir` text: no weights are needed for that. */
function usesOf(text: string): { readers: Map<string, string[]>; names: Map<string, string> } {
  const locations = new Map<string, string>();
  for (const [, id, name] of text.matchAll(/^#(loc\d*) = loc\("((?:[^"\\]|\\.)*)"\)/gm)) locations.set(id!, name!);
  const readers = new Map<string, string[]>();
  const names = new Map<string, string>();
  for (const [, id, operands, location] of text.matchAll(/^\s*(%\d+)[^=]*= "[^"]+"\(([^)]*)\).* loc\(#(loc\d*)\)$/gm)) {
    const name = locations.get(location!);
    if (name !== undefined) names.set(id!, name);
    for (const [operand] of operands!.matchAll(/%\d+/g)) readers.set(operand, [...(readers.get(operand) ?? []), id!]);
  }
  return { readers, names };
}

/** Operators that take over the name of what they absorbed, or were absorbed by it. */
const FUSING: ReadonlySet<string> = new Set([
  'top.Conv',
  'top.Deconv',
  'top.MatMul',
  'top.Add',
  'top.Sub',
  'top.Mul',
  'top.MulConst',
  'top.AddConst',
  'top.MaxPool',
  'top.AvgPool',
  'top.Scale',
]);

/** The fused layer whose name shares the longest beginning with `name`; near spellings where nothing is shared. */
function likelyLayer(name: string, graph: Graph): string | undefined {
  const near = nearest(name, [...graph.values.keys()]);
  const folder = name.lastIndexOf('/');
  let best: { readonly name: string; readonly shared: number } | undefined;
  for (const op of graph.ops) {
    const isFused = 'doRelu' in op.attributes && op.attributes.doRelu === true;
    if (!FUSING.has(op.type) || !(isFused || op.type === 'top.Conv')) continue;
    const shared = sharedPrefix(name, op.name);
    // Part of a path, not a stroke of luck: at least the folders above the last two must be the same.
    const enough = folder > 0 && shared >= name.lastIndexOf('/', name.lastIndexOf('/', folder - 1) - 1);
    if (enough && shared > 1 && shared > (best?.shared ?? 0)) best = { name: op.name, shared };
  }
  return best?.name ?? near;
}

function sharedPrefix(a: string, b: string): number {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  return at;
}
