import { findSequence, type Graph } from '@q/ir';
import type { Neighbourhood } from './neighbourhood.ts';

/** Attention in either form (search.md, Appendix A). */
const ATTENTION = [
  'Si S*2 Cv R S*3 P R MM Cv MC SM P MM R A Cv A Cv Si Cv A',
  'Si S*2 Cv R Cv R Cv R P MM Cv MC SM P MM R A Cv A Cv Si Cv A',
];
/** Blocks of the sizes n, s, m and of l, x. */
const TYPICAL = [
  'S*2 Cv*2 Si*2 Cv Si Cv Si A Cv Si Cv Si A C Cv Si C',
  'Si S*2 Cv*2 Si*2 Cv Si Cv Si A Cv Si Cv Si A C Cv Si Cv*2 Si*2 Cv Si Cv Si A Cv Si Cv Si A C Cv Si C',
];

/** YOLO26 is a YOLO in which one of each occurs. */
export function isYolo26(graph: Graph): boolean {
  return [ATTENTION, TYPICAL].every((forms) => forms.some((layers) => findSequence(graph, layers).count > 0));
}

/**
 * The branches of boxes and of confidences, from the Concats of each back to where they fork off (search.md 7.2). Undefined where
 * the Concats are not found: boxes are those whose two Slices each go through an Add or Sub into one and the same Concat;
 * confidences come beside its product into the next Concat, through a Sigmoid.
 */
export function yolo26Branches(network: Neighbourhood): string[] | undefined {
  const boxes = network.names.find((name) => cornersOf(network, name) !== undefined);
  if (boxes === undefined) return undefined;
  const [product] = network.after(cornersOf(network, boxes)!);
  const [joined] = product === undefined ? [] : network.after(product);
  const sigmoid = joined === undefined ? undefined : network.before(joined).find((name) => name !== product);
  const [confidences] = sigmoid === undefined ? [] : network.before(sigmoid);
  if (confidences === undefined) return undefined;
  const found = new Set<string>();
  const queue = [...network.before(boxes), ...network.before(confidences)];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    found.add(name);
    const before = network.before(name);
    if (before.length === 1 && network.after(before[0]!).length === 1 && !found.has(before[0]!)) queue.push(before[0]!);
  }
  return network.names.filter((name) => found.has(name));
}

/** The Concat of the corners that a Concat of distances ends in. */
function cornersOf(network: Neighbourhood, name: string): string | undefined {
  const slices = network.after(name);
  if (!network.is(name, 'Concat') || slices.length !== 2 || !slices.every((slice) => network.is(slice, 'Slice')))
    return undefined;
  const ends = slices.map((slice) => {
    const sums = network.after(slice);
    const corners = network.single(sums, 'Add', 'Sub') ? network.after(sums[0]!) : [];
    return network.single(corners, 'Concat') ? corners[0] : undefined;
  });
  return ends[0] === ends[1] ? ends[0] : undefined;
}
