import { createSession } from '@q/runtime';
import { printFigure } from '../figure.mjs';
import { openGenerated } from '../generated-networks.mjs';
import { cpuMilliseconds, median } from '../interleave.mjs';

const BINS = 2048;
const RUNS = 31;

/** Extremes and the histogram of every activation, right after it was computed, as calibration takes them. */
function takeStatistics(session) {
  const { exports, memory } = session.kernels;
  const range = session.allocate(8);
  const counts = session.allocate(4 * BINS);
  return (_value, pointer, length) => {
    exports.stats_minmax(pointer, length, range);
    const [min, max] = new Float32Array(memory.buffer, range, 2);
    new Int32Array(memory.buffer, counts, BINS).fill(0);
    const width = Math.fround(Math.max(Math.abs(min), Math.abs(max), 1e-30) / (BINS - 1));
    exports.stats_histogram(pointer, length, width, BINS, counts);
  };
}

async function measure(model, goal) {
  const { graph, feeds } = await openGenerated(model);
  const session = await createSession(graph);
  const input = new Map([...feeds].map(([name, { data }]) => [name, data]));
  const observer = takeStatistics(session);
  let elements = 0;
  let own = 0;
  // Inside one run, so that the small part is no difference of two large times.
  const timed = (value, pointer, length) => {
    const started = cpuMilliseconds();
    observer(value, pointer, length);
    own += cpuMilliseconds() - started;
    elements += length;
  };
  for (const started = performance.now(); performance.now() - started < 3000; ) session.run(input, timed);
  const statisticsMs = [];
  const inferenceMs = [];
  for (let run = 0; run < RUNS; run++) {
    [own, elements] = [0, 0];
    const started = cpuMilliseconds();
    session.run(input, timed);
    statisticsMs.push(own);
    inferenceMs.push(cpuMilliseconds() - started - own);
  }
  const short = (value) => Number(value.toPrecision(4));
  printFigure({
    name: `statistics-${model}`,
    ratio: short(median(statisticsMs.map((ms, run) => ms / inferenceMs[run]))),
    better: 'lower',
    goal,
    ours_ms: short(median(statisticsMs)),
    peer: 'inference in the same run; ours is minimum, maximum and the 2048-bin histogram of all activations',
    peer_ms: short(median(inferenceMs)),
    elements,
    runs: RUNS,
  });
  session.dispose();
}

export const benches = [
  { name: 'mobilenetv2', goal: 0.45 },
  { name: 'resnet18', goal: 0.05 },
].map(({ name, goal }) => ({
  name: `statistics-${name}`,
  summary: `minimum, maximum and histogram of all activations of ${name} over its inference time`,
  run: () => measure(name, goal),
}));
