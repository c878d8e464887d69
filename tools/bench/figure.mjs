/**
 * Prints one figure as a JSON line. `ratio` is peer time over ours: 2 means twice as fast as the peer.
 *
 * @param {string} name
 * @param {{ oursMs: number, peerMs: number, runs: number }} times medians of interleaved runs
 * @param {{ peer: string, [fact: string]: unknown }} facts the peer with its options, and what else explains the figure
 */
export function printSpeed(name, { oursMs, peerMs, runs }, facts) {
  printFigure({
    name,
    ratio: round(peerMs / oursMs),
    better: 'higher',
    ours_ms: round(oursMs),
    peer: facts.peer,
    peer_ms: round(peerMs),
    runs,
    ...facts,
  });
}

export function printFigure(figure) {
  process.stdout.write(`${JSON.stringify(figure)}\n`);
}

function round(value) {
  return Number(value.toPrecision(4));
}
