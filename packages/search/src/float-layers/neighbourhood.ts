import type { Graph } from '@q/ir';

/** Who feeds and who reads a layer. */
export class Neighbourhood {
  readonly names: readonly string[];
  readonly #typeOf: ReadonlyMap<string, string>;
  readonly #before = new Map<string, string[]>();
  readonly #after = new Map<string, string[]>();

  constructor(graph: Graph) {
    this.names = graph.ops.map(({ name }) => name);
    this.#typeOf = new Map(graph.ops.map(({ name, type }) => [name, type]));
    const producer = new Map(graph.ops.flatMap((op) => op.outputs.map((output) => [output, op.name] as const)));
    for (const op of graph.ops) {
      const before = op.inputs.flatMap((input) => (input === null ? [] : (producer.get(input) ?? [])));
      this.#before.set(op.name, [...new Set(before)]);
      for (const name of this.#before.get(op.name)!) this.#after.set(name, [...(this.#after.get(name) ?? []), op.name]);
    }
  }

  before(name: string): readonly string[] {
    return this.#before.get(name) ?? [];
  }

  after(name: string): readonly string[] {
    return this.#after.get(name) ?? [];
  }

  is(name: string | undefined, ...types: readonly string[]): boolean {
    return name !== undefined && types.some((type) => this.#typeOf.get(name) === `top.${type}`);
  }

  /** The only layer of a list, if it is of the type. */
  single(names: readonly string[], ...types: readonly string[]): boolean {
    return names.length === 1 && this.is(names[0], ...types);
  }
}
