import type { Graph } from './graph.ts';

/** Short names of the types in the sequences below. */
const TYPES: Readonly<Record<string, string>> = {
  A: 'Add',
  LN: 'LayerNorm',
  MM: 'MatMul',
  R: 'Reshape',
  P: 'Permute',
  S: 'Slice',
  Sq: 'Squeeze',
  Us: 'Unsqueeze',
  C: 'Concat',
  Mu: 'Mul',
  MC: 'MulConst',
  SM: 'Softmax',
  G: 'GELU',
  Si: 'SiLU',
  Cv: 'Conv',
  Ro: 'Rope',
  MP: 'MaxPool',
  Sb: 'Sub',
  Sg: 'Sigmoid',
  Ab: 'Abs',
  Rd: 'Reduce',
  Sr: 'Sqrt',
  D: 'Div',
};

/**
 * Types of the layers of known blocks in program order, in the order in which they are tried (search.md, Appendix A). `X*n`
 * stands for n times.
 */
const BLOCKS: readonly (readonly [name: string, layers: string])[] = [
  [
    'eva_block',
    'A LN MM R S*3 Sq*3 P S*2 Mu S MC S Us*2 C R Mu A C P S*2 Mu S MC S Us*2 C R Mu A C MC P MM SM P MM P R MM A LN MM*2 Si Mu MM',
  ],
  ['eva02_block', 'LN MM*3 R P R P R P Ro*2 P MC*2 MM SM MM P R MM A LN MM*2 Si Mu LN MM A'],
  ['eva02_smc_block', 'LN MM*3 R P R P R P Ro*2 P MC*2 MM SM Mu MM Mu P R MM A LN MM*2 Si Mu LN MM A'],
  ['eva02_block_v1', 'A LN MM R S*3 Sq*3 P Ro P Ro MC P MM SM P MM P R MM A LN MM*2 Si Mu MM'],
  ['bert_block', 'A LN MM*3 R P R*2 P*2 MM MC A SM MM P R MM A LN MM G MM'],
  ['bert_block_1', 'A LN MM*2 R MM R P R P*2 MM MC A SM MM P R MM A LN MM G MM'],
  ['bert_block_large_pt', 'A LN MM*2 R P MM R P R P*2 MM MC A SM MM P R MM A LN MM G MM'],
  ['insert_mul_bert_block', 'A LN Mu MM*3 R P R*2 P*2 MM MC A SM MM P R MM A LN Mu MM G MM'],
  ['insert_mul_bert_block_1', 'A LN Mu MM*2 R MM R P R P*2 MM MC A SM MM P R MM A LN Mu MM G MM'],
  ['insert_mul_bert_block_2', 'A LN Mu MM*2 R P MM R P R P*2 MM MC A SM MM P R MM A LN Mu MM G MM'],
  ['deit_block', 'A LN MM R S Sq S Sq S Sq P*3 MM MC SM P MM P R MM A LN MM G MM'],
  [
    'swin_block',
    'LN R P R MM R S*3 Sq*3 P MC P*2 MM A SM P MM P R MM R P R A R LN MM G MM A R LN S*2 C S*2 C R P R MM R S*3 Sq*3 P MC P*2 MM A SM P MM P R MM R P R S*2 C S*2 C A R LN MM G MM A',
  ],
  [
    '_swin_block',
    'LN R P R MM R S*3 Sq*3 P MC P*2 MM A SM P MM P R MM R P R*2 A LN MM G MM A R LN S*2 C S*2 C R P R MM R S*3 Sq*3 P MC P*2 MM A SM P MM P R MM R P R S*2 C S*2 C R A LN MM G MM A',
  ],
  ['vit_block', 'A LN MM R S*3 Sq*3 P MC P*2 MM SM P MM P R MM A LN MM G MM'],
  ['detr_block', 'A LN A MM*3 R P R*2 P MC P MM SM MM P R MM R A LN MM*2'],
  ['detr_rc_50_block', 'A LN A MM*3 R P MC R P R P MM SM MM P R MM A LN MM*2'],
  [
    'swin_1_block',
    'LN R P R MM R P*2 S*2 R S R MC R P MM A SM MM P R MM R P R A LN MM G MM A LN R S*2 C S*2 C R P R MM R P*2 S*2 R S R MC R P MM A SM MM P R MM R P R S*2 C S*2 C R A LN MM G MM A',
  ],
  [
    '_swin_1_block',
    'LN R P R MM R S*3 Sq*3 P MC P*2 MM A SM P MM P R MM R P R A LN MM G MM A LN R S*2 C S*2 C R P R MM R S*3 Sq*3 P MC P*2 MM A SM P MM P R MM R P R S*2 C S*2 C R A LN MM G MM A',
  ],
  [
    '_eva_block',
    'A LN MM R P MM R P MM R P S*2 Mu S MC S Us*2 C R Mu A C S*2 Mu S MC S Us*2 C R Mu A C MC P MM SM MM P R MM A LN MM*2 Si Mu LN MM',
  ],
  [
    'cswin_block',
    'LN MM R P S R S R S R P R P R P*2 R P R P R P R Cv R P R P MC P MM SM MM A P R P R S R S R S R*2 P R P R P R Cv R P R P MC P MM SM MM A P R P R C MM A LN MM G MM A',
  ],
  ['yolo_block', 'MP*3 C'],
  ['yolo_block_12', 'Sb A*2 Sb MC C Mu C'],
  ['clip_m2_encoder_block', 'LN MM*3 R P R P R P*2 MM MC SM MM P R LN MM A LN MM G LN MM A'],
];

/** Those that the lists before 2026 did not have. */
const SINCE_2026: ReadonlySet<string> = new Set([
  'eva02_block',
  'eva02_smc_block',
  'eva02_block_v1',
  'bert_block_large_pt',
  'insert_mul_bert_block',
  'insert_mul_bert_block_1',
  'insert_mul_bert_block_2',
  'yolo_block',
  'yolo_block_12',
  'clip_m2_encoder_block',
]);

/** A block of the list that occurs in a network. */
export interface MatchedBlock {
  readonly name: string;
  readonly count: number;
  /** Types of the block, for the log line of the original. */
  readonly types: readonly string[];
}

/** The first block of the era's list whose sequence occurs in the network, and how often. */
export function matchKnownBlock(graph: Graph, era: 'v1.9' | '2026'): MatchedBlock | undefined {
  const all = graph.ops.map(({ type }) => type).join('');
  for (const [name, layers] of BLOCKS) {
    if (era === 'v1.9' && SINCE_2026.has(name)) continue;
    const types = typesOf(layers);
    const count = all.split(types.join('')).length - 1;
    if (count > 0) return { name, count, types };
  }
  return undefined;
}

/** Where and how often a sequence, in the short names of search.md's Appendix A, occurs in a network's program order. */
export function findSequence(
  graph: Graph,
  layers: string,
): { readonly types: readonly string[]; readonly count: number; readonly first: number } {
  const [types, all] = [typesOf(layers), graph.ops.map(({ type }) => type as string)];
  const [before, ...rest] = all.join('').split(types.join(''));
  const first = rest.length === 0 ? -1 : before!.split('top.').length - 1;
  return { types, count: rest.length, first };
}

function typesOf(layers: string): string[] {
  return layers.split(' ').flatMap((word) => {
    const [short, times = '1'] = word.split('*');
    return Array.from({ length: Number(times) }, () => `top.${TYPES[short!]!}`);
  });
}
