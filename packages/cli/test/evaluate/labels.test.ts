import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeZip } from '@q/ir';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { objectsPreprocess, testModel } from '../q-process.ts';
import { runHere } from '../run-here.ts';

const model = testModel('objects-cnn/objects-cnn.onnx');
const images = testModel('objects-cnn/evaluation.zip');
const labels = readFileSync(testModel('objects-cnn/labels.csv'), 'utf8');
const detector = testModel('scenes-yolov3-tiny/scenes-yolov3-tiny.onnx');
const scenes = testModel('scenes-yolov3-tiny/evaluation.zip');

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'q-labels-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const classifying = (...more: string[]) => runHere('evaluate', model, ...objectsPreprocess, '--limit', '20', ...more);
const detecting = (...more: string[]) =>
  runHere(
    'evaluate',
    detector,
    '--pixel_format',
    'rgb',
    '--scale',
    '0.0039216',
    '--dataset',
    scenes,
    '--limit',
    '2',
    ...more,
  );

async function expectRefusal(outcome: ReturnType<typeof runHere>, code: string, ...facts: RegExp[]): Promise<void> {
  const { status, stderr } = await outcome;
  expect(status, stderr).toBe(1);
  expect(stderr).toContain(`[${code}]`);
  for (const fact of facts) expect(stderr).toMatch(fact);
}

describe('labels that do not fit are refused before anything runs', () => {
  test('pictures without labels', async () => {
    const some = file(
      'some.csv',
      labels
        .split('\n')
        .filter((line) => !line.startsWith('eval_00'))
        .join('\n'),
    );
    await expectRefusal(
      classifying('--dataset', images, '--labels', some),
      'cli.unlabelled-samples',
      /some\.csv/,
      /eval_00/,
    );
  });

  test('labels of another set', async () => {
    const other = file('other.csv', 'file,class_index\ncat.jpg,3\n');
    await expectRefusal(classifying('--dataset', images, '--labels', other), 'cli.labels-of-another-set', /20 samples/);
  });

  test('an empty set', async () => {
    const empty = join(folder, 'empty');
    mkdirSync(empty);
    await expectRefusal(classifying('--dataset', empty, '--labels', file('l.csv', labels)), 'dataset.empty', /empty/);
  });

  test('a class that the network does not have', async () => {
    const large = file('large.csv', labels.replace(/^(eval_\d+\.jpg),\d+/gm, '$1,20'));
    await expectRefusal(
      classifying('--dataset', images, '--labels', large),
      'cli.class-count',
      /class 20/,
      /20 scores/,
    );
  });

  test('a category file of another length', async () => {
    const all = file('all.csv', labels);
    const names = file('names.txt', 'one\ntwo\n');
    await expectRefusal(
      classifying('--dataset', images, '--labels', all, '--category_file', names),
      'cli.class-count',
      /2 lines/,
    );
  });

  test('no labels and nothing to compare with', async () => {
    await expectRefusal(classifying('--dataset', images), 'cli.nothing-to-measure', /--labels/);
  });

  test('annotations of other pictures, of other classes, and a head that does not fit', async () => {
    const own = JSON.parse(readFileSync(testModel('scenes-yolov3-tiny/evaluation.json'), 'utf8'));
    const renamed = {
      ...own,
      images: own.images.map((image: { id: number }) => ({ ...image, file_name: `x${image.id}.jpg` })),
    };
    await expectRefusal(
      detecting('--annotations', file('renamed.json', JSON.stringify(renamed))),
      'cli.labels-of-another-set',
    );
    const more = { ...own, categories: [...own.categories, { id: 99, name: 'more' }] };
    await expectRefusal(
      detecting('--annotations', file('more.json', JSON.stringify(more))),
      'cli.class-count',
      /8 classes/,
      /9/,
    );
    const annotations = testModel('scenes-yolov3-tiny/evaluation.json');
    await expectRefusal(
      detecting('--annotations', annotations, '--head', 'yolov8'.replace('8', '3')),
      'evaluate.head',
      /960/,
    );
    await expectRefusal(
      detecting('--annotations', annotations, '--head', 'yolov33'),
      'cli.bad-flag-value',
      /did you mean yolov3/,
    );
  });

  test('a .zip without pictures, annotations that are none, targets and signs of another kind', async () => {
    const texts = join(folder, 'texts.zip');
    writeFileSync(texts, writeZip([['a.txt', new Uint8Array(3)]]));
    await expectRefusal(classifying('--dataset', texts, '--labels', file('l.csv', labels)), 'dataset.empty', /1 files/);
    await expectRefusal(detecting('--annotations', file('no.json', 'nope')), 'evaluate.annotations', /no\.json/);
    const patches = testModel('patches-espcn');
    const enlarging = ['evaluate', `${patches}/patches-espcn.onnx`, '--pixel_format', 'gray', '--limit', '2'];
    const small = `${patches}/evaluation.zip`;
    await expectRefusal(
      runHere(...enlarging, '--dataset', small, '--targets', small),
      'cli.target-size',
      /2304 pixels/,
      /9216/,
    );
    const glyphs = testModel('glyphs-crnn');
    const reading = ['evaluate', `${glyphs}/glyphs-crnn.onnx`, '--input_shapes', '[[1,1,32,96]]', '--limit', '2'];
    const words = [
      '--pixel_format',
      'gray',
      '--dataset',
      `${glyphs}/evaluation.zip`,
      '--texts',
      `${glyphs}/labels.csv`,
    ];
    await expectRefusal(runHere(...reading, ...words), 'cli.missing-flag', /--category_file/);
    const signs = file('signs.txt', 'a\nb\n');
    await expectRefusal(runHere(...reading, ...words, '--category_file', signs), 'cli.class-count', /2 signs/);
  });
});

