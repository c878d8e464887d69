import { nearest } from '@q/ir';
import type { ArgumentParser } from 'argparse';
import { describe, expect, it } from 'vitest';
import { HelpRequested, parseArguments, UsageError } from '../src/arguments/parse.ts';
import type { Command, CommandBody } from '../src/command.ts';
import { declarePreprocessFlags, readPreprocess } from '../src/commands/preprocess-flags.ts';

const body: CommandBody = {
  declare(parser: ArgumentParser) {
    parser.add_argument('--input_num', { type: 'int', default: 0, help: 'samples' });
    parser.add_argument('--input_shapes', { default: '[]', help: 'shapes' });
    parser.add_argument('--calibration_table', { default: '', help: 'table' });
    declarePreprocessFlags(parser);
  },
  run: async () => 0,
};
const command: Command = { name: 'sample', aliases: [], summary: 'A command for these tests.', load: async () => body };
const parse = (...words: string[]) => parseArguments(command, body, words);

/** What a call throws. */
function thrown(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

describe('command lines', () => {
  it('takes unique prefixes and --flag=value as argparse does', () => {
    expect(parse('--calibration', 'a').string('calibration_table')).toBe('a');
    expect(parse('--input_num=7').integer('input_num')).toBe(7);
  });

  it('refuses ambiguous prefixes and unknown flags, and suggests the nearest', () => {
    expect((thrown(() => parse('--input', '3')) as Error).message).toMatch(/ambiguous/);
    const unknown = thrown(() => parse('--inputnum', '3')) as UsageError;
    expect(unknown).toBeInstanceOf(UsageError);
    expect(unknown.message).toContain('unrecognized arguments: --inputnum 3');
    expect(unknown.message).toContain('did you mean --input_num?');
    expect(unknown.usage).toMatch(/^usage: q sample/);
  });

  it('describes every flag on --help', () => {
    const help = thrown(() => parse('--help')) as HelpRequested;
    expect(help).toBeInstanceOf(HelpRequested);
    for (const flag of ['--input_num', '--input_shapes', '--calibration_table', '--mean', '--pad_type'])
      expect(help.text).toContain(flag);
  });

  it('reads shapes in the list form of Python', () => {
    expect(parse('--input_shapes', '[[1,3,224,224],[1, 10]]').shapes('input_shapes')).toEqual([
      [1, 3, 224, 224],
      [1, 10],
    ]);
    expect(parse('--input_shapes', '[1,3,8,8]').shapes('input_shapes')).toEqual([[1, 3, 8, 8]]);
    expect(parse().shapes('input_shapes')).toBeUndefined();
    for (const bad of ['[[1,x]]', '1,3,8,8', '[[1,-3]]', '[[1,2.5]]', '{}']) {
      expect(thrown(() => parse('--input_shapes', bad).shapes('input_shapes'))).toMatchObject({
        code: 'cli.bad-flag-value',
        found: bad,
      });
    }
  });

  it('checks whole numbers', () => {
    expect(thrown(() => parse('--input_num', '-1').integer('input_num'))).toMatchObject({
      code: 'cli.bad-flag-value',
      where: '--input_num',
    });
    expect(thrown(() => parse('--input_num', 'many'))).toBeInstanceOf(UsageError);
  });
});

describe('preprocessing flags', () => {
  it('have the defaults of model_transform', () => {
    expect(readPreprocess(parse())).toEqual({
      pixelFormat: 'bgr',
      channelFormat: 'nchw',
      keepAspectRatio: false,
      keepRatioMode: 'letterbox',
      padValue: 0,
      padType: 'center',
      mean: [0, 0, 0],
      scale: [1, 1, 1],
    });
  });

  it('spread one number over the channels and refuse a wrong count', () => {
    expect(readPreprocess(parse('--mean', '127.5'))?.mean).toEqual([127.5, 127.5, 127.5]);
    expect(readPreprocess(parse('--mean=-1,-2,-3'))?.mean).toEqual([-1, -2, -3]);
    expect(thrown(() => readPreprocess(parse('--mean', '1,2')))).toMatchObject({
      code: 'cli.bad-flag-value',
      where: '--mean',
    });
    expect(thrown(() => readPreprocess(parse('--scale', '1,,1')))).toMatchObject({
      code: 'cli.bad-flag-value',
      where: '--scale',
    });
  });

  it('say nothing of inputs that are no images', () => {
    expect(readPreprocess(parse('--channel_format', 'none'))).toBeUndefined();
  });

  it('check ranges', () => {
    expect(thrown(() => readPreprocess(parse('--pad_value', '256')))).toMatchObject({ where: '--pad_value' });
    expect(thrown(() => readPreprocess(parse('--resize_dims', '256')))).toMatchObject({ where: '--resize_dims' });
    expect(readPreprocess(parse('--resize_dims', '256,320'))?.resizeDims).toEqual([256, 320]);
  });
});

describe('nearest', () => {
  it('finds slips of the keyboard and nothing far-fetched', () => {
    expect(nearest('bm1648x', ['bm1684x', 'cv183x'])).toBe('bm1684x');
    expect(nearest('use_mes', ['use_mse', 'use_max'])).toBe('use_mse');
    expect(nearest('banana', ['bm1684x', 'cv183x'])).toBeUndefined();
  });
});
