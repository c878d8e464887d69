// Measures every model of test-models under four calibration methods and four targets, and writes the table of its README:
// `node tools/generate/table.mjs [MODEL...] [--limit N]`. The packages must be built. Figures of models that are not named stay.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { parse } from 'yaml';
import { METHODS, PROCESSORS, renderTable } from './src/quantized-table.mjs';

const MARKERS = ['<!-- quantized: begin -->', '<!-- quantized: end -->'];

const models = fileURLToPath(new URL('../../test-models/', import.meta.url));
const figuresFile = join(models, 'quantized.json');
// Another command line may be named, e.g. one that runs from sources.
const q = process.env.Q_COMMAND?.split(' ') ?? [
  process.execPath,
  fileURLToPath(new URL('../../packages/cli/bin/q.mjs', import.meta.url)),
];

const { values, positionals } = parseArgs({
  options: { limit: { type: 'string', default: '0' } },
  allowPositionals: true,
});
const figures = existsSync(figuresFile) ? JSON.parse(readFileSync(figuresFile, 'utf8')) : {};
for (const config of configFiles()) {
  const { name } = parse(readFileSync(config, 'utf8'));
  if (positionals.length > 0 && !positionals.includes(name)) continue;
  console.log(name);
  figures[name] = measure(config, Number(values.limit));
  writeFileSync(figuresFile, `${JSON.stringify(figures, null, 1)}\n`);
}
writeReadme(renderTable(figures));

function configFiles() {
  const folders = readdirSync(models, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return folders.flatMap(({ name }) =>
    readdirSync(join(models, name))
      .filter((file) => file.endsWith('mlir.config.yaml'))
      .map((file) => join(models, name, file)),
  );
}

/** Transforms, calibrates four times, and evaluates all at once. */
function measure(config, limit) {
  const fields = parse(readFileSync(config, 'utf8'));
  if (!existsSync(expand(fields.harness.args[0].bmodel, fields, config, '')))
    throw new Error(`${config}: no model yet`);
  const workdir = mkdtempSync(join(tmpdir(), 'q-table-'));
  try {
    const words = (line) => expand(line, fields, config, workdir).split(/\s+/).slice(1);
    run(['model_transform', ...words(fields.mlir_transform)], workdir);
    const tables = METHODS.map((method) => {
      const table = join(workdir, method);
      run(['run_calibration', ...words(fields.mlir_calibration), '--cali_method', method, '-o', table], workdir);
      return table;
    });
    const flags = [
      `--calibration_table=${tables}`,
      `--processor=${PROCESSORS}`,
      `--limit=${limit}`,
      `--output=${workdir}`,
    ];
    const warnings = run(['evaluate', '--config', config, ...flags], workdir);
    return { ...readFigures(join(workdir, `${fields.harness.type}.json`)), refused: refusals(warnings) };
  } finally {
    rmSync(workdir, { recursive: true, force: true });
  }
}

/** The variables that the harness files of this repository use. */
function expand(line, fields, config, workdir) {
  const known = { home: dirname(config), name: fields.name, workdir, shape_param: JSON.stringify(fields.shapes[0]) };
  return line.replace(/\$\((\w+)\)/g, (_, variable) => known[variable]);
}

function run(words, cwd) {
  const [command, ...first] = q;
  const { status, stdout, stderr } = spawnSync(command, [...first, ...words], { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`q ${words.join(' ')}\n${stdout}\n${stderr}`);
  return stderr;
}

function readFigures(file) {
  const { samples, networks } = JSON.parse(readFileSync(file, 'utf8'));
  const main = ({ figures: found }) => Object.entries(found)[0];
  const [metric, float] = main(networks[0]);
  const quantized = Object.fromEntries(networks.slice(1).map((network) => [network.name, main(network)[1]]));
  return { metric, samples, float, quantized };
}

/** Why a processor has no figures, by processor. */
function refusals(warnings) {
  const found = [...warnings.matchAll(/^warning: (\w+) INT8 \w+: (.*)$/gm)];
  return Object.fromEntries(
    found.filter(([, processor]) => PROCESSORS.includes(processor)).map(([, processor, why]) => [processor, why]),
  );
}

function writeReadme(table) {
  const file = join(models, 'README.md');
  const [before, rest] = readFileSync(file, 'utf8').split(MARKERS[0]);
  const after = rest.split(MARKERS[1])[1];
  writeFileSync(file, `${before}${MARKERS[0]}\n\n${table}\n\n${MARKERS[1]}${after}`);
}
