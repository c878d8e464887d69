export { cv18xx } from './target.ts';
