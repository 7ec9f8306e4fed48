import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';

/** The complaints of publint and attw about a package, one on each line; empty if there are none. */
export async function problemsOf(tarball) {
  const { messages, pkg } = await publint({ pack: { tarball: arrayBufferOf(tarball) } });
  const { problems } = await checkPackage(createPackageFromTarballData(tarball));
  return [
    ...messages.map(message => `publint: ${formatMessage(message, pkg, { color: false })}`),
    ...problems.map(({ kind, ...where }) => `attw: ${kind} ${JSON.stringify(where)}`),
  ];
}

/** A Buffer may be a view of a larger one. */
const arrayBufferOf = ({ buffer, byteOffset, byteLength }) =>
  buffer.slice(byteOffset, byteOffset + byteLength);
