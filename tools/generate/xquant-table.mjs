// Measures networks that XQuant's job quantized by each type of calibration, and writes the table of
// packages/backend-spacemit/XQUANT.md: `node tools/generate/xquant-table.mjs [NETWORK...] [--limit N] [--reasons]`. The packages
// must be built. Figures of networks that are not named stay; with --reasons those of the types stay, too, and only what the
// report says about networks that lose too much is measured anew. Networks of others lie in ../shared, or where Q_SHARED points.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { onnx, runtime, xquant } from '../deploy-table/packages.mjs';
import { xquantNetworks } from './src/xquant-networks.mjs';
import { calibrationSamples, inOrder, otherSamples } from './src/xquant-samples.mjs';
import { renderXquantTable, TYPES, verdict } from './src/xquant-table.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const shared = process.env.Q_SHARED ?? join(root, '../shared');
const readme = join(root, 'packages/backend-spacemit/XQUANT.md');
const figuresFile = join(root, 'test-models/xquant.json');
const MARKERS = ['<!-- figures: begin -->', '<!-- figures: end -->'];
// Another command line may be named, e.g. one that runs from sources.
const q = process.env.Q_COMMAND?.split(' ') ?? [process.execPath, join(root, 'packages/cli/bin/q.mjs')];

const { values, positionals } = parseArgs({
  options: { limit: { type: 'string', default: '0' }, reasons: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const networks = xquantNetworks(join(root, 'test-models'), shared);
for (const [name, network] of Object.entries(networks)) {
  if (positionals.length > 0 && !positionals.includes(name)) continue;
  if (!existsSync(network.model)) {
    console.warn(`SKIPPED: ${name} is not on this machine`);
    continue;
  }
  const known = values.reasons ? kept()[name] : undefined;
  if (values.reasons && known === undefined) continue;
  const row = await measure(network, Number(values.limit), known);
  console.log(
    renderXquantTable({ [name]: row })
      .split('\n')
      .at(-1),
  );
  keep(name, row);
}
const [before, rest] = readFileSync(readme, 'utf8').split(MARKERS[0]);
writeFileSync(
  readme,
  `${before}${MARKERS[0]}\n\n${renderXquantTable(kept())}\n\n${MARKERS[1]}${rest.split(MARKERS[1])[1]}`,
);

function kept() {
  return existsSync(figuresFile) ? JSON.parse(readFileSync(figuresFile, 'utf8')) : {};
}

/** Read anew each time, so that two runs on different networks may go side by side. */
function keep(name, row) {
  const all = { ...kept(), [name]: row };
  const order = [...new Set([...Object.keys(networks), ...Object.keys(all)])];
  const ordered = Object.fromEntries(order.flatMap((key) => (key in all ? [[key, all[key]]] : [])));
  writeFileSync(figuresFile, `${JSON.stringify(ordered, null, 1)}\n`);
}

/** Quantizes five times and evaluates all files at once; where the best one loses too much, asks the report why. */
async function measure(network, limit, known) {
  const workdir = mkdtempSync(join(tmpdir(), 'q-xquant-'));
  try {
    const bytes = readFileSync(network.model);
    const data = await calibrationSamples(network, imported(network, bytes), shared);
    const count = limit === 0 ? network.evaluation : Math.min(limit, network.evaluation);
    const job = { network, bytes, data, count, workdir };
    const row = known ?? (await compareTypes(job));
    const figures = Object.fromEntries(Object.entries(row).filter(([key]) => key !== 'report'));
    return verdict(row).isKept ? figures : { ...figures, report: await askReport(job, verdict(row).best) };
  } finally {
    rmSync(workdir, { recursive: true, force: true });
  }
}

async function compareTypes(job) {
  const { network, bytes, data } = job;
  const results = [];
  for (const type of TYPES) results.push(await quantize(network, bytes, { data, type }));
  const { metric, float, evaluation, figures } = await evaluate(job, results);
  const types = Object.fromEntries(TYPES.map((type, at) => [type, figures[at]]));
  return { metric, float, evaluation, types, calibration: data.length, finetune: network.finetune };
}

/** What the report names, and what becomes of the network when it is followed: the layers it names in float. */
async function askReport(job, type) {
  const { network, bytes, data } = job;
  const { summary } = await quantize(network, bytes, { data, type, analysis: true });
  const cut = summary.warnings.join('\n').match(/truncate_var_names: ([^)]*)/)?.[1];
  const layers = summary.contributors.map(({ layer }) => layer);
  const [followed] = (await evaluate(job, [await quantize(network, bytes, { data, type, float: layers })])).figures;
  return {
    isBlame: summary.layersToBlame.length > 0,
    layers,
    shares: summary.contributors.map(({ share }) => Number(share.toFixed(3))),
    followed,
    ...(cut === undefined ? {} : { joined: cut.split(', ') }),
  };
}

function quantize({ finetune, cut, inputShapes, rows }, bytes, { data, type, analysis = false, float = [] }) {
  const inputs = inputShapes?.map((shape) => ({ input_shape: shape })) ?? (rows?.arrays ?? ['']).map(() => ({}));
  const config = {
    calibration_parameters: { calibration_step: 100, calibration_type: type, input_parametres: inputs },
    quantization_parameters: {
      finetune_level: finetune,
      analysis_enable: analysis,
      ignore_op_names: float,
      ...(cut === undefined ? {} : { truncate_var_names: cut }),
    },
  };
  return xquant.quantizeOnnxModel(config, bytes, { data });
}

function imported({ preprocess, inputShapes }, bytes) {
  return onnx.importOnnx(bytes, {
    name: 'net',
    ...(preprocess && { preprocess }),
    ...(inputShapes && { inputShapes }),
  });
}

/** Figures of quantized networks against the float one. */
async function evaluate(job, results) {
  const { rows } = job.network;
  return rows !== undefined && rows.evaluation === undefined
    ? compareOutputs(job, results)
    : evaluateFiles(job, results);
}

/** With `q evaluate`, by its labels. */
function evaluateFiles({ network, count, workdir }, results) {
  const { harness, model, flags = [] } = network;
  const files = results.map((result, at) => {
    const file = join(workdir, `${TYPES[at]}.onnx`);
    writeFileSync(file, result.model);
    return file;
  });
  const words = harness === undefined ? [model, ...files, ...flags] : [...files, '--config', harness];
  const limit = [`--limit=${count}`, `--output=${workdir}`];
  run(['evaluate', ...words, ...(harness === undefined ? samples(network, workdir, count) : []), ...limit]);
  const report = readdirSync(workdir).find((name) => name.endsWith('.json'));
  const { samples: evaluation, networks } = JSON.parse(readFileSync(join(workdir, report), 'utf8'));
  const isLabelled = flags.includes('--annotations') || flags.includes('--labels') || network.rows !== undefined;
  const hasLabels = harness !== undefined || isLabelled;
  const main = ({ figures: found }) => (hasLabels ? Object.entries(found)[0] : []);
  const [metric, float] = main(networks[0]);
  const figures = networks.slice(1).map((found) => ({
    figure: main(found)[1],
    cosine: Math.min(...found.agreement.map((output) => output.cosine)),
  }));
  return { metric, float, evaluation, figures };
}

function samples({ rows, set }, workdir, count) {
  if (rows !== undefined) return [`--dataset=${join(shared, rows.evaluation)}`];
  const list = join(workdir, 'samples.txt');
  writeFileSync(list, inOrder(set, shared).slice(0, count).join('\n'));
  return [`--data_list=${list}`];
}

/** Without labels: the cosine of the output that agrees least, all samples as one. */
async function compareOutputs({ network, bytes, count }, results) {
  const graph = imported(network, bytes);
  const data = otherSamples(network, graph, shared, count);
  const float = await outputsOf(graph, data);
  const figures = [];
  for (const result of results) {
    const found = await outputsOf(result.graph, data);
    const cosines = graph.outputs.map((_, o) =>
      cosineOf(
        float.map((own) => own[o]),
        found.map((own) => own[o]),
      ),
    );
    figures.push({ cosine: Math.min(...cosines) });
  }
  return { evaluation: data.length, figures };
}

async function outputsOf(graph, data) {
  const session = await runtime.createSession(graph);
  const all = [];
  for (let i = 0; i < data.length; i++) {
    const outputs = session.run(await data.batch(i));
    all.push(graph.outputs.map((name) => outputs.get(name)));
  }
  session.dispose();
  return all;
}

function cosineOf(float, found) {
  let [product, a, b] = [0, 0, 0];
  float.forEach((values, s) => {
    values.forEach((value, i) => {
      const other = found[s][i];
      product += value * other;
      a += value * value;
      b += other * other;
    });
  });
  return product / Math.sqrt(a * b);
}

function run(words) {
  const [command, ...first] = q;
  const { status, stdout, stderr } = spawnSync(command, [...first, ...words], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`q ${words.join(' ')}\n${stdout}\n${stderr}`);
}
