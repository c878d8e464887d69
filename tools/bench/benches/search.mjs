import { bm168x } from '@q/backend-bm1684x';
import { calibrate } from '@q/calib';
import { inputsOf } from '@q/ir';
import { importOnnx } from '@q/ir/onnx';
import { createSession } from '@q/runtime';
import {
  evaluateInFull,
  meanOf,
  referenceOutputs,
  runQtable,
  runSensitiveLayer,
  searchQtable,
  withFloatOps,
  withThresholds,
} from '@q/search';
import { generateNetwork } from '../../generate/src/generate-network.mjs';
import { networks } from '../../generate/src/networks.mjs';
import { sampleImages } from '../../generate/src/sample-images.mjs';
import { printFigure } from '../figure.mjs';

const PROCESSOR = 'bm1684';
const IMAGES = 30;
const CALIBRATION_IMAGES = 8;
/** Candidates whose losses are compared with whole runs, bit for bit. */
const CHECKED = 4;

/** CPU time of this process: what else the machine does hardly changes it. */
function cpuMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

const once = (make) => {
  let made;
  return () => {
    made ??= make();
    return made;
  };
};

/** The generated MobileNetV2, KL and MSE thresholds, and images. */
const subject = once(async () => {
  const name = 'mobilenetv2';
  const graph = importOnnx(await generateNetwork(name), { name });
  const { size, preprocess } = networks[name];
  const images = await sampleImages(IMAGES, size, preprocess);
  const input = inputsOf(graph)[0].name;
  const sample = (index) => new Map([[input, images[index]]]);
  const dataset = {
    kind: 'npz',
    length: CALIBRATION_IMAGES,
    files: (index) => [`image_${index}`],
    sample: async (index) => sample(index),
  };
  const first = await calibrate(graph, dataset, { method: 'kl', tuneNum: 0, keepStatistics: true });
  const second = await calibrate(graph, dataset, { method: 'mse', tuneNum: 0, statistics: first.statistics });
  const thresholds = ({ rows }) => new Map([...rows].map(([layer, row]) => [layer, row.threshold]));
  return {
    target: bm168x,
    processor: PROCESSOR,
    graph,
    values: second.table.rows,
    methods: [
      { method: 'KL', thresholds: thresholds(first.table) },
      { method: 'MSE', thresholds: thresholds(second.table) },
    ],
    samples: { length: IMAGES, sample },
    expectedCos: 0.99,
  };
});

/** CPU milliseconds of the search between two plain runs that are taken while it goes on. */
const BETWEEN_PLAIN_RUNS = 1500;

/**
 * Plain runs are taken while the search goes on, and their time is taken off: a host changes its speed in phases of seconds, which a
 * measurement before and after would miss.
 */
const search = (effort) =>
  once(async () => {
    const options = await subject();
    const plain = await plainRuns(options);
    // Kernels are compiled twice, the better code comes in the background.
    for (let warm = 0; warm < 30; warm++) plain.runMs();
    const times = [plain.runMs(), plain.runMs(), plain.runMs()];
    let taken = 0;
    const started = cpuMs();
    let last = started;
    const onEvent = () => {
      if (cpuMs() - last < BETWEEN_PLAIN_RUNS) return;
      const before = cpuMs();
      times.push(plain.runMs());
      last = cpuMs();
      taken += last - before;
    };
    const outcome = await searchQtable({ ...options, effort, onEvent });
    const ms = cpuMs() - started - taken;
    plain.dispose();
    if (outcome.kind !== 'searched') throw new Error(`INT8 suffices: ${outcome.int8Score}`);
    return { outcome, ms, plainMs: times.reduce((sum, time) => sum + time) / times.length };
  });

const exhaustive = search('exhaustive');
const racing = search('racing');

/** One candidate's network, as a whole run would lower it. */
function candidateNetwork({ target, graph, processor, values }, plan, layers, layer) {
  const alone = withFloatOps(
    plan,
    layers.filter((name) => name !== layer),
    target.floatType(processor),
    () => ({ code: 'default' }),
  );
  return target.lower(graph, { ...alone, values: new Map([...values, ...plan.values]) });
}

const int8Plan = ({ processor, values }) => ({
  processor,
  precision: 'INT8',
  asymmetric: false,
  ops: new Map(),
  values,
});

