/* Order of search results: what a page is about (its index entries) first, then titles, then words; tutorials before lists. */
var Scorer = {
  objNameMatch: 11, objPartialMatch: 6, objPrio: { 0: 15, 1: 5, 2: -5 }, objPrioDefault: 0,
  title: 15, partialTitle: 7, term: 5, partialTerm: 2,
  score: ([page, , , , score, , kind]) =>
    score + (page.startsWith("auto_examples/plot_") ? 6 : page.startsWith("concepts/") ? 4 : 0) + (kind === "index" && page !== "glossary" ? 100 : 0),
};
