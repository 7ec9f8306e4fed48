import { createLogger } from '../../../src/core/logger';
import { RecurringFailures } from '../../../src/core/recurring-failures';

let said: string[];
let failures: RecurringFailures;

beforeEach(() => {
  said = [];
  const log = createLogger('worker', 'info', {
    write: line => {
      // SAFETY: pino writes one JSON object a line.
      const { what, msg } = JSON.parse(line) as { what: string; msg: string };
      said.push(`${what} ${msg}`);
    },
  });
  failures = new RecurringFailures(log, 'fails', 'works');
});

const full = (message: string): Error => Object.assign(new Error(message), { code: 'ENOSPC' });

it('logs a failure once, however often it occurs', () => {
  for (const path of ['a', 'b', 'c']) failures.failed('disk', full(`no room for ${path}`));
  expect(said).toEqual(['disk fails']);
});

it('logs another reason, and every other operation that fails', () => {
  failures.failed('disk', full('no room'));
  failures.failed('disk', new Error('the disk is gone'));
  failures.failed('other disk', full('no room'));
  expect(said).toEqual(['disk fails', 'disk fails', 'other disk fails']);
});

it('logs once that it is over, and the next failure again', () => {
  failures.worked('disk');
  failures.failed('disk', 'a text that was thrown');
  failures.worked('disk');
  failures.worked('disk');
  failures.failed('disk', 'a text that was thrown');
  expect(said).toEqual(['disk fails', 'disk works', 'disk fails']);
});

it('logs after a whole round which failures are over', () => {
  failures.settle(
    new Map([
      ['a', new Error('no')],
      ['b', new Error('no')],
    ]),
  );
  failures.settle(new Map([['b', new Error('no')]]));
  failures.settle(new Map());
  expect(said).toEqual(['a fails', 'b fails', 'a works', 'b works']);
});
