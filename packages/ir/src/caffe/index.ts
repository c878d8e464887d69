export { type CaffeImportOptions, type CaffeNetwork, importCaffe } from './import.ts';
export type { LayerSettings } from './layer-settings.ts';
