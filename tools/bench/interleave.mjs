/** @param {number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * Runs two contestants in turn, so that a slow phase of the machine hits both, and answers the median time of each.
 *
 * @param {() => unknown | Promise<unknown>} ours
 * @param {() => unknown | Promise<unknown>} peer
 * @param {{ runs?: number, warmupMs?: number }} [options]
 */
export async function interleave(ours, peer, { runs = 15, warmupMs = 2000 } = {}) {
  // Engines compile WASM twice, the optimised code comes in the background: warm up by time, not by count.
  for (const started = performance.now(); performance.now() - started < warmupMs; ) {
    await ours();
    await peer();
  }
  const oursMs = [];
  const peerMs = [];
  for (let i = 0; i < runs; i++) {
    oursMs.push(await time(ours));
    peerMs.push(await time(peer));
  }
  return { oursMs: median(oursMs), peerMs: median(peerMs), runs };
}

async function time(action) {
  const started = performance.now();
  await action();
  return performance.now() - started;
}