/** Plain runs of candidates' networks, by turns of an early, a middle and a late layer and over the images; each tells its CPU time. */
async function plainRuns(options) {
  const layers = options.graph.ops.slice(1).map(({ name }) => name);
  const chosen = [layers[3], layers[Math.floor(layers.length / 2)], layers.at(-3)];
  const sessions = [];
  for (const layer of chosen) {
    sessions.push(await createSession(candidateNetwork(options, int8Plan(options), layers, layer)));
  }
  let turn = 0;
  return {
    runMs() {
      const feeds = options.samples.sample(turn % IMAGES);
      const session = sessions[turn++ % sessions.length];
      session.run(feeds); // the search's values are in the caches; whole runs find their own
      const started = cpuMs();
      session.run(feeds);
      return cpuMs() - started;
    },
    dispose() {
      for (const session of sessions) session.dispose();
    },
  };
}

/** Whole runs of some candidates give the losses that the search found. */
async function requireNaiveLosses(options, { layers }) {
  const names = layers.map(({ layer }) => layer);
  const { target, graph, processor, samples } = options;
  const float = { ...int8Plan(options), precision: target.floatType(processor), values: new Map() };
  const reference = await referenceOutputs(target.lower(graph, float), samples);
  for (let check = 0; check < CHECKED; check++) {
    const at = Math.floor(((check + 0.5) * layers.length) / CHECKED);
    const chosen = layers.slice(0, at).map(({ layer, best }) => [layer, best.threshold]);
    const trial = layers[at].trials[check % 2];
    const plan = withThresholds(int8Plan(options), new Map([...chosen, [names[at], trial.threshold]]));
    const network = candidateNetwork(options, plan, names, names[at]);
    const loss = 1 - meanOf(await evaluateInFull(network, { samples, reference }));
    if (loss !== trial.loss) throw new Error(`${names[at]}: ${trial.loss} here, ${loss} by whole runs`);
  }
}

/** Every candidate's network, INT8 and the float sets that were scored, each run as a whole on every image. */
const naiveRuns = ({ outcome }) => IMAGES * (new Set(candidateKeys(outcome)).size + 2 + outcome.trials.length);

const candidateKeys = ({ layers }) =>
  layers.flatMap(({ layer, trials }) => trials.map(({ threshold }) => `${layer} ${threshold}`));

function print(name, { ms, plainMs }, runs, facts) {
  printFigure({
    name,
    ratio: Number(((runs * plainMs) / ms).toPrecision(4)),
    better: 'higher',
    ours_cpu_ms: Math.round(ms),
    peer: 'candidates x images x one plain run, same kernels, one thread',
    peer_cpu_ms: Math.round(runs * plainMs),
    plain_run_ms: Number(plainMs.toPrecision(4)),
    runs,
    ...facts,
  });
}

async function exhaustiveBench() {
  const found = await exhaustive();
  await requireNaiveLosses(await subject(), found.outcome);
  print('search-exhaustive-vs-naive', found, naiveRuns(found), {
    goal: 1.8,
    candidates: new Set(candidateKeys(found.outcome)).size,
    images: IMAGES,
    int8_cos: found.outcome.int8Score,
    mixed_cos: found.outcome.trials.at(-1).score,
    equal: `${CHECKED} losses bit for bit`,
  });
}

async function racingBench() {
  const [all, found] = [await exhaustive(), await racing()];
  const sets = [all, found].map(({ outcome }) => [...outcome.trials.at(-1).floatLayers].sort().join('\n'));
  if (sets[0] !== sets[1]) throw new Error(`another float set:\n${sets.join('\n\n')}`);
  const chosen = new Map(all.outcome.layers.map(({ layer, best }) => [layer, best.threshold]));
  const decided = found.outcome.layers.filter(({ isDecided }) => isDecided);
  for (const { layer } of decided) {
    const threshold = found.outcome.plan.values.get(layer).threshold;
    if (threshold !== chosen.get(layer)) throw new Error(`${layer}: ${threshold} raced, ${chosen.get(layer)} in full`);
  }
  print('search-racing-vs-naive', found, naiveRuns(all), {
    goal: 8,
    decided: decided.length,
    layers: found.outcome.layers.length,
    int8_cos: found.outcome.int8Score,
    // What undecided thresholds cost.
    mixed_cos: found.outcome.trials.at(-1).score,
    mixed_cos_exhaustive: all.outcome.trials.at(-1).score,
    equal: 'float set; thresholds of decided layers',
  });
}

async function memoryBench() {
  for (const [effort, run] of [
    ['racing', racing],
    ['exhaustive', exhaustive],
  ]) {
    const { cost } = (await run()).outcome;
    printFigure({
      name: `search-memory-${effort}`,
      ratio: Number(((cost.peakBytes - cost.weightBytes) / cost.activationBytes).toPrecision(4)),
      better: 'lower',
      goal: 3,
      peer: "one image's activations, every value in a place of its own",
      peak_mb: cost.peakBytes / 1e6,
      weights_mb: cost.weightBytes / 1e6,
      activations_mb: cost.activationBytes / 1e6,
    });
  }
}

