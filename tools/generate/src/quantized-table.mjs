/** What the table compares: ways to find thresholds, and targets. */
export const METHODS = ['max', 'kl', 'mse', 'percentile9999'];
export const PROCESSORS = ['bm1684x', 'bm1684', 'cv181x', 'k1'];

/** Points below float from which a figure is set in bold: the loss is more than chance. */
const NOTABLE = { fraction: 2, dB: 0.5 };

/**
 * The table of test-models/README.md.
 *
 * @param {Record<string, { metric: string, samples: number, float: number, quantized: Record<string, number>, refused: Record<string, string> }>} figures
 */
export function renderTable(figures) {
  const rows = Object.entries(figures).flatMap(([name, model]) =>
    METHODS.map((method, index) => [
      index === 0 ? name : '',
      index === 0 ? `${model.metric}, ${model.samples}` : '',
      index === 0 ? shown(model.float, model) : '',
      method,
      ...PROCESSORS.map((processor) => cell(model, processor, method)),
    ]),
  );
  const titles = [
    'model',
    'measure, samples',
    'float',
    'method',
    ...PROCESSORS.map((name) => (name === 'k1' ? 'k1 (QDQ)' : name)),
  ];
  const lines = [titles, titles.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
  const refused = Object.entries(figures).flatMap(([name, { refused: reasons }]) =>
    Object.entries(reasons).map(([processor, why]) => `- ${name} on ${processor} is refused: ${why}`),
  );
  return [...lines, ...(refused.length > 0 ? ['', ...refused] : [])].join('\n');
}

const isDecibel = ({ metric }) => metric === 'PSNR';

function shown(value, model) {
  return isDecibel(model) ? `${value.toFixed(2)} dB` : `${(100 * value).toFixed(1)} %`;
}

function cell(model, processor, method) {
  const value = model.quantized[`${processor} INT8 ${method}`];
  if (value === undefined) return 'refused';
  const lost = (model.float - value) * (isDecibel(model) ? 1 : 100);
  const text = shown(value, model);
  // A loss of exactly two points is not more than two, whatever the last bit says.
  return lost > NOTABLE[isDecibel(model) ? 'dB' : 'fraction'] + 1e-9 ? `**${text}**` : text;
}
