import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeImage, zipSource } from '@q/dataset';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Canvas } from '../../src/pictures/canvas.ts';
import { isInk, SIGN_HEIGHT, SIGN_WIDTH } from '../../src/pictures/font.ts';
import { objectsPreprocess, testModel } from '../q-process.ts';
import { runHere } from '../run-here.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'q-pictures-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function picture(archive: string, name: string): Promise<string> {
  const path = join(folder, name);
  writeFileSync(path, await zipSource(readFileSync(testModel(archive)), archive).read(name));
  return path;
}

function categories(): string {
  const path = join(folder, 'names.txt');
  writeFileSync(path, 'star\nmug\nfish\nhouse\ntree\nkey\nheart\narrow\n');
  return path;
}

test('q detect prints name:score% by class and score, and draws boxes', async () => {
  const input = await picture('scenes-yolov3-tiny/evaluation.zip', 'eval_0003.jpg');
  const output = join(folder, 'out.png');
  const flags = ['--pixel_format', 'rgb', '--scale', '0.0039216', '--head', 'yolov5', '--category_file', categories()];
  const model = testModel('scenes-yolov3-tiny/scenes-yolov3-tiny.onnx');
  const outcome = await runHere('detect', '--model', model, '--input', input, '--output', output, ...flags);
  expect(outcome.status, outcome.stderr).toBe(0);
  const lines = outcome.stdout.split('\n').map((line) => line.match(/^(\w+):(\d+\.\d)%$/)!);
  expect(lines.map((line) => line[1])).toEqual(['star', 'star', 'heart', 'heart']);
  const drawn = await decodeImage(readFileSync(output), 'bgr', output);
  // 128 pixels are too few for letters: the picture is enlarged by 2.
  expect([drawn.width, drawn.height]).toEqual([256, 256]);
  // The first colour of the palette, as B, G, R.
  const coloured = Array.from({ length: 256 * 256 }, (_, i) => [...drawn.data.subarray(3 * i, 3 * i + 3)].join());
  expect(coloured.filter((pixel) => pixel === '75,25,230').length).toBeGreaterThan(300);
  const none = await runHere(
    'detect',
    '--model',
    model,
    '--input',
    input,
    '--output',
    join(folder, 'no.png'),
    ...flags,
    '--score_thres',
    '0.999',
  );
  expect(none.stdout).toBe('No object was detected');
  expect(readdirSync(folder)).not.toContain('no.png');
});

test('q classify prints the five likeliest, draws a JPEG; the sample’s name is silent', async () => {
  const input = await picture('objects-cnn/evaluation.zip', 'eval_0000.jpg');
  const model = testModel('objects-cnn/objects-cnn.onnx');
  const words = ['--input', input, '--output', join(folder, 'out.jpg')];
  const outcome = await runHere('classify', '--model', model, ...words, ...objectsPreprocess);
  expect(outcome.status, outcome.stderr).toBe(0);
  const scores = outcome.stdout.split('\n').map((line) => Number(line.match(/^class \d+:(\d+\.\d)%$/)![1]));
  expect(scores).toHaveLength(5);
  expect(scores).toEqual(scores.toSorted((a, b) => b - a));
  expect((await decodeImage(readFileSync(join(folder, 'out.jpg')), 'bgr', 'out.jpg')).width).toBe(256);
  const silent = await runHere('classify_mobilenet_v2.py', '--model_def', model, ...words, '--net_input_dims', '64,64');
  expect(silent).toEqual({ status: 0, stdout: '', stderr: '' });
});

test('detect_yolov3 prepares pictures as the sample does, bicubically on grey, and writes the text file', async () => {
  const input = await picture('scenes-yolov3-tiny/evaluation.zip', 'eval_0003.jpg');
  const model = testModel('scenes-yolov3-tiny/scenes-yolov3-tiny.onnx');
  const maps = ['coarse', 'fine'].map((head) => `/network/${head}_head/${head}_head.1/Conv_output_0`);
  const words = ['--model', model, '--input', input, '--output', join(folder, 'out.png'), '--output_names', `${maps}`];
  const anchors = ['--anchors', '15,15,20,20,27,27,34,34,46,46,62,62', '--net_input_dims', '160,192'];
  const spelled = ['--pixel_format', 'rgb', '--scale', '0.0039215686', '--keep_aspect_ratio', '--pad_value', '128'];
  const before = process.cwd();
  process.chdir(folder);
  try {
    const sample = await runHere('detect_yolov3.py', ...words, ...anchors);
    expect(sample.status, sample.stderr).toBe(0);
    expect(sample.stdout).toMatch(/^person:\d+\.\d%/);
    const byFlags = (way: string) =>
      runHere('detect', ...words, ...anchors, ...spelled, '--interpolation', way).then(({ stdout }) => stdout);
    expect(await byFlags('pil_bicubic')).toBe(sample.stdout);
    expect(await byFlags('linear')).not.toBe(sample.stdout);
    const switched = await runHere('detect', ...words, ...anchors, ...spelled, '--debug_cmd', 'use_pil_resize');
    expect(switched.stdout).toBe(await byFlags('pil_bilinear'));
    const text = readFileSync('scenes-yolov3-tiny.onnx_image_dir_result', 'utf8');
    expect(text).toBe(`eval_0003.jpg: ${sample.stdout.split('\n').join(', ')}\n`);
  } finally {
    process.chdir(before);
  }
});

test('an output that is no picture is refused before the network runs', async () => {
  const input = await picture('objects-cnn/evaluation.zip', 'eval_0000.jpg');
  const outcome = await runHere(
    'classify',
    '--model',
    'none.onnx',
    '--input',
    input,
    '--output',
    join(folder, 'out.txt'),
  );
  expect(outcome.status).toBe(1);
  expect(outcome.stderr).toMatch(/\.png, \.jpg/);
});

test('letters: each sign has ink of its own, the space none; a label stays inside the picture', () => {
  const inkOf = (sign: string): string =>
    Array.from({ length: SIGN_WIDTH * SIGN_HEIGHT }, (_, i) =>
      Number(isInk(sign, i % SIGN_WIDTH, Math.floor(i / SIGN_WIDTH))),
    ).join('');
  const signs = Array.from({ length: 95 }, (_, i) => inkOf(String.fromCodePoint(32 + i)));
  expect(new Set(signs).size).toBe(95);
  expect(signs[0]).toBe('0'.repeat(35));
  expect(inkOf('ä')).toBe(inkOf('?'));
  const canvas = new Canvas({ width: 300, height: 200, channels: 3, data: new Uint8Array(300 * 200 * 3) });
  canvas.label('ab', 295, -20, 1, [9, 9, 9]);
  expect([...canvas.data.subarray(4 * (300 - 13), 4 * (300 - 13) + 3)]).toEqual([9, 9, 9]);
});