/** Threads of the searches whose time is reported, and of the calibrations before them. */
const WORKERS = 2;

const generated = new Map();

/** Making a network takes seconds. */
async function networkNamed(name) {
  if (!generated.has(name)) generated.set(name, importOnnx(await generateNetwork(name), { name }));
  return generated.get(name);
}

/** A generated network with images and the tables of some methods, made as the commands make them; the clock runs meanwhile. */
async function preparedFor(name, { count, processor, methods }) {
  const graph = await networkNamed(name);
  const { size, preprocess } = networks[name];
  const images = await sampleImages(count, size, preprocess);
  const input = inputsOf(graph)[0].name;
  const samples = { length: count, sample: (index) => new Map([[input, images[index]]]) };
  const dataset = { kind: 'npz', files: (index) => [`image_${index}`], ...samples };
  const started = performance.now();
  const tables = [];
  let statistics;
  for (const method of methods) {
    const known = statistics === undefined ? { keepStatistics: methods } : { statistics };
    const found = await calibrate(graph, dataset, { method, workers: WORKERS, ...known });
    statistics ??= found.statistics;
    tables.push({
      method,
      rows: found.table.rows,
      thresholds: new Map([...found.table.rows].map(([layer, row]) => [layer, row.threshold])),
    });
  }
  const calibrationSeconds = (performance.now() - started) / 1000;
  return { options: { target: bm168x, processor, graph, samples, workers: WORKERS }, tables, calibrationSeconds };
}

async function secondsOf(work) {
  const started = performance.now();
  const outcome = await work();
  if (outcome.kind !== 'searched') throw new Error(`INT8 suffices: ${outcome.int8Score}`);
  return (performance.now() - started) / 1000;
}

/** Seconds by the wall clock beside their goal: they mean something on two quiet cores only. */
function printSeconds(name, { search, calibration = 0, goal, ...facts }) {
  printFigure({
    name,
    ratio: Number(((search + calibration) / goal).toPrecision(3)),
    better: 'lower',
    goal: 1,
    seconds: Number((search + calibration).toPrecision(3)),
    goal_seconds: goal,
    search_seconds: Number(search.toPrecision(3)),
    calibration_seconds: Number(calibration.toPrecision(3)),
    workers: WORKERS,
    ...facts,
  });
}

async function absoluteBench() {
  const setup = { count: IMAGES, processor: PROCESSOR };
  const qtable = await preparedFor('mobilenetv2', { ...setup, methods: ['kl', 'mse'] });
  const values = qtable.tables[1].rows;
  const searched = (effort) =>
    secondsOf(() => searchQtable({ ...qtable.options, values, methods: qtable.tables, effort }));
  printSeconds('search-absolute-search_qtable', {
    search: await searched('exhaustive'),
    calibration: qtable.calibrationSeconds,
    goal: 60,
    racing_seconds: Number((await searched('racing')).toPrecision(3)),
  });
  const layers = await preparedFor('mobilenetv2', { ...setup, methods: ['max', 'percentile9999', 'kl'] });
  const sensitive = { ...layers.options, values: layers.tables[2].rows, methods: layers.tables };
  printSeconds('search-absolute-run_sensitive_layer', {
    search: await secondsOf(() => runSensitiveLayer(sensitive)),
    calibration: layers.calibrationSeconds,
    goal: 40,
    racing_seconds: Number(
      (await secondsOf(() => runSensitiveLayer({ ...sensitive, effort: 'racing' }))).toPrecision(3),
    ),
  });
  const yolo = await preparedFor('yolov3-tiny', { count: 10, processor: 'bm1684x', methods: ['kl'] });
  const likeness = { minLayerCos: 0.999, expectedCos: 0.9999 };
  printSeconds('search-absolute-run_qtable', {
    search: await secondsOf(() => runQtable({ ...yolo.options, values: yolo.tables[0].rows, ...likeness })),
    goal: 10,
  });
}

export const benches = [
  {
    name: 'search-exhaustive-vs-naive',
    summary: 'search_qtable on the generated MobileNetV2, every candidate, against whole runs',
    run: exhaustiveBench,
  },
  {
    name: 'search-racing-vs-naive',
    summary: 'the same as a race, against whole runs; same float set',
    run: racingBench,
  },
  {
    name: 'search-memory',
    summary: "peak memory of both beyond the weights, in one image's activations",
    run: memoryBench,
  },
  {
    name: 'search-absolute',
    summary: 'seconds of search_qtable, run_sensitive_layer and run_qtable with two workers, on a quiet machine',
    run: absoluteBench,
  },
];
