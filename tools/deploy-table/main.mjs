// Which network deploys on which processor, and how near the outputs come: npm run deploy-table -- [NETWORK…]
// Prints a Markdown table and writes it to packages/cli/docs/deploy-table.md when every network was there.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { deploy, floatLayers, forgetResults, processors, valuesOf } from './deploy.mjs';
import { networks } from './networks.mjs';
import { CALIBRATION_SAMPLES, firstSamples, openNetwork } from './open-network.mjs';
import { calib } from './packages.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const shared = process.env.Q_SHARED ?? `${root}../shared`;
const pathOf = (path) => (path.startsWith('shared/') ? `${shared}/${path.slice('shared/'.length)}` : root + path);

const wanted = process.argv.slice(2);
const chosen = networks.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
const rows = [];
let complete = chosen.length === networks.length;

for (const entry of chosen) {
  if (!existsSync(pathOf(entry.model))) {
    console.error(`LEFT OUT: no ${entry.model}: nothing is said about ${entry.name}`);
    complete = false;
    continue;
  }
  rows.push(await rowOf(entry));
  console.error(rows.at(-1).join(' | '));
}

async function rowOf(entry) {
  forgetResults();
  try {
    const { graph, samples } = await openNetwork(entry, pathOf);
    const calibration = await calib.calibrate(graph, firstSamples(samples, CALIBRATION_SAMPLES), {
      method: 'mse',
      workers: 1,
    });
    const feeds = await samples.sample(samples.length - 1);
    const floats = await valuesOf(graph, feeds);
    const cells = [];
    for (const processor of processors) {
      cells.push(await cellOf({ graph, floats, feeds, table: calibration.table, processor }));
    }
    return [entry.name, ...cells];
  } catch (error) {
    return [entry.name, ...processors.map(() => `fails: ${error.message}`)];
  }
}

/** `INT8 / mixed`, or the operators that have no definition there. */
async function cellOf(job) {
  const int8 = await deploy(job);
  if (int8.refused !== undefined) return `refused: ${int8.refused}`;
  const mixed = await deploy({ ...job, quantizeTable: floatLayers({ ...job, int8 }) });
  return `${figure(int8)} / ${mixed.refused === undefined ? figure(mixed) : `refused: ${mixed.refused}`}`;
}

function figure({ cosine }) {
  return Number.isNaN(cosine) ? 'not finite' : cosine.toFixed(5);
}

const header = ['network', ...processors.map(({ name }) => name)];
const lines = [header, header.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
const text = `# Networks on processors

Plain cosine of the outputs of the lowered network and the float one (the least of a network's outputs), on one sample that calibration did
not see: \`INT8 / mixed\`. Thresholds by \`mse\` from ${CALIBRATION_SAMPLES} samples; in \`mixed\` the tenth of the layers that INT8 changes most,
and everything behind the last convolutions and matrix products, run in the processor's float type. Where an operator has no definition on a processor, the network is refused and the cell names it.

Made by \`npm run deploy-table\`.

${lines.join('\n')}
`;
console.log(text);
if (complete) {
  mkdirSync(`${root}packages/cli/docs`, { recursive: true });
  writeFileSync(`${root}packages/cli/docs/deploy-table.md`, text);
}
