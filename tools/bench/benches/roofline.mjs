import { macsOf } from '@q/ir';
import { createSession } from '@q/runtime';
import { printFigure } from '../figure.mjs';
import { openGenerated } from '../generated-networks.mjs';
import { cpuMilliseconds, median } from '../interleave.mjs';
import { openSimdLimit } from '../simd-limit.mjs';

const RUNS = 41;

/** The convolutions of a network against the multiply-add limit, which is measured before and after each run. */
async function measure(model) {
  const { graph, feeds } = await openGenerated(model);
  const session = await createSession(graph);
  const input = new Map([...feeds].map(([name, { data }]) => [name, data]));
  const limit = await openSimdLimit();
  const convolutions = new Set(graph.ops.filter((op) => op.type === 'top.Conv').map((op) => op.outputs[0]));
  // The direct algorithm: a product and a sum for every weight of every output.
  const flops = graph.ops.reduce((sum, op) => sum + (op.type === 'top.Conv' ? 2 * macsOf(graph, op) : 0), 0);
  let [spent, last] = [0, 0];
  const observe = (value) => {
    const now = cpuMilliseconds();
    if (convolutions.has(value)) spent += now - last;
    last = cpuMilliseconds();
  };
  const convolve = () => {
    [spent, last] = [0, cpuMilliseconds()];
    session.run(input, observe);
    return flops / spent;
  };
  const most = () => {
    const started = cpuMilliseconds();
    limit.run();
    return limit.flops / (cpuMilliseconds() - started);
  };
  for (const started = performance.now(); performance.now() - started < 3000; ) convolve(most());
  const runs = Array.from({ length: RUNS }, () => {
    const [before, ours, after] = [most(), convolve(), most()];
    return { ours, limit: (before + after) / 2 };
  });
  const short = (value) => Number(value.toPrecision(4));
  const perSecond = (values) => short(median(values) / 1e6);
  printFigure({
    name: `roofline-${model}`,
    ratio: short(median(runs.map((run) => run.ours / run.limit))),
    better: 'higher',
    goal: 0.7,
    // Other work on the machine slows caches more than registers: the best runs of both say what the code can do.
    best_over_best: short(Math.max(...runs.map((run) => run.ours)) / Math.max(...runs.map((run) => run.limit))),
    ours_gflops: perSecond(runs.map((run) => run.ours)),
    peer: '128-bit multiply-add loop in registers, same process; direct FLOPs of the convolutions over their time',
    peer_gflops: perSecond(runs.map((run) => run.limit)),
    runs: RUNS,
  });
  session.dispose();
}

export const benches = ['mobilenetv2', 'resnet18'].map((model) => ({
  name: `roofline-${model}`,
  summary: `convolutions of ${model} as a fraction of the 128-bit multiply-add limit`,
  run: () => measure(model),
}));
