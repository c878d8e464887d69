export { asymmetricParameters, coveredRange, type Int8Parameters } from './parameters.ts';
export { spacemit } from './target.ts';
