/** `nobody` on every Linux and BSD: the user of all browsers, where the keeper is root. */
export const NOBODY_UID = 65_534;

/**
 * Whether processes of this user are browsers of sessions, and nothing else: not, if the service itself runs as it.
 */
export const isBrowserUid = (uid: number): boolean => uid === NOBODY_UID && uid !== process.getuid?.();
