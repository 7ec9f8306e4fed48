// Holdfast brings its own Chromium (scripts/setup.mjs finds or installs it); a download at install time would be a
// second one.
module.exports = { skipDownload: true };
