import { type Graph, type MatchedBlock, matchKnownBlock } from '@q/ir';

const PARTS = {
  /** Relu, MaxPool, Conv, MatMul, PRelu, AvgPool, Add, Sigmoid, Deconv stay quantized. */
  N_mode: ['Relu', 'MaxPool', 'Conv', 'MatMul', 'PRelu', 'AvgPool', 'Add', 'Sigmoid', 'Deconv'],
  /** Conv, MatMul, AvgPool, Deconv, MaxPool stay quantized: usually more accurate. */
  H_mode: ['Conv', 'MatMul', 'AvgPool', 'Deconv', 'MaxPool'],
} as const;

/** The types that `--part_quantize` leaves quantized: of a mode, or Conv, MatMul and those named (search.md 6). */
export function quantizedTypes(words: readonly string[], customOperators: readonly string[] = []): string[] {
  const [mode] = words;
  if (mode === 'N_mode' || mode === 'H_mode') return [...PARTS[mode]];
  if (mode === 'custom_mode') return [...customOperators];
  return ['Conv', 'MatMul', ...words];
}

/** Layers whose type is not among those that stay quantized. */
export function layersOutside(graph: Graph, quantized: readonly string[]): string[] {
  const kept = new Set(quantized.map((type) => `top.${type.replace(/^top\./, '')}`));
  return graph.ops.filter(({ type }) => !kept.has(type)).map(({ name }) => name);
}

/** Layers that a known transformer block needs in float, and its name; undefined where there is none (search.md 7.2). */
export function patternLayers(
  graph: Graph,
): { readonly block: string; readonly layers: readonly string[] } | undefined {
  const match = matchKnownBlock(graph, 'v1.9');
  if (match === undefined) return undefined;
  const walk = new PatternWalk(graph);
  return { block: match.name, layers: graph.ops.flatMap((op) => walk.layersAt(op.name, match)) };
}

/** What the matcher asks about the neighbours of a layer. */
class PatternWalk {
  readonly #graph: Graph;
  readonly #typeOf: ReadonlyMap<string, string>;

  constructor(graph: Graph) {
    this.#graph = graph;
    this.#typeOf = new Map(graph.ops.map(({ name, type }) => [name, type]));
  }

  /** Layers that become float because of this one, in the order of the original. */
  layersAt(name: string, match: MatchedBlock): string[] {
    const type = this.#typeOf.get(name);
    return [...this.#commonLayers(name, type), ...this.#blockLayers(name, type, match)];
  }

  #commonLayers(name: string, type: string | undefined): string[] {
    if (type === 'top.SiLU' || type === 'top.GELU') return [name];
    if (type !== 'top.LayerNorm') return [];
    const [before, ...more] = this.#inputsOf(name);
    return more.length === 0 && this.#is(before, 'top.Add') ? [before!] : [];
  }

  #blockLayers(name: string, type: string | undefined, { name: block, count }: MatchedBlock): string[] {
    switch (block) {
      case 'vit_block':
        return type === (count < 20 ? 'top.Softmax' : 'top.GELU') ? this.#readerOfType(name, 'top.MatMul') : [];
      case 'eva_block':
        if (type === 'top.Add') return [name];
        return type === 'top.SiLU' ? this.#behindGate(name) : [];
      case '_eva_block':
        return type === 'top.Add' ? [name] : [];
      case 'swin_block':
      case '_swin_block':
      case 'swin_1_block':
        if (type === 'top.Add') return [name];
        return type === 'top.LayerNorm' ? this.#permuteBefore(name) : [];
      case '_swin_1_block':
        return type === 'top.Add' || type === 'top.Depth2Space' ? [name] : [];
      case 'bert_block':
      case 'bert_block_1':
        return type === 'top.GELU' ? this.#readerOfType(name, 'top.MatMul') : [];
      case 'detr_block':
      case 'detr_rc_50_block':
        return this.#staysQuantizedInDetr(name, type) ? [] : [name];
      default:
        return [];
    }
  }

  #staysQuantizedInDetr(name: string, type: string | undefined): boolean {
    if (type === 'top.Conv' || type === 'top.Scale' || type === 'top.Reshape') return true;
    const [before, ...more] = this.#inputsOf(name);
    return (
      type === 'top.MatMul' &&
      more.length === 0 &&
      (this.#is(before, 'top.LayerNorm') || this.#is(before, 'top.Reshape'))
    );
  }

  /** The MatMul behind the Mul that alone reads a SiLU. */
  #behindGate(name: string): string[] {
    const [gate, ...more] = this.#readersOf(name);
    return more.length === 0 && this.#is(gate, 'top.Mul') ? this.#readerOfType(gate!, 'top.MatMul') : [];
  }

  /** The Permute before the Reshape before a LayerNorm. */
  #permuteBefore(name: string): string[] {
    const [reshape, ...others] = this.#inputsOf(name);
    if (others.length > 0 || !this.#is(reshape, 'top.Reshape')) return [];
    const [permute, ...more] = this.#inputsOf(reshape!);
    return more.length === 0 && this.#is(permute, 'top.Permute') ? [permute!] : [];
  }

  #readerOfType(name: string, type: string): string[] {
    const [reader] = this.#readersOf(name);
    return this.#is(reader, type) ? [reader!] : [];
  }

  #is(name: string | undefined, type: string): boolean {
    return name !== undefined && this.#typeOf.get(name) === type;
  }

  #inputsOf(name: string): string[] {
    const { inputs } = this.#graph.ops.find((op) => op.name === name)!;
    return inputs.filter((input): input is string => input !== null && this.#typeOf.has(input));
  }

  #readersOf(name: string): string[] {
    return this.#graph.ops.filter(({ inputs }) => inputs.includes(name)).map((op) => op.name);
  }
}
