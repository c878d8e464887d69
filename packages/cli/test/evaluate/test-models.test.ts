import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { testModel } from '../q-process.ts';
import { runHere } from '../run-here.ts';
import { figuresOfEngine, loadEngine } from './onnxruntime.ts';

/** Every harness file beside a model that is there. */
const configs = readdirSync(testModel(''), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .flatMap(({ name }) => readdirSync(testModel(name)).map((file) => `${name}/${file}`))
  .filter((file) => file.endsWith('mlir.config.yaml') && existsSync(testModel(`${file.split('/')[0]}/reference.json`)));

interface Reference {
  readonly figures?: Readonly<Record<string, number>>;
  readonly top1Count?: number;
  readonly evaluationCount?: number;
}

/** What onnxruntime measured, by the metrics of tools/train. */
function referenceFigures(folder: string): Readonly<Record<string, number>> {
  const reference = JSON.parse(readFileSync(testModel(`${folder}/reference.json`), 'utf8')) as Reference;
  return reference.figures ?? { top1: reference.top1Count! / reference.evaluationCount! };
}

/** What may differ by the last bits of an engine: one sample in 400, a hundredth of a decibel, half a thousandth of AP. */
const tolerances: Readonly<Record<string, number>> = {
  top1: 0.0026,
  top5: 0.0026,
  words: 0.0034,
  PSNR: 0.01,
  AP: 0.0005,
  AP50: 0.0005,
};

/** The figures of the float network, by `q evaluate` of a harness file. */
async function evaluated(file: string, ...more: string[]): Promise<Readonly<Record<string, number>>> {
  const folder = mkdtempSync(join(tmpdir(), 'q-evaluate-'));
  try {
    const outcome = await runHere('evaluate', '--config', testModel(file), '-o', folder, ...more);
    expect(outcome.status, outcome.stderr).toBe(0);
    const json = readdirSync(folder).find((name) => name.endsWith('.json'))!;
    const { networks } = JSON.parse(readFileSync(join(folder, json), 'utf8')) as {
      networks: { figures: Record<string, number> }[];
    };
    return networks[0]!.figures;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test.each(configs)('%s: the float figures are those of onnxruntime', { timeout: 240_000 }, async (file) => {
  const found = await evaluated(file);
  const wanted = referenceFigures(file.split('/')[0]!);
  const shared = Object.keys(wanted).filter((name) => name in tolerances);
  expect(shared.length).toBeGreaterThan(0);
  for (const name of shared) {
    expect(Math.abs(found[name]! - wanted[name]!), `${file} ${name}`).toBeLessThanOrEqual(tolerances[name]!);
  }
});

test.each(configs)('%s: the card says the same', (file) => {
  const folder = file.split('/')[0]!;
  const card = readFileSync(testModel(`${folder}/README.md`), 'utf8');
  for (const [name, value] of Object.entries(referenceFigures(folder))) {
    const spellings = name.includes('PSNR')
      ? [`${value.toFixed(2)} dB`]
      : [1, 2].map((digits) => `${(100 * value).toFixed(digits)} %`);
    expect(
      spellings.some((text) => card.includes(text)),
      `${folder}: ${name} ${spellings.join(' or ')}`,
    ).toBe(true);
  }
});

const SAMPLES = 16;
/** onnxruntime gives the outputs of the file; where another file cuts it, the reference above is what there is. */
const whole = configs.filter((file) => !file.includes('cut.'));

const engine = loadEngine();

test.skipIf(engine === undefined).each(whole)(
  '%s: onnxruntime on the same samples, now',
  { timeout: 120_000 },
  async (file) => {
    const theirs = await figuresOfEngine(engine!, ['--config', testModel(file), `--limit=${SAMPLES}`]);
    const ours = await evaluated(file, `--limit=${SAMPLES}`);
    expect(Object.keys(theirs)).toEqual(Object.keys(ours));
    // Figures without ground truth in these samples are no number in memory and null in the file.
    for (const [name, value] of Object.entries(theirs)) {
      if (!Number.isNaN(value)) expect(ours[name], `${file} ${name}`).toBeCloseTo(value, 4);
    }
  },
);
