import { ConfigError, envToConfig, type Config } from '../config/config';
import { readEnv } from '../config/env';
import { messageOf } from '../core/errors';
import {
  checkCapacity,
  checkChromium,
  checkDisplay,
  checkFolders,
  checkNode,
  checkRedis,
  checkRunning,
  type Finding,
} from './doctor-checks';

/**
 * Checks everything that Holdfast needs on this machine. Passes each finding to `tell`; returns whether nothing is
 * missing.
 */
export async function doctor(tell: (finding: Finding) => void): Promise<boolean> {
  let isHealthy = true;
  const report = (findings: readonly Finding[]): void => {
    for (const finding of findings) {
      if (finding.mark === 'bad') isHealthy = false;
      tell(finding);
    }
  };
  report(checkNode());
  const config = readConfig(report);
  if (config !== null) {
    const checks = [checkRedis, checkChromium, checkDisplay, checkFolders, checkCapacity, checkRunning];
    for (const check of checks) {
      report(await findingsOf(check, config));
    }
  }
  return isHealthy;
}

function readConfig(report: (findings: readonly Finding[]) => void): Config | null {
  try {
    return envToConfig(readEnv());
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    report(error.problems.map(problem => ({ mark: 'bad', text: problem })));
    return null;
  }
}

/** A check that throws is a finding too, so that the other checks still run. */
async function findingsOf(
  check: (config: Config) => Finding[] | Promise<Finding[]>,
  config: Config,
): Promise<Finding[]> {
  try {
    return await check(config);
  } catch (error) {
    return [{ mark: 'bad', text: `could not be checked: ${messageOf(error)}` }];
  }
}
