import { z } from 'zod';
import { integer } from './setting-values';

/** A listener that speaks TLS. */
export interface TlsConfig {
  readonly host: string;
  readonly port: number;
  /** PEM files of the operator; null: a development certificate in the data folder. */
  readonly files: { readonly cert: string; readonly key: string } | null;
}

/** The settings of the listener that speaks TLS. */
export const TLS_SETTINGS = {
  HOLDFAST_TLS_PORT: integer(1, 65_535).optional(),
  HOLDFAST_TLS_HOST: z.string().optional(),
  HOLDFAST_TLS_CERT: z.string().optional(),
  HOLDFAST_TLS_KEY: z.string().optional(),
};

/** The values of these settings, and where the other listener is. */
type TlsValues = z.output<z.ZodObject<typeof TLS_SETTINGS>> & {
  readonly HOLDFAST_HOST: string;
  readonly HOLDFAST_PORT: number;
};

/** What is wrong with them together. */
export function tlsProblems(values: TlsValues): string[] {
  const isSamePort = values.HOLDFAST_TLS_PORT === values.HOLDFAST_PORT;
  const isHostAlone = values.HOLDFAST_TLS_HOST !== undefined && values.HOLDFAST_TLS_PORT === undefined;
  const isHalf = (values.HOLDFAST_TLS_CERT === undefined) !== (values.HOLDFAST_TLS_KEY === undefined);
  return [
    ...(isSamePort ? ['HOLDFAST_TLS_PORT: is the same as HOLDFAST_PORT'] : []),
    ...(isHostAlone ? ['HOLDFAST_TLS_HOST: needs HOLDFAST_TLS_PORT'] : []),
    ...(isHalf ? ['HOLDFAST_TLS_CERT: goes together with HOLDFAST_TLS_KEY'] : []),
  ];
}

/** The listener; null: none. */
export function tlsConfig(values: TlsValues): TlsConfig | null {
  const { HOLDFAST_TLS_PORT: port, HOLDFAST_TLS_CERT: cert, HOLDFAST_TLS_KEY: key } = values;
  if (port === undefined) return null;
  return {
    host: values.HOLDFAST_TLS_HOST ?? values.HOLDFAST_HOST,
    port,
    files: cert === undefined || key === undefined ? null : { cert, key },
  };
}
