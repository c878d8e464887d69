import { type Graph, type MatchedBlock, matchKnownBlock } from '@q/ir';
import { pythonList } from '../reports/python-text.ts';
import { Neighbourhood } from './neighbourhood.ts';
import { openClipLayers } from './open-clip.ts';
import { isYolo26, yolo26Branches } from './yolo26.ts';

export interface PatternLayers {
  readonly block: MatchedBlock;
  /** Layers to keep in float, in the order in which they are found. */
  readonly layers: readonly string[];
  /** Layers that tables list with shape computations, in F32 where the processor has it: what follows the heads of YOLO26. */
  readonly shape?: readonly string[];
  /** What the original says of matches beside that of `block`. */
  readonly more?: readonly MatchedBlock[];
}

/**
 * Layers that a known block needs in float, by the rules of 2026 (search.md 7.2); undefined where there is none.
 */
export function newerPatternLayers(graph: Graph): PatternLayers | undefined {
  const block = matchKnownBlock(graph, '2026');
  const network = new Neighbourhood(graph);
  if (block === undefined) return openClipLayers(graph, network);
  if (block.name === 'yolo_block' || block.name === 'yolo_block_12') return ofYolo(graph, network, block);
  const found = new Set<string>();
  const firstNorm = network.names.findIndex((name) => network.is(name, 'LayerNorm'));
  for (const [at, name] of network.names.entries()) {
    for (const layer of commonLayers(network, name)) found.add(layer);
    const rule = RULES[block.name];
    rule?.({ network, name, found, isBeforeNorms: at < firstNorm, count: block.count });
  }
  return { block, layers: [...found] };
}

/** What the original says of all that matched. */
export function patternLines({ block, more = [] }: PatternLayers): string[] {
  return [block, ...more].map(patternLine);
}

/** What the original says of a match. */
export function patternLine({ types, name, count }: MatchedBlock): string {
  return `${pythonList(types)} (Name: ${name}) is a subset of the main list. Count: ${count}`;
}

/** The Add that alone feeds a LayerNorm; every SiLU and GELU. */
function commonLayers(network: Neighbourhood, name: string): readonly string[] {
  if (network.is(name, 'SiLU', 'GELU')) return [name];
  const before = network.before(name);
  return network.is(name, 'LayerNorm') && network.single(before, 'Add') ? before : [];
}

interface Step {
  readonly network: Neighbourhood;
  readonly name: string;
  readonly found: Set<string>;
  /** Does the layer come before the first LayerNorm? */
  readonly isBeforeNorms: boolean;
  /** How often the block occurs. */
  readonly count: number;
}

type Rule = (step: Step) => void;

/** Networks with as many vit blocks keep what precedes the first LayerNorm in float. */
const DEEP = 20;

const vit: Rule = ({ network, name, found, isBeforeNorms, count }) => {
  if (network.is(name, 'GELU')) found.delete(name);
  if (!isBeforeNorms || count < DEEP || network.is(name, 'Input')) return;
  // An Add in front of a LayerNorm is found there.
  if (!(network.is(name, 'Add') && network.single(network.after(name), 'LayerNorm'))) found.add(name);
};

const eva: Rule = ({ network, name, found }) => {
  if (network.is(name, 'Add')) found.add(name);
  if (!network.is(name, 'SiLU') || !network.single(network.after(name), 'Mul')) return;
  const [behind] = network.after(network.after(name)[0]!);
  if (network.is(behind, 'MatMul')) found.add(behind!);
};

const everyAdd: Rule = ({ network, name, found }) => {
  if (network.is(name, 'Add')) found.add(name);
};

const eva02: Rule = ({ network, name, found }) => {
  const before = network.before(name);
  if (network.is(name, 'SiLU')) found.delete(name);
  const isValue =
    network.is(name, 'MatMul') && before.length === 2 && before.some((layer) => network.is(layer, 'Softmax'));
  const isCorrection = network.is(name, 'Mul') && network.single(before, 'Softmax');
  const isPlainAdd = network.is(name, 'Add') && network.after(name).every((layer) => !network.is(layer, 'LayerNorm'));
  if (isValue || isCorrection || isPlainAdd) found.add(name);
};

const swin: Rule = ({ network, name, found }) => {
  if (network.is(name, 'Add')) found.add(name);
  const before = network.before(name);
  if (!network.is(name, 'LayerNorm') || !network.single(before, 'Reshape')) return;
  const further = network.before(before[0]!);
  if (network.single(further, 'Permute')) found.add(further[0]!);
};

const swinByOne: Rule = ({ network, name, found }) => {
  if (network.is(name, 'Add', 'Depth2Space')) found.add(name);
};

const bert: Rule = ({ network, name, found }) => {
  const [behind] = network.after(name);
  if (network.is(name, 'GELU') && network.is(behind, 'MatMul')) found.add(behind!);
};

const largeBert: Rule = ({ network, name, found }) => {
  if (network.is(name, 'GELU')) found.delete(name);
  const isPlainAdd = network.is(name, 'Add') && !network.single(network.after(name), 'LayerNorm');
  const isInserted = network.is(name, 'Mul') && network.single(network.before(name), 'LayerNorm');
  if (isPlainAdd || isInserted) found.add(name);
};

const detr: Rule = ({ network, name, found }) => {
  if (network.is(name, 'Conv', 'Scale', 'Reshape')) return;
  if (network.is(name, 'MatMul') && network.single(network.before(name), 'LayerNorm', 'Reshape')) return;
  found.add(name);
};

/** Blocks without a rule of their own have the common ones alone. */
const RULES: Readonly<Record<string, Rule>> = {
  vit_block: vit,
  eva_block: eva,
  _eva_block: everyAdd,
  eva02_block_v1: everyAdd,
  eva02_block: eva02,
  eva02_smc_block: eva02,
  swin_block: swin,
  _swin_block: swin,
  swin_1_block: swin,
  _swin_1_block: swinByOne,
  bert_block: bert,
  bert_block_1: bert,
  bert_block_large_pt: largeBert,
  insert_mul_bert_block: largeBert,
  insert_mul_bert_block_1: largeBert,
  insert_mul_bert_block_2: largeBert,
  detr_block: detr,
  detr_rc_50_block: detr,
  clip_m2_encoder_block: everyAdd,
};

/** YOLO26 keeps the branches of its heads in float, too; where those are not as expected, nothing. */
function ofYolo(graph: Graph, network: Neighbourhood, block: MatchedBlock): PatternLayers {
  if (!isYolo26(graph)) return { block, layers: behindHeads(network) };
  const branches = yolo26Branches(network);
  return branches === undefined ? { block, layers: [] } : { block, layers: branches, shape: behindHeads(network) };
}

/** The last Conv of each head of a YOLO network, and everything behind it. */
function behindHeads(network: Neighbourhood): string[] {
  const found = new Set<string>();
  const queue = network.names.filter((name) => isHead(network, name));
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (found.has(name)) continue;
    found.add(name);
    queue.push(...network.after(name));
  }
  return network.names.filter((name) => found.has(name));
}

/** A Conv behind an activation, read by a Concat or Reshape alone that no Conv reads. */
function isHead(network: Neighbourhood, name: string): boolean {
  const [before, after] = [network.before(name), network.after(name)];
  if (!network.is(name, 'Conv') || !network.single(before, 'SiLU', 'LeakyRelu')) return false;
  if (!network.single(after, 'Concat', 'Reshape')) return false;
  return network.after(after[0]!).every((reader) => !network.is(reader, 'Conv'));
}