test('a second network: agreement with the first, by any processor, without labels', async () => {
  const table = testModel('objects-cnn/tpu-mlir-1.17/max_cali_table');
  const outcome = await classifying(
    '--dataset',
    images,
    '--processor',
    'bm1684x,k1',
    '--calibration_table',
    table,
    '-o',
    folder,
  );
  expect(outcome.status, outcome.stderr).toBe(0);
  expect(outcome.stdout).toMatch(/^bm1684x INT8 +0\.9\d+ +\d+\.\d+ +/m);
  const csv = readFileSync(join(folder, 'similarity.csv'), 'utf8');
  expect(csv.split('\r\n')).toEqual([
    'name',
    'objects_cnn-objects-cnn.onnx',
    'objects_cnn-bm1684x INT8',
    'objects_cnn-k1 INT8',
    '',
  ]);
});

test('a lowering that is refused is left out where there are others, and fails alone', async () => {
  const words = ['--dataset', images, '--quantize', 'F16', '--processor'];
  const both = await classifying(...words, 'bm1684x,bm1684');
  expect(both.status, both.stderr).toBe(0);
  expect(both.stdout).toMatch(/^bm1684x F16/m);
  expect(both.stdout).not.toMatch(/bm1684 F16/);
  expect(both.stderr).toMatch(/bm1684 F16: .*F16/);
  expect((await classifying(...words, 'bm1684')).status).toBe(1);
});

describe('the fields of a harness file', () => {
  const base = (harness: string) => `name: objects
shapes: [[1, 3, 64, 64]]
mlir_transform: >
  model_transform.py --model_name $(name) --model_def $(models)/objects-cnn.onnx --input_shapes [$(shape_param)]
  --mean 127.5,127.5,127.5 --scale 0.0078431,0.0078431,0.0078431 --pixel_format rgb --mlir x.mlir
${harness}`;
  const section = (bmodel: string) => `
  dataset:
    image_path: $(models)/evaluation.zip
    image_label: $(models)/labels.csv
  harness:
    type: topk
    args:
      - name: FP32
        bmodel: ${bmodel}
      - name: INT8
        bmodel: $(workdir)/missing.bmodel
`;

  test('sections per target, variables, models that do not exist are left out, and the vendor’s csv', async () => {
    copyFileSync(model, join(folder, 'objects-cnn.onnx'));
    const text = base(`BM1684X:${section('$(home)/$(target).onnx')}\nBM1684:${section('$(home)/objects-cnn.onnx')}`);
    const config = file('mlir.config.yaml', text);
    const variable = `models=${testModel('objects-cnn')}`;
    const words = ['evaluate', '--config', config, '--variable', variable, '--limit', '20', '-o', folder];
    const outcome = await runHere(...words, '--target', 'bm1684');
    expect(outcome.status, outcome.stderr).toBe(0);
    expect(outcome.stderr).toMatch(/missing\.bmodel.*does not exist/);
    expect(readFileSync(join(folder, 'topk.csv'), 'utf8')).toMatch(
      /^name,top1,top5\r\n\S+-FP32,\d+\.\d\d%,\d+\.\d\d%\r\n$/,
    );
    await expectRefusal(runHere(...words), 'cli.config', /none of the models/);
  });

  test('what is undefined or unknown is named', async () => {
    const config = file('a.yaml', base(section('$(nowhere)/x.onnx').replace(/^ {2}/gm, '')));
    await expectRefusal(runHere('evaluate', '--config', config), 'cli.config', /\$\(nowhere\)/);
    const odd = file('b.yaml', base(section('x.onnx').replace(/^ {2}/gm, '').replace('topk', 'bert')));
    await expectRefusal(runHere('evaluate', '--config', odd, '--variable', 'models=.'), 'cli.config');
    await expectRefusal(runHere('evaluate', '--config', file('c.yaml', 'name: x')), 'cli.config', /harness/);
    await expectRefusal(runHere('evaluate', '--config', file('d.yaml', '{')), 'cli.config');
  });
});
