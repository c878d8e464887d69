/** How the channels of an output lie in memory: value k belongs to channel ⌊k / inner⌋ mod count. */
export interface ChannelLayout {
  readonly count: number;
  readonly inner: number;
}

/**
 * Heads come as [N, boxes, channels] or [N, channels, boxes]: the shorter is the channels. Pictures come as N C H W, or as N H W C
 * where they are square. An output with less than three dimensions, such as logits, is one channel.
 */
export function channelsOf(shape: readonly number[]): ChannelLayout {
  if (shape.length < 3) return { count: 1, inner: shape.reduce((product, dim) => product * dim, 1) };
  const axis = channelAxis(shape);
  return { count: shape[axis]!, inner: shape.slice(axis + 1).reduce((product, dim) => product * dim, 1) };
}

function channelAxis([, first, second, third, ...more]: readonly number[]): number {
  if (third === undefined) return second! < first! ? 2 : 1;
  const isLast = more.length === 0 && first === second && third !== first;
  return isLast ? 3 : 1;
}
