/**
 * Where a browser saves its downloads, relative to its working directory, which is its run directory. Relative, so that
 * the process that asks a browser to save there need not know the machine or the directory it runs in.
 */
export const DOWNLOADS_FOLDER = 'downloads';
