import { workerSelf } from '#worker-platform';
import { serve } from './serve.ts';

// The default worker script: the pool names the module of the task.
serve(workerSelf());
