import { labelOf, readLabels, readTexts } from '@q/dataset';
import { type AnnotatedImage, type Annotations, readCocoAnnotations } from '@q/evaluate';
import { QError } from '@q/ir';
import type { Arguments } from '../arguments/arguments.ts';
import { readInputText } from '../files/input-files.ts';
import { classificationTask } from './evaluate-classification.ts';
import { detectionTask, imageSettingsOf, readDetectorSettings } from './evaluate-detection.ts';
import type { EvaluatedNetwork } from './evaluate-networks.ts';
import { readingTask, readTargets, similarityTask, superResolutionTask } from './evaluate-pictures.ts';
import { pictureSource, type SampleSet } from './evaluate-samples.ts';
import type { EvaluationTask } from './evaluate-task.ts';

/** The task that the label flags ask for. Everything about labels is read and checked here, before a network runs. */
export async function readTask(
  args: Arguments,
  samples: SampleSet,
  networks: readonly EvaluatedNetwork[],
): Promise<EvaluationTask> {
  const given = ['labels', 'annotations', 'targets', 'texts'].filter((flag) => args.optionalString(flag) !== undefined);
  if (given.length > 1) {
    throw new QError(`${given.map((flag) => `--${flag}`).join(' and ')} are given; one of them says what is measured`, {
      code: 'cli.bad-flag-value',
      where: `--${given[1]}`,
      expected: 'one kind of labels',
    });
  }
  const [kind] = given;
  if (kind === undefined) return samples.classes === undefined ? similarityOrFail(networks) : ownClasses(args, samples);
  const path = args.string(kind);
  if (kind === 'targets') return superResolution(args, samples, path);
  const text = readInputText(path, `--${kind}`);
  if (kind === 'annotations') return detection(args, samples, { text, path, networks });
  if (kind === 'texts') return reading(args, samples, readTexts(text, path), path);
  const classes = perSample(samples, path, (file) => labelOf(readLabelsOnce(text, path), file));
  return classificationTask({ classes, where: path, categories: readCategories(args)?.length });
}

/** Without labels, one network alone has nothing to be measured by. */
function similarityOrFail(networks: readonly EvaluatedNetwork[]): EvaluationTask {
  if (networks.length > 1) return similarityTask();
  throw new QError('there are no labels, and no second network to compare with', {
    code: 'cli.nothing-to-measure',
    where: '--labels',
    expected: '--labels, --annotations, --targets or --texts; or a second model or --processor',
  });
}

function ownClasses(args: Arguments, samples: SampleSet): EvaluationTask {
  const where = args.string('dataset');
  return classificationTask({ classes: samples.classes!, where, categories: readCategories(args)?.length });
}

const labelFiles = new Map<string, ReadonlyMap<string, number>>();

function readLabelsOnce(text: string, path: string): ReadonlyMap<string, number> {
  const labels = labelFiles.get(path) ?? readLabels(text, path);
  labelFiles.set(path, labels);
  return labels;
}

/** The lines of `--category_file`. */
export function readCategories(args: Arguments): string[] | undefined {
  const path = args.optionalString('category_file');
  if (path === undefined) return undefined;
  const lines = readInputText(path, '--category_file').split(/\r?\n/);
  while (lines.at(-1) === '') lines.pop();
  return lines;
}

/** What `find` gives for each sample; samples without are reported, none at all as another set's labels. */
function perSample<T>(samples: SampleSet, where: string, find: (file: string) => T | undefined): T[] {
  const found = Array.from({ length: samples.length }, (_, sample) => find(samples.name(sample)));
  const missing = Array.from(found.keys()).filter((sample) => found[sample] === undefined);
  if (missing.length === 0) return found as T[];
  const isOther = missing.length === samples.length;
  throw new QError(
    isOther
      ? `${where} knows none of the ${samples.length} samples: these are labels of another set`
      : `${where} has nothing about ${missing.length} of ${samples.length} samples`,
    {
      code: isOther ? 'cli.labels-of-another-set' : 'cli.unlabelled-samples',
      where,
      found: missing
        .slice(0, 5)
        .map((sample) => samples.name(sample))
        .join(', '),
      expected: 'an entry per sample, by path or file name',
    },
  );
}

const baseName = (file: string): string => file.slice(file.lastIndexOf('/') + 1);
/** Prepared samples (npz, npy) are called like their pictures but for the extension. */
const stem = (file: string): string => baseName(file).replace(/\.[^.]*$/, '');

interface DetectionLabels {
  readonly text: string;
  readonly path: string;
  readonly networks: readonly EvaluatedNetwork[];
}

function detection(args: Arguments, samples: SampleSet, { text, path, networks }: DetectionLabels): EvaluationTask {
  const annotations: Annotations = readCocoAnnotations(text, path);
  const byName = new Map<string, AnnotatedImage>(annotations.images.map((image) => [stem(image.file), image]));
  const categories = readCategories(args);
  if (categories !== undefined && categories.length !== annotations.categories.length) {
    throw new QError(
      `--category_file has ${categories.length} lines, ${path} ${annotations.categories.length} categories`,
      {
        code: 'cli.class-count',
        where: '--category_file',
        found: `${categories.length} lines`,
        expected: `${annotations.categories.length}`,
      },
    );
  }
  return detectionTask({
    annotations,
    images: perSample(samples, path, (file) => byName.get(stem(file))),
    detector: readDetectorSettings(args),
    preprocess: imageSettingsOf(networks[0]!.graph),
    where: path,
  });
}

async function superResolution(args: Arguments, samples: SampleSet, path: string): Promise<EvaluationTask> {
  const source = pictureSource(path, '--targets');
  const byName = new Map((await source.list()).map((file) => [baseName(file), file]));
  const files = perSample(samples, path, (file) => byName.get(baseName(file)));
  const pixels = await readTargets(files, (file) => source.read(file));
  return superResolutionTask({ pixels, peak: args.real('peak', (value) => value > 0, 'a number above 0') });
}

function reading(
  args: Arguments,
  samples: SampleSet,
  texts: ReadonlyMap<string, string>,
  path: string,
): EvaluationTask {
  const signs = readCategories(args);
  if (signs === undefined) {
    throw new QError('--texts needs --category_file: the signs, one per line', {
      code: 'cli.missing-flag',
      where: '--category_file',
      expected: 'a text file with one sign per line, in the order of the classes behind the blank',
    });
  }
  return readingTask({
    texts: perSample(samples, path, (file) => texts.get(file) ?? texts.get(baseName(file))),
    signs,
  });
}
