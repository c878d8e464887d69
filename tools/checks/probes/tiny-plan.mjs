/**
 * INT8 throughout, with ranges that the sample of the tiny network has.
 * @param {string} processor
 * @returns {import('@q/ir').Plan}
 */
export function tinyPlan(processor) {
  const values = new Map([
    ['x', { threshold: 1, min: -1, max: 1 }],
    ['conv', { threshold: 2.5, min: -1.5, max: 2.5 }],
    ['relu', { threshold: 2.5, min: 0, max: 2.5 }],
  ]);
  return { processor, precision: 'INT8', asymmetric: false, ops: new Map(), values };
}
