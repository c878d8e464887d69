import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type Issue, QError } from '@q/ir';
import { parse } from 'yaml';
import type { Arguments } from '../arguments/arguments.ts';
import { parseArguments } from '../arguments/parse.ts';
import type { CommandBody } from '../command.ts';
import { readInputText } from '../files/input-files.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { NamedModel } from './evaluate-networks.ts';

/** Flags of model_transform that say how a model is read: the only ones of `mlir_transform` that matter here. */
const TRANSFORM_FLAGS = [
  'input_shapes',
  'output_names',
  'resize_dims',
  'keep_ratio_mode',
  'mean',
  'scale',
  'pixel_format',
  'channel_format',
  'pad_value',
  'pad_type',
];

/** Our own fields of `dataset` that every type of harness may have. */
const OWN_FIELDS = { interpolation: 'interpolation' };

/** Fields of `dataset` to the flags of evaluate, per type of harness; the vendor's names first, then ours. */
const DATASET_FIELDS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  topk: { image_path: 'dataset', image_label: 'labels', category_file: 'category_file', ...OWN_FIELDS },
  yolo: {
    imagedir: 'dataset',
    anno: 'annotations',
    category_file: 'category_file',
    head: 'head',
    anchors: 'anchors',
    ...OWN_FIELDS,
  },
  psnr: { imagedir: 'dataset', targets: 'targets', peak: 'peak', ...OWN_FIELDS },
  text: { imagedir: 'dataset', texts: 'texts', category_file: 'category_file', ...OWN_FIELDS },
  similarity: { imagedir: 'dataset', ...OWN_FIELDS },
};

/** Flags that a command line may set beside `--config`; what the file says of everything else stands. */
const FREE_FLAGS = ['limit', 'processor', 'quantize', 'calibration_table', 'quantize_table', 'output'] as const;

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The settings of `--config` as if they had been flags, and its models; without `--config` the command line's own. */
export function readHarness(
  given: Arguments,
  command: CommandBody & { readonly name: string },
  terminal: Terminal,
): { args: Arguments; models: readonly NamedModel[] } {
  const path = given.optionalString('config');
  const named = given.words('model').map((path) => ({ name: basename(path), path }));
  if (path === undefined) {
    if (named.length > 0) return { args: given, models: named };
    throw new QError('no model is given', {
      code: 'cli.missing-flag',
      where: 'model',
      expected: 'a .onnx, .mlir or .prototxt file, or --config',
    });
  }
  const config = new HarnessConfig(path, given);
  const models = [...config.models(terminal), ...named];
  if (models.length === 0) {
    throw configError(path, 'none of the models under harness: args: exists', 'run the deploy commands first');
  }
  const words = [...models.map((model) => model.path), ...config.words(), ...freeWords(given)];
  const args = parseArguments({ ...command, aliases: [], summary: '', load: async () => command }, command, words);
  return { args, models };
}

function freeWords(given: Arguments): string[] {
  const words = FREE_FLAGS.flatMap((flag) => {
    const value = flag === 'limit' ? String(given.integer('limit')) : given.optionalString(flag);
    return value === undefined ? [] : [`--${flag}=${value}`];
  });
  return given.flag('asymmetric') ? [...words, '--asymmetric'] : words;
}

/** A harness file of the vendor's model zoo: mlir_transform, dataset and harness, at the top or in a section per target. */
class HarnessConfig {
  readonly #path: string;
  readonly #root: Fields;
  readonly #section: Fields;
  readonly #variables: ReadonlyMap<string, string>;

