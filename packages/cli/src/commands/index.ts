import type { Command } from '../command.ts';

/** Every command of `q`, in the order of `q --help`: the whole flow, then the steps under their TPU-MLIR names. */
export const commands: readonly Command[] = [
  {
    name: 'quantize',
    aliases: [],
    summary: 'The whole flow: import, calibrate, lower for each processor, simulate, compare with float.',
    load: async () => (await import('./quantize.ts')).quantize,
  },
  {
    name: 'model_transform',
    aliases: ['model_transform.py'],
    summary: 'Turn an ONNX or Caffe model into a Top .mlir and its weights.',
    load: async () => (await import('./model-transform.ts')).modelTransform,
  },
  {
    name: 'run_calibration',
    aliases: ['run_calibration.py'],
    summary: 'Find the threshold of every layer on calibration samples.',
    load: async () => (await import('./run-calibration.ts')).runCalibration,
  },
  {
    name: 'compare-tables',
    aliases: ['compare_tables'],
    summary: 'Compare two calibration tables layer by layer.',
    load: async () => (await import('./compare-tables.ts')).compareTablesCommand,
  },
  {
    name: 'gen_data_list',
    aliases: ['gen_data_list.py'],
    summary: 'Write a list of some samples of a folder, in random order.',
    load: async () => (await import('./gen-data-list.ts')).genDataList,
  },
  {
    name: 'merge-statistics',
    aliases: ['merge_statistics'],
    summary: 'Merge statistics files of pooled calibrations.',
    load: async () => (await import('./merge-statistics.ts')).mergeStatistics,
  },
  {
    name: 'run_qtable',
    aliases: ['run_qtable.py'],
    summary: 'Search layers to keep in float: walk over the INT8 network, least alike layers first into float.',
    load: async () => (await import('./run-qtable.ts')).runQtableCommand,
  },
  {
    name: 'run_sensitive_layer',
    aliases: ['run_sensitive_layer.py'],
    summary: 'Search layers to keep in float: try each alone in INT8 under several thresholds.',
    load: async () => (await import('./run-sensitive-layer.ts')).runSensitiveLayerCommand,
  },
  {
    name: 'fp_forward',
    aliases: ['fp_forward.py'],
    summary: 'Write a quantize table that keeps a part of the network in float.',
    load: async () => (await import('./fp-forward.ts')).fpForward,
  },
  {
    name: 'model_deploy',
    aliases: ['model_deploy.py'],
    summary: 'Lower a Top .mlir for a processor and check it against the float network.',
    load: async () => (await import('./model-deploy.ts')).modelDeploy,
  },
  {
    name: 'model_runner',
    aliases: ['model_runner.py'],
    summary: 'Run a network on the arrays of an npz file: float, lowered, or the file of model_deploy --model.',
    load: async () => (await import('./model-runner.ts')).modelRunner,
  },
  {
    name: 'npz_tool',
    aliases: ['npz_tool.py'],
    summary: 'Compare, show and edit npz files.',
    load: async () => (await import('./npz-tool.ts')).npzTool,
  },
  {
    name: 'compare',
    aliases: [],
    summary: 'Compare layers dumped from a device with the simulation, in LSBs, worst first.',
    load: async () => (await import('./compare.ts')).compare,
  },
  {
    name: 'evaluate',
    aliases: [],
    summary: 'Measure networks on labelled samples: top-k, average precision, PSNR, words, or agreement.',
    load: async () => (await import('./evaluate.ts')).evaluate,
  },
  {
    name: 'classify',
    aliases: [],
    summary: 'Classify pictures: the five likeliest classes, printed and drawn on the picture.',
    load: async () => (await import('./classify.ts')).classify,
  },
  {
    name: 'detect',
    aliases: [],
    summary: 'Detect objects: classes and scores printed, boxes drawn on the picture.',
    load: async () => (await import('./detect.ts')).detect,
  },
  {
    name: 'classify_mobilenet_v2',
    aliases: ['classify_mobilenet_v2.py'],
    summary: "classify with the settings of TPU-MLIR's sample.",
    load: async () => (await import('./classify.ts')).classifyMobilenetV2,
  },
  {
    name: 'detect_yolov3',
    aliases: ['detect_yolov3.py'],
    summary: "detect with the settings of TPU-MLIR's sample.",
    load: async () => (await import('./detect.ts')).detectYolov3,
  },
  {
    name: 'inspect',
    aliases: [],
    summary: 'Say what a model is made of, what of it cannot be imported, and where its layers would run.',
    load: async () => (await import('./inspect.ts')).inspect,
  },
  {
    name: 'explain',
    aliases: [],
    summary: 'Say why layers of a quantize table stay in float: what their weights and ranges show.',
    load: async () => (await import('./explain.ts')).explain,
  },
  {
    name: 'xquant',
    aliases: [],
    summary: "XQuant's job: a JSON configuration and a float ONNX model in, QDQ ONNX and a report out.",
    load: async () => (await import('./xquant.ts')).xquant,
  },
];
