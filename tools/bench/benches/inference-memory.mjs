import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { printFigure } from '../figure.mjs';
import { openGenerated } from '../generated-networks.mjs';
import { median } from '../interleave.mjs';

const script = fileURLToPath(new URL('../measure-inference-memory.mjs', import.meta.url));
const RUNS = 5;

/**
 * The C library told to give back freed memory beyond 128 KiB at the end of every arena. By itself glibc takes twice the size
 * of the largest mapped block of up to 32 MiB that was freed, which no program but itself can lower again; each of the
 * engine's threads has an arena of its own.
 */
const TRIMMED = { MALLOC_TRIM_THRESHOLD_: String(128 * 1024) };

/**
 * What a process that imported a network, made a session, dropped the network, and ran holds more than one that only loaded
 * the packages, against the network's weights and 1.2 times the planned peak of its activations.
 *
 * `ratio` is of an unchanged process. It holds the weights and the plan, which are in the session's one memory, and no other
 * copy of a weight or an input. `parts_bytes` says what lies above: what the C library keeps of what the engine's
 * compiling and collecting threads freed (it varies with the threads that happened to get the work), objects of the
 * graph and bytecode, machine code of the kernels and of JavaScript, pages of the engine's binary that were needed for
 * the first time. `ratio_trimmed`: with that memory of the threads given back, in both processes.
 */
async function measure(network) {
  await openGenerated(network); // so that no measured process has to make the file
  const runs = [];
  const trimmed = [];
  for (let run = 0; run < RUNS; run++) {
    runs.push(inProcess(network, {}));
    trimmed.push(inProcess(network, TRIMMED));
  }
  const [{ parameters, weightBytes, activationBytes }] = runs;
  const allowed = parameters + 1.2 * activationBytes;
  const steady = (of) => median(of.map((run) => run.steady));
  const partsOf = (of) =>
    of[0].parts &&
    Object.fromEntries(Object.keys(of[0].parts).map((part) => [part, median(of.map((run) => run.parts[part]))]));
  const share = (bytes) => Number((bytes / allowed).toPrecision(4));
  printFigure({
    name: `memory-${network}`,
    ratio: share(steady(runs)),
    better: 'lower',
    goal: 1,
    ours_bytes: steady(runs),
    peer: 'bytes of the weights and 1.2 times the planned peak of the activations; ours: resident after runs and forced collection of all garbage, over a bare process with the packages and compiled kernels, without a network',
    peer_bytes: Math.round(allowed),
    ratio_trimmed: share(steady(trimmed)),
    ours_trimmed_bytes: steady(trimmed),
    highest_bytes_while_opening: median(runs.map((run) => run.peak)),
    parts_bytes: partsOf(runs),
    parts_trimmed_bytes: partsOf(trimmed),
    bare_bytes: median(runs.map((run) => run.bare)),
    planned_peak_bytes: activationBytes,
    packed_weight_bytes: weightBytes,
    why: 'kernel_memory is weights and plan; above it: what the C library keeps of what threads of the engine freed, objects and bytecode, machine code, pages of the engine that were not needed before',
    runs: RUNS,
  });
}

function inProcess(network, limits) {
  const env = { ...process.env, ...limits };
  return JSON.parse(execFileSync(process.execPath, [script, network], { encoding: 'utf8', env }));
}

export const benches = [
  {
    name: 'memory-mobilenetv2',
    summary: 'resident memory of MobileNetV2 inference over its weights and planned peak',
    run: () => measure('mobilenetv2'),
  },
];
