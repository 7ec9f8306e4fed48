import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';

/** The part of a service in `docker-compose.yml` that tests look at. */
export interface ComposeService {
  readonly image: string;
  readonly user?: string;
  readonly networks: readonly string[];
  readonly environment?: Readonly<Record<string, string | number>>;
  readonly ports?: readonly string[];
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly read_only?: boolean;
  readonly tmpfs?: readonly string[];
  readonly volumes?: readonly string[];
  readonly mem_limit?: string;
  readonly pids_limit?: number;
}

/** `docker-compose.yml`. */
export interface ComposeFile {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean }>>;
}

const ROOT = resolve(__dirname, '../..');

/** Text of a file of this repository. */
export const textOf = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

/** Reads `docker-compose.yml`, with what its services have in common merged into each. */
export function readCompose(): ComposeFile {
  // SAFETY: a wrong shape fails the tests that read it.
  return parse(textOf('docker-compose.yml'), { merge: true }) as ComposeFile;
}

/** One object of `deploy/kubernetes.yaml`. */
export interface KubernetesObject {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec: Readonly<Record<string, unknown>>;
}

/** Reads `deploy/kubernetes.yaml`. */
export function readKubernetes(): KubernetesObject[] {
  // SAFETY: a wrong shape fails the tests that read it.
  return parseAllDocuments(textOf('deploy/kubernetes.yaml')).map(one => one.toJS() as KubernetesObject);
}
