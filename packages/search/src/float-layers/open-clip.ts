import { findSequence, type Graph } from '@q/ir';
import type { Neighbourhood } from './neighbourhood.ts';
import type { PatternLayers } from './newer-patterns.ts';

/** Blocks that occur together, two of the last (search.md, Appendix A). */
const BLOCKS = {
  openclip_vision_block: 'LN MM*2 R P MM R P R P R*3 P MM SM MM R P R MM A LN MM MC Sg Mu MM A',
  openclip_text_block: 'LN MM*2 R P MM R P R P R*3 P MM R A*2 R SM MM R P R MM A LN MM MC Sg Mu MM A',
  l2_norm_block: 'Ab Mu Rd Sr D',
};
/** The first text block's MLP: from its first product to its second. */
const [MLP_START, MLP_END] = [27, 31];
/** Types that are float wherever they occur. */
const FLOAT = ['Abs', 'Reduce', 'Sqrt', 'Softmax', 'Gather', 'Slice', 'Squeeze', 'Arg', 'Concat'];

/** OpenCLIP's layers to keep in float (search.md 7.2); undefined for other networks. A Div is named as deployment names it. */
export function openClipLayers(graph: Graph, network: Neighbourhood): PatternLayers | undefined {
  const blocks = Object.entries(BLOCKS).map(([name, layers]) => ({ name, ...findSequence(graph, layers) }));
  const [vision, text, norms] = blocks;
  if (vision!.count === 0 || text!.count === 0 || norms!.count !== 2) return undefined;
  const lastProduct = network.names.findLastIndex((name) => network.is(name, 'MatMul'));
  const layers = network.names.flatMap((name, at) => {
    if (at >= lastProduct || (at >= text!.first + MLP_START && at <= text!.first + MLP_END)) return [name];
    if (network.is(name, 'Div')) return [`${name}_inv`];
    return isFloat(network, name) ? [name] : [];
  });
  const [block, ...more] = blocks;
  return { block: block!, more, layers };
}

function isFloat(network: Neighbourhood, name: string): boolean {
  const [before, after] = [network.before(name), network.after(name)];
  if (network.is(name, 'Mul')) return network.single(after, 'Reduce');
  if (network.is(name, 'Permute')) return network.single(before, 'Div');
  if (network.is(name, 'Add')) {
    return network.single(after, 'Add', 'Slice', 'Gather') || before.every((layer) => network.is(layer, 'Add'));
  }
  return network.is(name, ...FLOAT);
}
