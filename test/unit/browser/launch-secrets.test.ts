import { NO_SECRETS, sealSecrets, unsealSecrets } from '../../../src/browser/launch-secrets';
import { UnsealError } from '../../../src/core/sealed';

const SECRET = 'the secret of an installation';

test('without secrets nothing is sealed', () => {
  expect(sealSecrets(SECRET, 'default/a', NO_SECRETS)).toBeNull();
  expect(unsealSecrets(SECRET, 'default/a', null)).toEqual(NO_SECRETS);
});

test('credentials and cookies come back as they were', () => {
  const secrets = {
    proxy: { username: 'ada', password: 'hunter2' },
    cookies: [{ name: 'sid', value: 'deadbeef', domain: 'example.org', secure: true }],
  };
  const sealed = sealSecrets(SECRET, 'default/a', secrets);
  expect(unsealSecrets(SECRET, 'default/a', sealed)).toEqual(secrets);
  expect(() => unsealSecrets(SECRET, 'default/b', sealed)).toThrow(UnsealError);
});
