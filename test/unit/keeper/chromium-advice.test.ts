import { adviceFor } from '../../../workers/keeper/chromium-proof';

test.each([
  ['No usable sandbox! If you are running on Ubuntu 23.10+', 'user namespaces'],
  ['libnss3.so: error while loading shared libraries', 'package manager'],
  ['the browser exited with status 126; its last output: Permission denied', 'HOLDFAST_CHROMIUM_PATH'],
])('"%s" comes with advice', (reason, advice) => {
  expect(adviceFor(reason).join('\n')).toContain(advice);
});

test('an unknown failure comes without advice', () => {
  expect(adviceFor('the browser was not ready within 30000 ms')).toEqual([]);
});
