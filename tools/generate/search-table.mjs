// Runs the searches as a user does and writes the tables of packages/search/README.md: what searches recover on networks with
// labels, and every command on many networks. `node tools/generate/search-table.mjs [ROW...]` runs the rows named, or all; each
// prints the commands that it runs. `--render` runs none and writes the tables. The packages must be built. Figures of other rows stay. Networks of others lie in ../shared,
// or where Q_SHARED points.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { ir } from '../deploy-table/packages.mjs';
import { places, recoveries, searchedNetworks } from './src/search-networks.mjs';
import {
  cellOf,
  layerCosines,
  methodScores,
  rankedLosses,
  renderRecoveries,
  renderRuns,
  tableRows,
} from './src/search-table.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const shared = process.env.Q_SHARED ?? join(root, '../shared');
const generated = join(tmpdir(), 'q-generated-networks');
const where = places(root, shared, generated);
const readme = join(root, 'packages/search/README.md');
const figuresFile = join(root, 'test-models/searches.json');
// Another command line may be named, e.g. one that runs from sources.
const q = process.env.Q_COMMAND?.split(' ') ?? [process.execPath, join(root, 'packages/cli/bin/q.mjs')];

const isRendered = process.argv[2] === '--render';
const wanted = isRendered ? [] : process.argv.slice(2);
const recoveryRows = Object.fromEntries(recoveries.map((row) => [rowName(row), row]));
const unknown = wanted.filter((name) => !(name in recoveryRows) && !(name in searchedNetworks));
if (unknown.length > 0) {
  console.error(
    `no row ${unknown.join(', ')}\nrows:\n${[...Object.keys(recoveryRows), ...Object.keys(searchedNetworks)].join('\n')}`,
  );
  process.exit(2);
}
const isWanted = (name) => !isRendered && (wanted.length === 0 || wanted.includes(name));
for (const [name, row] of Object.entries(recoveryRows)) {
  if (isWanted(name))
    keep(
      'recoveries',
      name,
      inWorkdir((workdir) => recover(row, workdir)),
    );
}
for (const [name, network] of Object.entries(searchedNetworks)) {
  if (!isWanted(name)) continue;
  const model = expand(network.model, {});
  if (network.generated === undefined ? existsSync(pathOf(model)) : await made(network.generated)) {
    keep(
      'runs',
      name,
      inWorkdir((workdir) => runAll({ ...network, model: pathOf(model) }, workdir)),
    );
  } else console.warn(`SKIPPED: ${name} is not on this machine`);
}
writeReadme();

/** `objects-vit bm1684, 12 float` */
function rowName({ config, processor, search }) {
  const name = config.replace('/mlir.config.yaml', '').replace('/cut.mlir.config.yaml', '-cut');
  return `${name}, ${processor}, ${/--max_float_layers (\d+)/.exec(search)[1]} float`;
}

function pathOf(model) {
  return model.startsWith('/') ? model : join(root, model);
}

function inWorkdir(work) {
  const workdir = mkdtempSync(join(tmpdir(), 'q-searches-'));
  try {
    return work(workdir);
  } finally {
    rmSync(workdir, { recursive: true, force: true });
  }
}

/** KL's table first, then thresholds and float layers by the search; both measured on all evaluation samples. */
function recover({ config, processor, search }, workdir) {
  const file = join(root, 'test-models', config);
  const fields = parse(readFileSync(file, 'utf8'));
  const local = { home: dirname(file), name: fields.name, workdir, shape_param: JSON.stringify(fields.shapes[0]) };
  const words = (line) => expand(line, local).trim().split(/\s+/);
  const run = runner(workdir);
  run(['model_transform', ...words(fields.mlir_transform).slice(1)]);
  const calibration = words(fields.mlir_calibration).slice(1);
  run(['run_calibration', ...calibration, '--no_doctor', '-o', 'table']);
  const started = performance.now();
  run([
    'run_calibration',
    ...calibration,
    ...words(
      `--no_doctor --processor ${processor} --search search_qtable --inference_num 30 --expected_cos 1 ${search}`,
    ),
    ...['--quantize_table', 'qtable', '-o', 'searched'],
  ]);
  const seconds = (performance.now() - started) / 1000;
  const measure = (tables) => {
    run(['evaluate', '--config', file, '--processor', processor, ...tables, '--output', workdir]);
    const { samples, networks } = JSON.parse(readFileSync(join(workdir, `${fields.harness.type}.json`), 'utf8'));
    const [float, int8] = networks.map(({ figures }) => Object.entries(figures)[0]);
    return { metric: float[0], samples, float: float[1], int8: int8[1] };
  };
  const before = measure(['--calibration_table', 'table']);
  const after = measure(['--calibration_table', 'new_cali_table.txt', '--quantize_table', 'qtable']);
  const floatLayers = tableRows(readFileSync(join(workdir, 'qtable'), 'utf8'));
  const layers = tableRows(readFileSync(join(workdir, 'table'), 'utf8'));
  return { ...before, found: after.int8, floatLayers, layers, seconds };
}

