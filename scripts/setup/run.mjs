import { spawn } from 'node:child_process';

/**
 * Runs a program with the output of this process and without input, so that it cannot wait for an answer. Resolves with
 * its exit code (127 if it could not be started).
 */
export function run(program, args, options = {}) {
  return new Promise(resolve => {
    const child = spawn(program, args, { stdio: ['ignore', 2, 2], ...options });
    child.once('error', () => resolve(127));
    child.once('exit', code => resolve(code ?? 1));
  });
}
