/* A page that was opened from a folder may not read others for a summary. */
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
/* An index entry has no text of its own to show: an empty summary, not an error. */
addEventListener("DOMContentLoaded", () => {
  const summary = Search.makeSearchSummary;
  Search.makeSearchSummary = (...words) => summary(...words) ?? document.createElement("p");
});
/* Order of search results: what a page is about (its index entries) first, then titles, then words; tutorials before lists. */
var Scorer = {
  objNameMatch: 11, objPartialMatch: 6, objPrio: { 0: 15, 1: 5, 2: -5 }, objPrioDefault: 0,
  title: 15, partialTitle: 7, term: 5, partialTerm: 2,
  score: ([page, , , , score, , kind]) =>
    score + (page.startsWith("auto_examples/plot_") ? 6 : page.startsWith("concepts/") ? 4 : 0) + (kind === "index" && page !== "glossary" ? 100 : 0),
};
