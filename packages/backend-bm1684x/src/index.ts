export { bm168x } from './target.ts';
