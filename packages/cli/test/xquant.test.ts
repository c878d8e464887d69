import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readZip } from '@q/ir';
import { readOnnxModel } from '@q/ir/onnx';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testModel } from './q-process.ts';
import { runHere } from './run-here.ts';

const model = testModel('objects-cnn/objects-cnn.onnx');

let folder: string;
const at = (name: string) => join(folder, name);
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'q-xquant-'));
  const entries = readZip(readFileSync(testModel('objects-cnn/calibration.zip')), 'calibration').slice(0, 10);
  for (const [i, entry] of entries.entries()) writeFileSync(join(folder, `${i}.jpg`), entry.read());
  writeFileSync(join(folder, 'images.txt'), entries.map((_, i) => `${i}.jpg`).join('\n'));
  writeFileSync(
    join(folder, 'hook.mjs'),
    'export const load = (files, item) => ({ data: new Float32Array(3 * 64 * 64).fill(Number(item.level)), dims: [1, 3, 64, 64] });\n',
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function configure(name: string, item: object, more: object = {}): void {
  const config = {
    model_parameters: { onnx_model: model, working_dir: at('out'), output_prefix: '' },
    calibration_parameters: {
      calibration_step: 10,
      calibration_type: 'minmax',
      input_parametres: [{ input_name: 'image', file_type: 'img', color_format: 'rgb', ...item }],
    },
    quantization_parameters: { finetune_level: 0, ...more },
  };
  writeFileSync(join(folder, name), `// what the vendor's tool takes\n${JSON.stringify(config)}`);
}

const images = () => ({
  data_list_path: at('images.txt'),
  mean_value: [127.5, 127.5, 127.5],
  std_value: [127.5, 127.5, 127.5],
});

describe('xquant', () => {
  it('quantizes by a configuration with comments and the old key, and reports', async () => {
    configure('c.json', images());
    const { status, stdout, stderr } = await runHere('xquant', '-c', at('c.json'), '--opset', '17');
    expect(status, stderr).toBe(0);
    expect(stdout).toContain('out/objects-cnn.q.onnx');
    expect(stdout).toMatch(
      /^\d+ of \d+ operators run in INT8\noutput .*\nlargest contributors to the outputs' noise: \S+, /m,
    );
    const log = stderr.split('\n').filter((line) => / \| xslim\./.test(line));
    expect(log[0]).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \| xslim\.xslim_setting {6}\| INFO {5}\| /);
    expect(log.map((line) => line.split(' | ')[3])).toEqual([
      'Not set output_prefix, deatults to objects-cnn.q.',
      'set calibration_type minmax.',
      `${at('out')} not existed and make new one.`,
      'convert ai.onnx version 13 to 17...',
      'simplify onnx model...',
      'Set Bias to Float32.',
      'Set Bias to Float32.',
      `export quantization statistical results file to ${at('out')}/objects-cnn.q_report.md`,
      expect.stringMatching(/^quantization eplased time \d+\.\d\d s$/),
    ]);
    const wire = readOnnxModel(readFileSync(join(folder, 'out/objects-cnn.q.onnx')));
    expect(wire.graph!.node!.filter(({ opType }) => opType === 'QuantizeLinear').length).toBeGreaterThan(20);
    expect(Number(wire.opsetImport![0]!.version)).toBe(17);
    expect(wire.metadataProps!.map(({ key }) => key)).toEqual(['xslim_version', 'xslim_export_time']);
    const report = readFileSync(join(folder, 'out/objects-cnn.q_report.md'), 'utf8');
    expect(report).toMatch(
      /^\| {4,}\| +Op +\| +Var +\| +SNR +\| +MSE +\| +Cosine +\| +Q\.MinMax +\| +F\.MinMax +\| +F\.Hist/m,
    );
    expect(
      JSON.parse(readFileSync(join(folder, 'out/objects-cnn.q_report.json'), 'utf8')).quantizedOps,
    ).toBeGreaterThan(50);
  });

  it('calls a function of an ES module for preprocessing', async () => {
    configure(
      'h.json',
      { data_list_path: at('images.txt'), preprocess_file: at('hook.mjs:load'), level: 1 },
      { analysis_enable: false },
    );
    expect((await runHere('xquant', '--config', at('h.json'), '-o', at('hooked/m.onnx'))).status).toBe(0);
    expect(existsSync(join(folder, 'hooked/m.onnx'))).toBe(true);
    configure('n.json', { data_list_path: at('images.txt'), preprocess_file: at('hook.mjs:none') });
    expect((await runHere('xquant', '--config', at('n.json'))).stderr).toContain('no function none');
  });

  it('without a configuration simplifies, or converts to FP16', async () => {
    expect((await runHere('xquant', '-i', model, '-o', at('half'), '--fp16')).status).toBe(0);
    const { initializer } = readOnnxModel(readFileSync(at('half/objects-cnn.onnx'))).graph!;
    expect(initializer!.some(({ dataType }) => dataType === 10)).toBe(true);
  });

  it('says what is missing', async () => {
    expect((await runHere('xquant')).stderr).toContain('q xquant takes --config, or --input and --output');
    configure('m.json', { data_list_path: 'nowhere.txt' });
    expect((await runHere('xquant', '-c', at('m.json'), '-i', 'none.onnx')).stderr).toContain(
      'input_onnx_model_or_path set error.',
    );
    expect(await runHere('xquant', '-c', at('m.json'))).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('nowhere.txt'),
    });
  });
});
