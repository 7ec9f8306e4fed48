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

const MARKS = { ok: '✓', note: '!', bad: '✗' } as const;

/** Looks at everything Holdfast needs on this machine and prints what it finds; the exit code is 1 if something is missing. */
export async function doctor(print: (line: string) => void = printLine): Promise<number> {
  let healthy = true;
  const report = (findings: readonly Finding[]): void => {
    for (const { mark, text, advice = [] } of findings) {
      if (mark === 'bad') healthy = false;
      print(`${MARKS[mark]} ${text}`);
      for (const line of advice) print(`    ${line}`);
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
  return healthy ? 0 : 1;
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

/** A check that breaks is a finding too: the others still have something to say. */
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

function printLine(line: string): void {
  process.stdout.write(`${line}\n`);
}
