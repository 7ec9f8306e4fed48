import type { Config } from '@jest/types';
import TestRunner, { type TestRunnerContext } from 'jest-runner';

/**
 * Runs the files of a project one after another, in a worker of their own: two e2e files at once would starve each
 * other of two cores and turn their deadlines into coin tosses. Jest runs the runners of a run one after the other,
 * so nothing else runs beside them either.
 */
export default class SerialRunner extends TestRunner {
  constructor(globalConfig: Config.GlobalConfig, context: TestRunnerContext) {
    super({ ...globalConfig, maxWorkers: 1 }, context);
  }
}
