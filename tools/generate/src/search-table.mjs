/** The commands that every network is run with. */
export const COMMANDS = ['search_threshold', 'search_qtable', 'run_sensitive_layer', 'run_qtable', 'fp_forward'];

/**
 * @typedef {{ network: string, processor: string, metric: string, samples: number, float: number, int8: number, found: number,
 *   floatLayers: number, layers: number, seconds: number }} RecoveryFigure
 */

/** Share of the loss that a plan recovers; 1 is all of it. */
export const recovered = ({ float, int8, found }) => (found - int8) / (float - int8);

const digits = (metric, value) => (metric === 'PSNR' ? `${value.toFixed(2)} dB` : `${(100 * value).toFixed(1)} %`);

/** @param {Readonly<Record<string, RecoveryFigure>>} figures by row, in the order of the table */
export function renderRecoveries(figures) {
  const rows = Object.entries(figures).map(([name, row]) => {
    const show = (value) => digits(row.metric, value);
    const share = `${(100 * recovered(row)).toFixed(0)} %`;
    const reached = recovered(row) >= 0.8 && row.floatLayers * 10 <= row.layers;
    return [
      name,
      `${row.metric}, ${row.samples}`,
      show(row.float),
      show(row.int8),
      show(row.found),
      reached ? `**${share}**` : share,
      `${row.floatLayers} of ${row.layers}`,
      row.seconds.toFixed(0),
    ];
  });
  return table(['row', 'measure, samples', 'float', 'INT8', 'found', 'recovered', 'float layers', 's'], rows);
}

/**
 * What the commands gave for a network: text per command, as `cellOf` makes it.
 *
 * @param {Readonly<Record<string, { processor: string, load: string, cells: Readonly<Record<string, string>> }>>} figures
 */
export function renderRuns(figures) {
  const rows = Object.entries(figures).map(([name, { processor, load, cells }]) => [
    `${name}, ${processor}`,
    ...COMMANDS.map((command) => cells[command] ?? ''),
    load,
  ]);
  return table(['network, processor', ...COMMANDS.map((command) => `\`${command}\``), 'load'], rows);
}

/** `37: 1e-5 … 0.0099; 5 float; 12 s` */
export function cellOf({ candidates, values, floatLayers, seconds }) {
  const range = values.length === 0 ? '' : `: ${short(Math.min(...values))} … ${short(Math.max(...values))}`;
  return `${candidates}${range}; ${floatLayers}; ${seconds.toFixed(0)} s`;
}

const short = (value) => (value === 0 ? '0' : Math.abs(value) < 0.001 ? value.toExponential(0) : value.toPrecision(3));

function table(titles, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(titles), line(titles.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Losses of the ranking that a search's log holds. */
export function rankedLosses(log) {
  return [...log.matchAll(/sensitive layer, loss is (\S+),/g)].map(([, loss]) => Number(loss));
}

/** Likenesses of layers in a `full_loss_table.txt`. */
export function layerCosines(text) {
  return [...text.matchAll(/Cos: (\S+)/g)].map(([, cosine]) => Number(cosine));
}

/** Scores of methods in `Search_Threshold`. */
export function methodScores(log) {
  const [, scores = ''] = /similarity scores: \{(.*)\}/.exec(log) ?? [];
  return [...scores.matchAll(/'(\w+)': ([\d.e-]+)/g)].map(([, , score]) => Number(score));
}

/** Lines of a quantize table that name layers. */
export const tableRows = (text) => text.split('\n').filter((line) => /^[^#\s]/.test(line)).length;
