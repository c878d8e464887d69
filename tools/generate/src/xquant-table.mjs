/** The types of calibration that the table compares. */
export const TYPES = ['minmax', 'percentile', 'kl', 'mse', 'default'];

/** What the best type may lose by labels, in points or decibels; the least cosine without labels. */
const ALLOWED = { points: 1, dB: 0.5, cosine: 0.99 };

/**
 * @typedef {{ metric: string | undefined, float: number | undefined, calibration: number, evaluation: number, finetune: number,
 *   types: Record<string, XquantFigure>, report?: { isBlame: boolean, layers: string[], shares: number[], followed: XquantFigure,
 *   joined?: string[] } }} XquantFigures
 * @typedef {{ figure: number | undefined, cosine: number }} XquantFigure
 */

/** The type with the best figure, of equal ones the best cosine, and whether that is good enough. */
export function verdict(/** @type {XquantFigures} */ figures) {
  const { metric, float, types } = figures;
  const rank = ([, { figure, cosine }]) => [metric === undefined ? 0 : figure, cosine];
  const [best, { figure, cosine }] = Object.entries(types).toSorted((a, b) => {
    const [[fa, ca], [fb, cb]] = [rank(a), rank(b)];
    return fb - fa || cb - ca;
  })[0];
  const lost = metric === undefined ? undefined : (float - figure) * (metric === 'PSNR' ? 1 : 100);
  const allowed = metric === 'PSNR' ? ALLOWED.dB : ALLOWED.points;
  // A loss of exactly a point is not more than one, whatever the last bit says.
  return { best, lost, isKept: lost === undefined ? cosine >= ALLOWED.cosine : lost <= allowed + 1e-9 };
}

/** The table of XQUANT.md. */
export function renderXquantTable(/** @type {Record<string, XquantFigures>} */ figures) {
  const titles = ['network', 'level; samples', 'float', ...TYPES, 'best'];
  const rows = Object.entries(figures).map(([name, row]) => [
    name,
    `${row.finetune}; ${row.calibration} / ${row.evaluation}`,
    row.metric === undefined ? 'no labels' : `${row.metric} ${shown(row.float, row)}`,
    ...TYPES.map((type) => cell(row, type)),
    outcome(row),
  ]);
  return [titles, titles.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function outcome(row) {
  const { best, lost, isKept } = verdict(row);
  const unit = row.metric === 'PSNR' ? 'dB' : 'points';
  const text =
    row.metric === undefined ? best : `${best}, ${lost > 0 ? `loses ${lost.toFixed(1)} ${unit}` : 'loses nothing'}`;
  return isKept || row.report === undefined ? text : `${text}; ${reasons(row)}`;
}

/** Layers by name, what the network does with them in float, and for outputs that join pixels and scores where to cut. */
function reasons(row) {
  const { isBlame, layers, shares, followed, joined = [] } = row.report;
  const names = layers.map((name, at) => `\`${name}\` ${(100 * shares[at]).toFixed(0)} %`);
  const title = isBlame ? '**layers to blame**' : '**largest contributors**';
  const cut =
    joined.length > 0
      ? [`one scale for pixels and scores, cut at ${joined.map((name) => `\`${name}\``).join(', ')}`]
      : [];
  return [`${title}: ${names.join(', ')}; in float: ${shownFigure(row, followed)}`, ...cut].join('; ');
}

function cell(row, type) {
  const found = row.types[type];
  return found === undefined ? 'refused' : shownFigure(row, found);
}

function shownFigure(row, { figure, cosine }) {
  return row.metric === undefined ? cosine.toFixed(4) : `${shown(figure, row)}, ${cosine.toFixed(4)}`;
}

const shown = (value, { metric }) => (metric === 'PSNR' ? `${value.toFixed(2)} dB` : `${(100 * value).toFixed(1)} %`);
