/* Opened as a file, a page may not read others, so a search shows titles without the text around what was found. */
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