/** Every command once, with few samples. */
function runAll({ model, transform, samples: given, processor, count = 4 }, workdir) {
  const run = runner(workdir);
  const read = (name) => readFileSync(join(workdir, name), 'utf8');
  const words = (line) => expand(line, {}).split(' ').filter(Boolean);
  run(['model_transform', '--model_name', 'net', '--model_def', model, ...words(`${transform} --mlir net.mlir`)]);
  const samples = expand(given, { rows: given.includes('$(rows)') ? speechRows(workdir, count) : '' });
  const common = `net.mlir ${samples} --input_num ${count} --processor ${processor}`;
  const calibration = `run_calibration ${common} --no_doctor --inference_num 2`;
  const mixing = '--search search_qtable --expected_cos 1 --quantize_method_list KL,MSE --quantize_table q1';
  const from = '--expected_cos 1 --calibration_table table';
  // Each with what it tried and what it ended with; later ones read the tables of earlier ones.
  const commands = {
    search_threshold: [
      `${calibration} --search search_threshold -o table`,
      () => methodScores(read('Search_Threshold')),
    ],
    search_qtable: [`${calibration} ${mixing} -o base`, () => rankedLosses(read('Search_Qtable')), 'q1'],
    run_sensitive_layer: [
      `run_sensitive_layer ${common} --inference_num 2 ${from} -o q2`,
      () => rankedLosses(read('SensitiveLayerSearch')),
      'q2',
    ],
    run_qtable: [
      `run_qtable ${common} --min_layer_cos 0.999 ${from} -o q3`,
      () => layerCosines(read('full_loss_table.txt')),
      'q3',
    ],
  };
  const timed = (line) => {
    const started = performance.now();
    run(words(line));
    return (performance.now() - started) / 1000;
  };
  const cells = {};
  for (const [name, [line, valuesOf, table]] of Object.entries(commands)) {
    const seconds = timed(line);
    const values = valuesOf();
    const end = table === undefined ? bestMethod(read('Search_Threshold')) : `${tableRows(read(table))} float`;
    cells[name] = cellOf({ candidates: values.length, values, floatLayers: end, seconds });
  }
  const middle = layerInTheMiddle(read('q1'), read('base'));
  const seconds = timed(`fp_forward net.mlir --processor ${processor} --fpfwd_outputs ${middle} -o q4`);
  cells.fp_forward = cellOf({ candidates: 1, values: [], floatLayers: `${tableRows(read('q4'))} float`, seconds });
  return { processor, load: loadavg()[0].toFixed(1), cells };
}

function bestMethod(log) {
  return /optimal_method_name: (\w+)/.exec(log)[1];
}

/** The costliest layer, or the one in the middle of the table. */
function layerInTheMiddle(qtable, table) {
  const names = (text) =>
    text
      .split('\n')
      .filter((line) => /^[^#\s]/.test(line))
      .map((line) => line.split(' ')[0]);
  return names(qtable)[0] ?? names(table)[Math.floor(names(table).length / 2)];
}

/** Rows of a file of many samples, evenly spread over it, one file each. */
function speechRows(workdir, count) {
  const source = join(shared, 'data/speech/kwt_mfcc_calib.npz');
  const { shape, data, dtype } = ir.readNpz(readFileSync(source), source).get('mfcc');
  const size = data.length / shape[0];
  const files = Array.from({ length: count }, (_, index) => {
    const at = Math.floor((index * shape[0]) / count) * size;
    const file = join(workdir, `row${index}.npz`);
    const row = { dtype, shape: [1, ...shape.slice(1)], data: data.slice(at, at + size) };
    writeFileSync(file, ir.writeNpz(new Map([['mfcc', row]])));
    return file;
  });
  const list = join(workdir, 'rows.txt');
  writeFileSync(list, files.join('\n'));
  return list;
}

/** Runs a command where its tables go, after saying which. */
function runner(cwd) {
  return (words) => {
    console.log(`$ q ${words.join(' ').replaceAll(cwd, '.')}`);
    const [command, ...first] = q;
    const { status, stdout, stderr } = spawnSync(command, [...first, ...words], { cwd, encoding: 'utf8' });
    if (status !== 0) throw new Error(`q ${words.join(' ')}\n${stdout}\n${stderr}`);
    return stdout;
  };
}

/** The file of a generated network, made once. */
async function made(name) {
  const file = join(generated, `${name}.onnx`);
  if (existsSync(file)) return true;
  const { generateNetwork } = await import('./src/generate-network.mjs');
  mkdirSync(generated, { recursive: true });
  writeFileSync(file, await generateNetwork(name));
  return true;
}

function expand(line, local) {
  const known = { ...where, ...local };
  return line.replace(/\$\((\w+)\)/g, (_, variable) => known[variable]);
}

function kept() {
  return existsSync(figuresFile) ? JSON.parse(readFileSync(figuresFile, 'utf8')) : { recoveries: {}, runs: {} };
}

/** Read anew each time, so that two runs on different rows may go side by side. */
function keep(part, name, row) {
  console.log(`${name}: ${JSON.stringify(row)}`);
  const all = kept();
  all[part] = { ...all[part], [name]: row };
  const order = (names, rows) => Object.fromEntries(names.flatMap((key) => (key in rows ? [[key, rows[key]]] : [])));
  const ordered = {
    recoveries: order(Object.keys(recoveryRows), all.recoveries),
    runs: order(Object.keys(searchedNetworks), all.runs),
  };
  writeFileSync(figuresFile, `${JSON.stringify(ordered, null, 1)}\n`);
}

function writeReadme() {
  const parts = { recoveries: renderRecoveries(kept().recoveries), runs: renderRuns(kept().runs) };
  let text = readFileSync(readme, 'utf8');
  for (const [part, table] of Object.entries(parts)) {
    const [begin, end] = [`<!-- ${part}: begin -->`, `<!-- ${part}: end -->`];
    if (!text.includes(begin)) continue;
    const [before, rest] = text.split(begin);
    text = `${before}${begin}\n\n${table}\n\n${end}${rest.split(end)[1]}`;
  }
  writeFileSync(readme, text);
}
