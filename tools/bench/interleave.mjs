/** @param {number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * Runs two contestants in turn, so that a slow phase of the machine hits both, and answers the median time of each: by the
 * wall clock, or for contestants of one thread by the processor time of this process (`clock: 'cpu'`), which other
 * processes on a busy machine do not lengthen.
 *
 * @param {() => unknown | Promise<unknown>} ours
 * @param {() => unknown | Promise<unknown>} peer
 * @param {{ runs?: number, warmupMs?: number, clock?: 'wall' | 'cpu' }} [options]
 */
export async function interleave(ours, peer, { runs = 15, warmupMs = 2000, clock = 'wall' } = {}) {
  const now = clock === 'cpu' ? cpuMilliseconds : () => performance.now();
  // Engines compile WASM twice, the optimised code comes in the background: warm up by time, not by count.
  for (const started = now(); now() - started < warmupMs; ) {
    await ours();
    await peer();
  }
  const oursMs = [];
  const peerMs = [];
  for (let i = 0; i < runs; i++) {
    oursMs.push(await time(ours, now));
    peerMs.push(await time(peer, now));
  }
  return { oursMs: median(oursMs), peerMs: median(peerMs), runs };
}

/** Processor time of this process so far. */
export function cpuMilliseconds() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

async function time(action, now) {
  const started = now();
  await action();
  return now() - started;
}
