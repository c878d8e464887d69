// Measures networks that XQuant's job quantized by each type of calibration, and writes the table of
// packages/backend-spacemit/XQUANT.md: `node tools/generate/xquant-table.mjs [NETWORK...] [--limit N]`. The packages must be
// built. Figures of networks that are not named stay. Networks of others lie in ../shared, or where Q_SHARED points.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { dataset, ir, onnx, xquant } from '../deploy-table/packages.mjs';
import { xquantNetworks } from './src/xquant-networks.mjs';
import { renderXquantTable, TYPES, verdict } from './src/xquant-table.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const shared = process.env.Q_SHARED ?? join(root, '../shared');
const readme = join(root, 'packages/backend-spacemit/XQUANT.md');
const figuresFile = join(root, 'test-models/xquant.json');
const MARKERS = ['<!-- figures: begin -->', '<!-- figures: end -->'];
// Another command line may be named, e.g. one that runs from sources.
const q = process.env.Q_COMMAND?.split(' ') ?? [process.execPath, join(root, 'packages/cli/bin/q.mjs')];

const listedFiles = { list: async () => [], read: async (path) => readFileSync(path) };

const { values, positionals } = parseArgs({
  options: { limit: { type: 'string', default: '0' } },
  allowPositionals: true,
});
const networks = xquantNetworks(join(root, 'test-models'), shared);
for (const [name, network] of Object.entries(networks)) {
  if (positionals.length > 0 && !positionals.includes(name)) continue;
  if (!existsSync(network.model)) {
    console.warn(`SKIPPED: ${name} is not on this machine`);
    continue;
  }
  const row = await measure(network, Number(values.limit));
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
  const ordered = Object.fromEntries(Object.keys(networks).flatMap((key) => (key in all ? [[key, all[key]]] : [])));
  writeFileSync(figuresFile, `${JSON.stringify(ordered, null, 1)}\n`);
}

/** Quantizes five times, evaluates all files at once, and asks for the layers to blame where the best one loses too much. */
async function measure(network, limit) {
  const workdir = mkdtempSync(join(tmpdir(), 'q-xquant-'));
  try {
    const bytes = readFileSync(network.model);
    const data = await calibrationData(network, bytes);
    const files = [];
    for (const type of TYPES) {
      const { model } = await quantize(network, bytes, { data, type, analysis: false });
      files.push(join(workdir, `${type}.onnx`));
      writeFileSync(files.at(-1), model);
    }
    const count = limit === 0 ? network.evaluation : Math.min(limit, network.evaluation);
    const row = {
      ...evaluate(network, { files, count, workdir }),
      calibration: data.length,
      finetune: network.finetune,
    };
    const { best, isKept } = verdict({ ...row, blamed: [] });
    if (isKept) return { ...row, blamed: [] };
    const { summary, report } = await quantize(network, bytes, { data, type: best, analysis: true });
    const cut = summary.warnings.join('\n').match(/truncate_var_names: ([^)]*)/)?.[1];
    const blamed = summary.layersToBlame.map(({ layer }) => layer);
    const found = { ...row, blamed, ...(cut === undefined ? {} : { joined: cut.split(', ') }) };
    return blamed.length > 0 || cut !== undefined ? found : { ...found, worst: worstOperators(report.rows) };
  } finally {
    rmSync(workdir, { recursive: true, force: true });
  }
}

/** Where the report's first rows stand. */
function worstOperators(rows) {
  const activations = rows.filter(({ isConstant }) => !isConstant).toSorted((a, b) => b.snr - a.snr);
  return activations.slice(0, 3).map(({ op }) => op.replace(/\[\w+\]$/, ''));
}

function quantize({ finetune, cut }, bytes, { data, type, analysis }) {
  const config = {
    calibration_parameters: { calibration_step: 100, calibration_type: type, input_parametres: [{}] },
    quantization_parameters: {
      finetune_level: finetune,
      analysis_enable: analysis,
      ...(cut === undefined ? {} : { truncate_var_names: cut }),
    },
  };
  return xquant.quantizeOnnxModel(config, bytes, { data });
}

async function calibrationData({ rows, set, pictures, preprocess, inputShapes, calibration }, bytes) {
  const graph = onnx.importOnnx(bytes, {
    name: 'net',
    ...(preprocess && { preprocess }),
    ...(inputShapes && { inputShapes }),
  });
  if (rows !== undefined) return rowsOf(graph, join(shared, `${rows}_calib.npz`), calibration);
  const source = set === undefined ? dataset.zipSource(readFileSync(pictures), pictures) : listedFiles;
  const dataList = set === undefined ? undefined : inOrder(set).slice(-calibration).join('\n');
  const opened = await dataset.openDataset({ source, graph, inputNum: calibration, ...(dataList && { dataList }) });
  return { length: opened.length, batch: (i) => opened.sample(i) };
}

/** Rows that lie evenly in the file, which is sorted by class. */
function rowsOf(graph, file, count) {
  const [input] = ir.inputsOf(graph);
  const array = ir.readNpz(readFileSync(file), file).get(input.name);
  const size = array.data.length / array.shape[0];
  const at = (i) => Math.floor((i * array.shape[0]) / count) * size;
  return { length: count, batch: async (i) => new Map([[input.name, array.data.slice(at(i), at(i) + size)]]) };
}

/** The pictures of a set, in TPU-MLIR's order. */
function inOrder(set) {
  const lists = join(shared, 'data/orders');
  const list = readdirSync(lists).find((name) => name === `${set}.txt`);
  return readFileSync(join(lists, list), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => join(shared, 'data', line));
}

function evaluate(network, { files, count, workdir }) {
  const { harness, model, flags = [] } = network;
  const words = harness === undefined ? [model, ...files, ...flags] : [...files, '--config', harness];
  const limit = [`--limit=${count}`, `--output=${workdir}`];
  run(['evaluate', ...words, ...(harness === undefined ? samples(network, workdir, count) : []), ...limit]);
  const report = readdirSync(workdir).find((name) => name.endsWith('.json'));
  const { samples: evaluation, networks } = JSON.parse(readFileSync(join(workdir, report), 'utf8'));
  const hasLabels = harness !== undefined || flags.includes('--annotations') || network.rows !== undefined;
  const main = ({ figures: found }) => (hasLabels ? Object.entries(found)[0] : []);
  const [metric, float] = main(networks[0]);
  const types = networks.slice(1).map((found, at) => {
    const cosine = Math.min(...found.agreement.map((output) => output.cosine));
    return [TYPES[at], { figure: main(found)[1], cosine }];
  });
  return { metric, float, evaluation, types: Object.fromEntries(types) };
}

function samples({ rows, set }, workdir, count) {
  if (rows !== undefined) return [`--dataset=${join(shared, `${rows}_eval.npz`)}`];
  const list = join(workdir, 'samples.txt');
  writeFileSync(list, inOrder(set).slice(0, count).join('\n'));
  return [`--data_list=${list}`];
}

function run(words) {
  const [command, ...first] = q;
  const { status, stdout, stderr } = spawnSync(command, [...first, ...words], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`q ${words.join(' ')}\n${stdout}\n${stderr}`);
}
