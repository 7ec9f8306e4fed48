/*
 * `stub-program.ts <trait>…`: a process of run-process.test.ts. What it does is on stdout, `+ <word>` a line, beside
 * its log lines.
 */
import { ConfigError } from '../../src/config/config';
import { runProcess, type ProcessContext, type Program } from '../../src/core/run-process';

const traits = new Set(process.argv.slice(2));
const say = (word: string): void => void process.stdout.write(`+ ${word}\n`);

function open({ stop, isSupervised }: ProcessContext): Program {
  if (traits.has('misconfigured')) throw new ConfigError(['STUB: must not be set']);
  let hurry: () => void = () => undefined;
  return {
    start: async () => {
      // Nothing else would keep the process alive.
      setInterval(() => undefined, 60_000);
      if (traits.has('never-starts')) {
        say('starting');
        await new Promise(() => undefined);
      }
      if (traits.has('is-busy')) {
        say('busy');
        // It hears of nothing meanwhile.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
      }
      if (traits.has('fails')) throw new Error('nothing to start');
      if (traits.has('throws-later')) setImmediate(() => void JSON.parse('{'));
      if (traits.has('rejects-later')) void Promise.reject(new Error('nobody waits for this'));
      if (traits.has('stops-itself')) setImmediate(() => stop('it has had enough'));
      say(isSupervised ? 'supervised' : 'alone');
      return { title: process.title };
    },
    close: async why => {
      say(`closing: ${why}`);
      if (traits.has('closes-badly')) throw new Error('something stays open');
      if (traits.has('hangs')) await new Promise<void>(resolve => (hurry = resolve));
      say('closed');
    },
    ...(traits.has('hurries') ? { hurry: () => hurry() } : {}),
  };
}

void runProcess({
  name: 'keeper',
  supervisor: traits.has('supervisor') ? null : traits.has('outlives') ? 'outlives' : 'ends',
  closeLimitMs: traits.has('limited') ? 100 : null,
  open,
  exitCodeOf: () => (traits.has('own-code') ? 3 : null),
  ...(traits.has('tells') ? { reportFailure: error => say(`told: ${String(error)}`) } : {}),
}).then(code => process.exit(code));
