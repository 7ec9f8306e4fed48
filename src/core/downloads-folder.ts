/**
 * Where a browser puts what it downloads, from its working directory on, which is its run directory. Relative, so that
 * whoever asks a browser to save there need not know on which machine it runs, or where.
 */
export const DOWNLOADS_FOLDER = 'downloads';
