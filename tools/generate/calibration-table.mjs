// Writes the tables of packages/calib/README.md: `node tools/generate/calibration-table.mjs [--limit N]`. The packages must be
// built. The figures of all models are those that table.mjs keeps; what --we and --bc do on bm1684 is measured here, on
// objects-mobilenetv2, whose channels are unbalanced.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { bm, calib, dataset, ir, onnx, runtime } from '../deploy-table/packages.mjs';
import { renderTable } from './src/quantized-table.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const models = `${root}test-models/`;
const readme = `${root}packages/calib/README.md`;
const MARKERS = ['<!-- figures: begin -->', '<!-- figures: end -->'];
const METHODS = ['kl', 'max'];
const BIAS = { sampleCount: 30, expectedCos: 0.9999, minLayerCos: 0.999 };

const { values } = parseArgs({ options: { limit: { type: 'string', default: '0' } } });
const figures = JSON.parse(readFileSync(`${models}quantized.json`, 'utf8'));
const tables = [renderTable(figures), await correctionsTable(Number(values.limit))];
const [before, rest] = readFileSync(readme, 'utf8').split(MARKERS[0]);
const [, after] = rest.split(MARKERS[1]);
writeFileSync(readme, `${before}${MARKERS[0]}\n\n${tables.join('\n\n')}\n\n${MARKERS[1]}${after}`);

async function correctionsTable(limit) {
  const thirds = (value) => [value, value, value];
  const graph = onnx.importOnnx(readFileSync(`${models}objects-mobilenetv2/objects-mobilenetv2.onnx`), {
    name: 'objects-mobilenetv2',
    preprocess: { pixelFormat: 'rgb', mean: thirds(127.5), scale: thirds(0.0078431) },
  });
  const calibration = await inMemory(graph, 'calibration.zip', 0);
  const evaluation = await inMemory(graph, 'evaluation.zip', limit);
  const float = await accuracy(graph, evaluation);
  const rows = [];
  const note = (name, cells) => {
    rows.push([name, ...cells]);
    console.log(rows.at(-1).join(' | '));
  };
  note('float', [percent(float), ...METHODS.map(() => '')]);
  note('bm1684x, INT8', ['', ...(await perMethod((method) => quantized(graph, method, 'bm1684x')))]);
  const sampleCount = calibration.length;
  const variants = {
    'bm1684, INT8': graph,
    '`--we`': calib.equalizeWeights(graph),
    '`--we --we_limits respect`': await calib.equalizeWithinLimits({ graph, dataset: calibration, sampleCount }),
  };
  for (const [name, changed] of Object.entries(variants)) {
    const own = changed === graph ? '' : percent(await accuracy(changed, evaluation));
    note(name, [own, ...(await perMethod((method) => quantized(changed, method, 'bm1684')))]);
    const flags = changed === graph ? '`--bc`' : `${name} \`--bc\``;
    note(flags, ['', ...(await perMethod((method) => corrected(changed, method)))]);
  }
  const titles = ['objects-mobilenetv2, top-1', 'float network', ...METHODS.map((method) => `INT8, ${method}`)];
  return [titles, titles.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

  async function perMethod(measure) {
    const cells = [];
    for (const method of METHODS) cells.push(percent(await measure(method)));
    return cells;
  }

  async function planFor(network, method, processor) {
    const { table } = await calib.calibrate(network, calibration, { method });
    const calibrationTable = ir.parseCalibrationTable(ir.printCalibrationTable(table));
    return ir.planFromTables({ processor, precision: 'INT8', calibrationTable });
  }

  async function quantized(network, method, processor) {
    return accuracy(bm.bm168x.lower(network, await planFor(network, method, processor)), evaluation);
  }

  async function corrected(network, method) {
    const plan = await planFor(network, method, 'bm1684');
    const job = { graph: network, dataset: calibration, target: bm.bm168x, plan, ...BIAS };
    return quantized((await calib.correctBiases(job)).graph, method, 'bm1684');
  }
}

/** Images of the objects data set, decoded once. */
async function inMemory(graph, file, inputNum) {
  const source = dataset.zipSource(readFileSync(`${models}objects-cnn/${file}`), file);
  const opened = await dataset.openDataset({ source, graph, inputNum });
  const samples = [];
  for (let i = 0; i < opened.length; i++) samples.push(await opened.sample(i));
  const { kind, length } = opened;
  return { kind, length, files: (i) => opened.files(i), sample: async (i) => samples[i] };
}

async function accuracy(graph, evaluation) {
  const session = await runtime.createSession(graph, { nonFinite: 'allow' });
  const labels = new Map(
    readFileSync(`${models}objects-cnn/labels.csv`, 'utf8')
      .split('\n')
      .map((line) => line.split(/[,\s]+/)),
  );
  let right = 0;
  for (let i = 0; i < evaluation.length; i++) {
    const [logits] = session.run(await evaluation.sample(i)).values();
    const name = evaluation.files(i)[0].split('/').at(-1);
    if (String(logits.indexOf(logits.reduce((a, b) => Math.max(a, b)))) === labels.get(name)) right++;
  }
  session.dispose();
  return right / evaluation.length;
}

function percent(share) {
  return `${(100 * share).toFixed(1)} %`;
}