  constructor(path: string, given: Arguments) {
    this.#path = path;
    this.#root = readYaml(path);
    const target = given.optionalString('target');
    const [name, section] = this.#chooseSection(target);
    this.#section = section;
    this.#variables = new Map([
      ['home', dirname(path)],
      ['root', '.'],
      ['name', String(this.#root.name ?? '')],
      ['target', name.toLowerCase()],
      ['workdir', join('output', String(this.#root.name ?? ''))],
      ['shape_param', shapeText(this.#root.shapes)],
      ...given.words('variable').map(readVariable),
    ]);
  }

  models(terminal: Terminal): NamedModel[] {
    const harness = this.#fields('harness');
    const rows = Array.isArray(harness.args) ? harness.args.filter(isFields) : [];
    return rows.flatMap((row): NamedModel[] => {
      const path = this.#expand(row.bmodel ?? row.model);
      if (existsSync(path)) return [{ name: this.#expand(row.name), path }];
      terminal.emit({
        type: 'warning',
        code: 'cli.missing-file',
        message: 'does not exist and is left out',
        where: path,
      });
      return [];
    });
  }

  words(): string[] {
    const harness = String(this.#fields('harness').type ?? '');
    const fields = DATASET_FIELDS[harness];
    if (fields === undefined) {
      throw configError(this.#path, `harness type "${harness}"`, `one of ${Object.keys(DATASET_FIELDS).join(', ')}`);
    }
    const dataset = this.#fields('dataset');
    const words = Object.entries(fields).flatMap(([field, flag]) =>
      dataset[field] === undefined ? [] : [`--${flag}=${this.#expand(dataset[field])}`],
    );
    return [...words, ...this.#transformWords()];
  }

  #transformWords(): string[] {
    const given = splitWords(this.#expand(this.#section.mlir_transform ?? this.#root.mlir_transform ?? ''));
    return given.flatMap((word, at) => {
      const [flag, inline] = word.replace(/^--/, '').split(/=(.*)/s) as [string, string | undefined];
      if (word === '--keep_aspect_ratio') return [word];
      return word.startsWith('--') && TRANSFORM_FLAGS.includes(flag)
        ? [`--${flag}=${inline ?? given[at + 1] ?? ''}`]
        : [];
    });
  }

  #chooseSection(target: string | undefined): [string, Fields] {
    const sections = Object.entries(this.#root).filter(
      (entry): entry is [string, Fields] => isFields(entry[1]) && 'harness' in entry[1],
    );
    const wanted = sections.find(([name]) => target === undefined || name.toLowerCase() === target.toLowerCase());
    if (wanted !== undefined) return wanted;
    if ('harness' in this.#root) return [target ?? '', this.#root];
    const names = sections.map(([name]) => name).join(', ');
    throw configError(
      this.#path,
      target === undefined ? 'no field harness' : `no section ${target} with a harness`,
      names === '' ? 'a field harness' : names,
    );
  }

  #fields(key: string): Fields {
    const value = this.#section[key] ?? this.#root[key];
    if (isFields(value)) return value;
    throw configError(this.#path, `no field ${key}`, `${key}: with fields of its own`);
  }

  /** Puts values in place of $(NAME), also in what they hold themselves. */
  #expand(value: unknown): string {
    const unknown = new Set<string>();
    let text = String(value ?? '');
    for (let depth = 0; depth < 8 && text.includes('$('); depth++) {
      text = text.replace(/\$\((\w+)\)/g, (whole, name: string) => {
        const known = this.#variables.get(name) ?? process.env[name];
        if (known === undefined) unknown.add(name);
        return known ?? whole;
      });
      if (unknown.size > 0) break;
    }
    if (unknown.size === 0) return text;
    const issues: Issue[] = [...unknown].map((name) => ({
      code: 'cli.config',
      where: this.#path,
      found: `$(${name})`,
      expected: `--variable ${name}=VALUE`,
    }));
    throw new QError(
      `${this.#path} uses ${issues.map(({ found }) => found).join(', ')}, which nothing defines`,
      issues[0]!,
      { issues },
    );
  }
}

function readYaml(path: string): Fields {
  const text = readInputText(path, '--config');
  let root: unknown;
  try {
    root = parse(text);
  } catch (error) {
    throw configError(path, error instanceof Error ? error.message : 'no YAML', 'YAML');
  }
  if (isFields(root)) return root;
  throw configError(path, 'no fields', 'a mapping with mlir_transform, dataset and harness');
}

function readVariable(word: string): [string, string] {
  const at = word.indexOf('=');
  if (at > 0) return [word.slice(0, at), word.slice(at + 1)];
  throw new QError(`--variable ${word} has no value`, {
    code: 'cli.bad-flag-value',
    where: '--variable',
    found: word,
    expected: 'NAME=VALUE',
  });
}

function shapeText(shapes: unknown): string {
  return Array.isArray(shapes) && shapes.length > 0 ? JSON.stringify(shapes[0]) : '';
}

/** Words of a shell-like line; quotes hold spaces. */
function splitWords(text: string): string[] {
  return [...text.matchAll(/(?:"([^"]*)"|'([^']*)'|(\S))+/g)].map((match) => match[0].replace(/["']/g, ''));
}

function configError(path: string, found: string, expected: string): QError {
  return new QError(`${path}: ${found}`, { code: 'cli.config', where: path, found, expected });
}
