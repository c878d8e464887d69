import type { Graph, Op } from '@q/ir';

const GENERATORS: ReadonlySet<string> = new Set(['top.Shape', 'top.Size']);
const CONSUMERS: ReadonlySet<string> = new Set(['top.Reshape', 'top.Interp']);
const TRANSPARENT: ReadonlySet<string> = new Set([
  'top.Concat',
  'top.Slice',
  'top.Tile',
  'top.Split',
  'top.Pack',
  'top.Repeat',
]);
/** Since 2026 (calibration.md 9). */
const TRANSPARENT_2026: ReadonlySet<string> = new Set([...TRANSPARENT, 'top.Squeeze', 'top.Unsqueeze']);
const WHOLE: ReadonlySet<string> = new Set(['INT32', 'INT16', 'INT8']);

/** Layers by name, who reads them and what they read: weights are no layers. */
class Layers {
  readonly ops: ReadonlyMap<string, Op>;
  readonly #producers = new Map<string, string>();
  readonly #outputs: ReadonlySet<string>;

  constructor(graph: Graph) {
    this.ops = new Map(graph.ops.map((op) => [op.name, op]));
    this.#outputs = new Set(graph.outputs);
    for (const op of graph.ops) for (const name of op.outputs) if (name !== null) this.#producers.set(name, op.name);
  }

  inputsOf(name: string): string[] {
    const { inputs } = this.ops.get(name)!;
    return [...new Set(inputs.flatMap((input) => (input === null ? [] : (this.#producers.get(input) ?? []))))];
  }

  readersOf(name: string): string[] {
    const { outputs } = this.ops.get(name)!;
    return [...this.ops.values()]
      .filter(({ inputs }) => inputs.some((input) => input !== null && outputs.includes(input)))
      .map((op) => op.name);
  }

  isInput(name: string): boolean {
    return this.ops.get(name)!.type === 'top.Input';
  }

  isOutput(name: string): boolean {
    return this.ops.get(name)!.outputs.some((value) => value !== null && this.#outputs.has(value));
  }
}

/** Which rules find shape computations: those of v1.9, or those since 2026. */
export type ShapeRules = 'v1.9' | '2026';

/** Layers that compute shapes, in the order in which they are found (calibration.md 9). */
export function shapeLayers(graph: Graph, rules: ShapeRules = 'v1.9'): string[] {
  const layers = new Layers(graph);
  const transparent = rules === 'v1.9' ? TRANSPARENT : TRANSPARENT_2026;
  const found = new Set(generators(layers, rules));
  for (let before = -1; before !== found.size; ) {
    before = found.size;
    spreadToReaders(layers, found, transparent, rules);
    spreadToInputs(layers, found, transparent);
    spreadToClosed(layers, found);
  }
  return [...found];
}

function generators(layers: Layers, rules: ShapeRules): string[] {
  const ops = [...layers.ops.values()];
  const plain = ops.filter(({ type }) => GENERATORS.has(type)).map(({ name }) => name);
  if (rules === 'v1.9') return plain;
  const casts = ops.filter((op) => op.type === 'top.Cast' && WHOLE.has(castTarget(op))).map(({ name }) => name);
  const indices = ops.flatMap((op) => {
    const position = op.type === 'top.TopK' ? 1 : op.type === 'top.Arg' ? 0 : -1;
    const value = op.outputs[position];
    if (value == null) return [];
    return [op.name, ...ops.filter(({ inputs }) => inputs.includes(value)).map(({ name }) => name)];
  });
  return [...new Set([...plain, ...casts, ...indices])];
}

/** A set that grows while it is walked is walked to its end, as the lists of the original are. */
function spreadToReaders(
  layers: Layers,
  found: Set<string>,
  transparent: ReadonlySet<string>,
  rules: ShapeRules,
): void {
  for (const name of found) {
    if (layers.isOutput(name)) continue;
    for (const reader of layers.readersOf(name)) {
      const { type } = layers.ops.get(reader)!;
      if (layers.isOutput(reader)) found.add(reader);
      else if (!stops(layers.ops.get(reader)!, rules) && transparent.has(type)) found.add(reader);
    }
  }
}

function spreadToInputs(layers: Layers, found: Set<string>, transparent: ReadonlySet<string>): void {
  for (const name of found) {
    for (const input of layers.inputsOf(name)) {
      if (layers.isInput(input) || transparent.has(layers.ops.get(input)!.type)) found.add(input);
    }
  }
}

/** Layers all of whose inputs compute shapes. */
function spreadToClosed(layers: Layers, found: Set<string>): void {
  for (const name of found) {
    for (const reader of layers.readersOf(name)) {
      if (layers.inputsOf(reader).every((input) => found.has(input))) found.add(reader);
    }
  }
}

function stops(op: Op, rules: ShapeRules): boolean {
  if (CONSUMERS.has(op.type)) return true;
  return rules === '2026' && op.type === 'top.Cast' && ['F32', 'F16'].includes(castTarget(op));
}

function castTarget(op: Op): string {
  return String((op.attributes as Readonly<Record<string, unknown>>).to ?? '').toUpperCase();
}
