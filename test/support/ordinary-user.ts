/** `nobody`, as whom tests run an installation if they are root themselves. */
const NOBODY = { uid: 65_534, gid: 65_534 };

/** Options of an installation of an ordinary user: that of the tests, if they are not root. */
export const ordinaryUser = (): { readonly user?: typeof NOBODY } =>
  process.getuid?.() === 0 ? { user: NOBODY } : {};
