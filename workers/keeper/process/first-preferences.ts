/**
 * The preferences in Chromium's profile at the first start. A preference outlasts every client, whereas
 * `Browser.setDownloadBehavior` ends with the client that called it.
 *
 * @param downloads - the folder for them
 * @param prepared - the preferences of a profile that was prepared for it, as JSON; null: there is none
 */
export function preferencesFor(downloads: string, prepared: string | null): object {
  const { profile, ...others } = members(prepared === null ? {} : JSON.parse(prepared));
  return {
    ...others,
    download: { default_directory: downloads, prompt_for_download: false },
    savefile: { default_directory: downloads },
    // Otherwise Chromium deletes session cookies when the last page closes, and when it starts with them (measured with
    // 156). No tab opens: there are no files of a former session.
    session: { restore_on_startup: 1 },
    // Pages may save several files without a prompt.
    profile: { ...members(profile), default_content_setting_values: { automatic_downloads: 1 } },
  };
}

function members(value: unknown): Readonly<Record<string, unknown>> {
  // SAFETY: any object can be asked for members.
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
