import { readKubernetes, textOf } from '../support/compose';

interface Container {
  readonly name: string;
  readonly env: readonly { readonly name: string; readonly value?: string; readonly valueFrom?: object }[];
  readonly resources: { readonly limits: { readonly memory?: string } };
  readonly securityContext: Readonly<Record<string, unknown>>;
}

interface Pod {
  readonly automountServiceAccountToken: boolean;
  readonly hostUsers?: boolean;
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly containers: readonly Container[];
}

const objects = readKubernetes();

const pods = objects
  .filter(({ kind }) => ['Deployment', 'StatefulSet'].includes(kind))
  // SAFETY: workloads have a template of a pod; a wrong shape fails here.
  .map(({ metadata, spec }) => [metadata.name, (spec['template'] as { readonly spec: Pod }).spec] as const);

const policyOf = (name: string): Readonly<Record<string, unknown>> =>
  objects.find(({ kind, metadata }) => kind === 'NetworkPolicy' && metadata.name === name)?.spec ?? {};

/* What keeps strangers from each other, as far as a file can say it. */

it('has a Redis, an API and workers', () => {
  expect(pods.map(([name]) => name)).toEqual(['redis', 'api', 'worker']);
});

describe.each(pods)('the pods of %s', (_name, pod) => {
  it('run as a user without rights, read-only, within limits, and without a token of the cluster', () => {
    expect(pod.automountServiceAccountToken).toBe(false);
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true });
    for (const { securityContext, resources } of pod.containers) {
      expect(securityContext).toMatchObject({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      expect(resources.limits.memory).toBeDefined();
    }
  });

  it('take every secret from where the operator has put it', () => {
    const secrets = pod.containers.flatMap(({ env }) => env).filter(({ name }) => /PASSWORD|KEYS/.test(name));
    for (const { valueFrom } of secrets) expect(valueFrom).toHaveProperty('secretKeyRef.name', 'holdfast');
  });
});

it('gives workers what cages need, and has them refuse to run without', () => {
  const [, worker] = pods.find(([name]) => name === 'worker') ?? [];
  expect(worker?.hostUsers).toBe(false);
  const [container] = worker?.containers ?? [];
  expect(container?.securityContext).toMatchObject({
    procMount: 'Unmasked',
    seccompProfile: { type: 'Localhost', localhostProfile: 'holdfast.json' },
  });
  const env = new Map(container?.env.map(({ name, value }) => [name, value]));
  expect([env.get('HOLDFAST_ISOLATION'), env.get('HOLDFAST_EGRESS')]).toEqual(['sealed', 'public']);
});

it('closes everything that no rule opens, and Redis to all but API and workers', () => {
  expect(policyOf('nothing-else')).toEqual({ podSelector: {}, policyTypes: ['Ingress', 'Egress'] });
  expect(policyOf('redis')).toMatchObject({
    ingress: [
      {
        from: [
          { podSelector: { matchLabels: { app: 'api' } } },
          { podSelector: { matchLabels: { app: 'worker' } } },
        ],
      },
    ],
  });
  expect(JSON.stringify(policyOf('worker')['egress'])).toContain('"except":["10.0.0.0/8"');
});

it('sets no variable that the service does not have', () => {
  const known = textOf('docs/settings.md');
  const names = pods.flatMap(([, { containers }]) =>
    containers.flatMap(({ env }) => env.map(({ name }) => name)),
  );
  const own = names.filter(name => name.startsWith('HOLDFAST_'));
  expect(own.filter(name => !known.includes(`\`${name}\``))).toEqual([]);
});
