import { type Issue, QError } from '@q/ir';
import type { Truth } from './average-precision.ts';

export interface AnnotatedImage {
  readonly file: string;
  readonly width: number;
  readonly height: number;
  readonly truths: readonly Truth[];
}

export interface Annotations {
  /** Class names by class index: the file's categories by rising id. */
  readonly categories: readonly string[];
  readonly images: readonly AnnotatedImage[];
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

function fail(where: string, found: string, issues: readonly Issue[] = []): QError {
  const first = {
    code: 'evaluate.annotations',
    where,
    found,
    expected: "COCO's detection JSON: images, annotations, categories",
  };
  return new QError(
    `${where} cannot be read as annotations: ${found}.`,
    issues[0] ?? first,
    issues.length > 0 ? { issues } : {},
  );
}

/**
 * Reads COCO's detection JSON. Only what evaluation needs is asked for: images (id, file_name, width, height), annotations
 * (image_id, category_id, bbox; area and iscrowd where given), categories (id, name).
 *
 * @throws QError `evaluate.annotations` with everything that is wrong.
 */
export function readCocoAnnotations(text: string, where: string): Annotations {
  const root = parse(text, where);
  const [images, annotations, categories] = (['images', 'annotations', 'categories'] as const).map((key) => {
    const list = root[key];
    if (!Array.isArray(list)) throw fail(where, `no list "${key}"`);
    return list as unknown[];
  }) as [unknown[], unknown[], unknown[]];
  const issues: Issue[] = [];
  const report = (what: string, index: number, expected: string): void => {
    issues.push({ code: 'evaluate.annotations', where: `${where}, ${what}[${index}]`, expected });
  };
  const names = new Map<number, string>();
  for (const [index, category] of categories.entries()) {
    if (isObject(category) && isNumber(category.id) && typeof category.name === 'string')
      names.set(category.id, category.name);
    else report('categories', index, 'an id and a name');
  }
  const ids = [...names.keys()].sort((a, b) => a - b);
  const indexOf = new Map(ids.map((id, index) => [id, index]));
  const found = new Map<number, { file: string; width: number; height: number; truths: Truth[] }>();
  for (const [index, image] of images.entries()) {
    if (
      isObject(image) &&
      isNumber(image.id) &&
      typeof image.file_name === 'string' &&
      isNumber(image.width) &&
      isNumber(image.height)
    )
      found.set(image.id, { file: image.file_name, width: image.width, height: image.height, truths: [] });
    else report('images', index, 'an id, a file_name, a width and a height');
  }
  for (const [index, annotation] of annotations.entries()) {
    const truth = readTruth(annotation, indexOf);
    const image = isObject(annotation) && isNumber(annotation.image_id) ? found.get(annotation.image_id) : undefined;
    if (truth !== undefined && image !== undefined) image.truths.push(truth);
    else report('annotations', index, 'the image_id and category_id of listed ones, and a bbox of four numbers');
  }
  if (issues.length > 0) throw fail(where, `${issues.length} bad entries, the first is ${issues[0]!.where}`, issues);
  return { categories: ids.map((id) => names.get(id)!), images: [...found.values()] };
}

function parse(text: string, where: string): Record<string, unknown> {
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch (error) {
    throw fail(where, error instanceof Error ? error.message : 'no JSON');
  }
  if (isObject(root)) return root;
  throw fail(where, 'no JSON object');
}

function readTruth(annotation: unknown, indexOf: ReadonlyMap<number, number>): Truth | undefined {
  if (!isObject(annotation) || !isNumber(annotation.category_id)) return undefined;
  const category = indexOf.get(annotation.category_id);
  const { bbox, area, iscrowd } = annotation;
  if (category === undefined || !Array.isArray(bbox) || bbox.length !== 4 || !bbox.every(isNumber)) return undefined;
  const [x, y, width, height] = bbox as [number, number, number, number];
  return {
    x0: x,
    y0: y,
    x1: x + width,
    y1: y + height,
    category,
    ...(isNumber(area) ? { area } : {}),
    ...(iscrowd === 1 || iscrowd === true ? { isCrowd: true } : {}),
  };
}
