import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runWords } from '../../src/run-words.ts';
import { testModel } from '../q-process.ts';
import { redraws, watchTerminal } from '../terminal-screen.ts';
import { openObjectsCnn, type Workspace } from './workspace.ts';

/** But tabs, which are in lines of the original, and line ends. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: a pipe must not get them
const CONTROL = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/;

describe('a bar', () => {
  it('shows the work that is left and a label, and leaves its last state above what is printed then', () => {
    const { terminal, drawn } = watchTerminal();
    terminal.emit({ type: 'progress', task: 'search', done: 0, total: 10, label: '' });
    terminal.emit({ type: 'progress', task: 'search', done: 3, total: 8, label: 'head 1.2e-3' });
    terminal.print('found');
    terminal.settle();
    const lines = redraws(drawn());
    expect(lines[0]).toMatch(/^search \|-+\| 0\/10 /);
    expect(lines.at(-1)).toMatch(/^search \|=+-+\| 3\/8 .* head 1\.2e-3/);
    // What stdout gets then begins on a line of its own.
    expect(drawn().endsWith('\n')).toBe(true);
  });

  it('is a few lines in a pipe, one at least per task and one at its end', () => {
    const { terminal, piped } = watchTerminal();
    for (const task of ['one', 'two']) {
      for (let done = 0; done <= 100; done++) terminal.emit({ type: 'progress', task, done, total: 100, label: 'x' });
    }
    const { stdout, stderr } = piped();
    expect(stdout).toBe('');
    expect(stderr).not.toMatch(CONTROL);
    const lines = stderr.trimEnd().split('\n');
    expect(lines.filter((line) => line.startsWith('one: '))).toContain('one: 100/100');
    expect(lines.at(-1)).toBe('two: 100/100');
    expect(lines.length).toBeLessThan(10);
  });
});

describe('searches show what is left and the costliest layers so far', () => {
  let folder: Workspace;
  beforeAll(async () => {
    folder = await openObjectsCnn();
  });
  afterAll(() => folder.close());

  const images = `--dataset ${testModel('objects-cnn/calibration.zip')} --input_num 1`;
  const float = `run_qtable net.mlir ${images} --calibration_table table --processor bm1684 --min_layer_cos 0.999 --expected_cos 1`;
  const calibration = `run_calibration net.mlir ${images} --inference_num 1 --tune_num 0 --no_doctor --workers 1 --quantize_table qtable`;
  const newer = `${calibration} --processor bm1684 --max_float_layers 1 --expected_cos 1`;

  it.each([
    ['search_threshold', `${newer} --search search_threshold -o own`],
    ['search_qtable', `${newer} --search search_qtable --quantize_method_list MAX -o own`],
    ['search_qtable of 2026', `${newer} --search search_qtable --profile 2026 --quantize_method_list MAX -o own`],
    ['fast_search', `${newer} --search fast_search -o table`],
    ['mix_search', `${newer} --search mix_search -o table`],
    [
      'four bits',
      `${calibration} --search search_qtable --mix_mode wi4ai8_wi8ai8 --processor bm1688 --expected_cos 1 -o table`,
    ],
    [
      'run_sensitive_layer',
      `run_sensitive_layer net.mlir ${images} --inference_num 1 --tune_num 0 --calibration_table table --processor bm1684 --expected_cos 1 --workers 1 -o own`,
    ],
    ['run_qtable', `${float} -o own`],
    ['run_qtable of 2022', `${float} --profile 2022 -o own`],
  ])('%s', async (name, line) => {
    const { terminal, drawn, piped } = watchTerminal();
    const status = await runWords(line.split(' '), terminal);
    terminal.settle();
    const { stdout, stderr } = piped();
    expect(status, stderr).toBe(0);
    const task = name === 'search_threshold' ? 'threshold' : 'search';
    const bars = redraws(drawn()).filter((text) => text.startsWith(`${task} |`));
    // The end of the work, with a layer and its loss, or a method and its score.
    const end =
      task === 'search' ? /\| (\d+)\/\1 \S+ \S*[A-Za-z]\S* -?\d\.\de[+-]\d/ : /\| (\d+)\/\1 \S+ [A-Z]+\w* 0\.9\d+/;
    expect(bars.at(-1)).toMatch(end);
    expect(`${stdout}${stderr}`).not.toMatch(CONTROL);
    expect(stderr).toMatch(new RegExp(`^${task}: (\\d+)/\\1$`, 'm'));
    expect(stdout).not.toMatch(new RegExp(`^${task}: `, 'm'));
  });
});
